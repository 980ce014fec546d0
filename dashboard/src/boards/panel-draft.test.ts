import type { Panel } from '@telltale/api/contract'
import { describe, expect, it } from 'vitest'
import { newPanelDraft, type PanelDraft, readPanelDraft, toggleMetric, toPanelDraft } from './panel-draft.ts'

const place = { id: 'a', width: 5, height: 'large' } as const
const metric = { deviceId: 'kitchen', metric: 'heat' }
const panels: Panel[] = [
  { kind: 'chart', ...place, series: [metric, { ...metric, label: 'Again' }], title: 'Heat' },
  { kind: 'tile', ...place, ...metric },
  { kind: 'gauge', ...place, ...metric, min: -10, max: 0.5 },
  { kind: 'state', ...place, ...metric },
  { kind: 'positions', ...place, tag: 'vans', latitude: 'lat', longitude: 'lon' },
  { kind: 'positions', ...place, devices: ['a', 'b'], latitude: 'gps.lat', longitude: 'gps.lon' },
  { kind: 'command', ...place, deviceId: 'kitchen', name: 'heat', params: { to: [1, '2'] }, label: 'Warm' },
]

describe('a panel being written', () => {
  it.each(panels)('U-BOARDDRAFT-1 a $kind that is opened and not changed is what it was', (panel) => {
    expect(readPanelDraft(toPanelDraft(panel), panel, 'a')).toEqual({ panel, errors: new Map() })
  })

  it('U-BOARDDRAFT-2 what is missing or wrong is said at its field', () => {
    const fault = (change: Partial<PanelDraft>) => {
      const { panel, errors } = readPanelDraft({ ...newPanelDraft(), ...change }, null, 'a')
      return panel === null ? [...errors.keys()] : panel
    }
    const series = [{ ...metric, label: '' }]
    for (const kind of ['chart', 'tile', 'gauge', 'state'] as const)
      expect(fault({ kind })).toEqual(['series'])
    expect(fault({ kind: 'gauge', series, min: 'x' })).toEqual(['min'])
    expect(fault({ kind: 'gauge', series, min: '5', max: '5' })).toEqual(['max'])
    expect(fault({ kind: 'gauge', series, min: '−1,5', max: '' })).toMatchObject({ min: -1.5 })
    expect(fault({ kind: 'positions' })).toEqual(['devices'])
    expect(fault({ kind: 'positions', whose: 'tag', tag: 'a b' })).toEqual(['tag'])
    expect(fault({ kind: 'positions', whose: 'tag', tag: 'a', latitude: ' ' })).toEqual(['latitude'])
    expect(fault({ kind: 'command', name: 'x' })).toEqual(['name'])
    expect(fault({ kind: 'command', deviceId: 'd', name: 'x', params: '{' })).toEqual(['params'])
    expect(fault({ kind: 'command', deviceId: 'd', name: 'x' })).toMatchObject({ label: 'x' })
  })

  it('U-BOARDDRAFT-3 a chart takes up to eight metrics, the others one', () => {
    let draft = newPanelDraft()
    for (let i = 0; i < 10; i += 1) draft = toggleMetric(draft, { deviceId: 'd', metric: `m${i}` })
    expect(draft.series).toHaveLength(8)
    draft = toggleMetric(draft, { deviceId: 'd', metric: 'm0' })
    expect(draft.series.map((one) => one.metric)).not.toContain('m0')
    const tile = toggleMetric({ ...draft, kind: 'tile' }, { deviceId: 'd', metric: 'm9' })
    expect(tile.series.map((one) => one.metric)).toEqual(['m9'])
  })

  it('U-BOARDDRAFT-4 another kind gets its own size, the same kind keeps the size it had', () => {
    const [chart] = panels as [Panel]
    const tile = readPanelDraft({ ...toPanelDraft(chart), kind: 'tile' }, chart, 'a').panel
    expect([tile?.width, tile?.height]).toEqual([3, 'small'])
  })
})
