import { describe, expect, it } from 'vitest'
import type { Picture } from '../telemetry/series.ts'
import { metricLook } from '../types/look.ts'
import type { SeriesLook } from './looks.ts'
import { cellWords, rowTime, tableRows, tableText } from './table-rows.ts'

const look = (metric: string, unit = ''): SeriesLook => {
  return {
    deviceId: 'a',
    metric,
    label: metric,
    look: { ...metricLook(null, metric), unit },
    offlineSince: null,
  }
}
const point = (t: number, avg: number, min = avg, max = avg) => ({ t, avg, min, max, count: 1 })

function picture(bucketMs: number | null, series: Picture['series']): ReadonlyMap<string, Picture> {
  return new Map([['a', { bucketMs, from: 0, to: 0, historyTo: 0, series, arrived: 0 }]])
}

describe('table of series', () => {
  const raw = picture(null, {
    temperature: { kind: 'number', points: [point(1_000, 20), point(2_000, -21.5)], liveTimes: [] },
    door: { kind: 'state', points: [{ t: 2_000, state: 'open' }], changesOnly: true, gaps: [] },
  })

  it('L-TABLE-1: every time of any series is one row, newest first, within the stretch', () => {
    const looks = [look('temperature', '°C'), look('door'), look('__proto__')]
    expect(tableRows(looks, { from: 0, to: 5_000, pictures: raw })).toEqual([
      { t: 2_000, cells: [{ value: -21.5 }, { value: 'open' }, undefined] },
      { t: 1_000, cells: [{ value: 20 }, undefined, undefined] },
    ])
    expect(tableRows(looks, { from: 1_001, to: 5_000, pictures: raw }).map(({ t }) => t)).toEqual([2_000])
    expect(tableRows(looks, { from: 0, to: 1_999, pictures: raw }).map(({ t }) => t)).toEqual([1_000])
  })

  it('L-TABLE-1: buckets show their average with their extremes, also those the stretch cuts', () => {
    const pictures = picture(10_000, {
      v: {
        kind: 'number',
        points: [point(0, 1), point(10_000, 21.456, 20, 23), point(20_000, 2)],
        liveTimes: [],
      },
    })
    const rows = tableRows([look('v')], { from: 15_000, to: 20_000, pictures })
    expect(rows.map(({ t }) => t)).toEqual([20_000, 10_000])
    expect(cellWords(rows[1]?.cells[0], look('v'))).toEqual({ value: '21.46', range: '20 to 23' })
    expect(cellWords(undefined, look('v'))).toEqual({ value: '–', range: '' })
  })

  it('L-TABLE-1: a row says its time as exactly as needed, in the zone', () => {
    const t = Date.UTC(2026, 10, 22, 13, 2, 11)
    const now = t + 11 * 3_600_000
    expect(rowTime(t, now - 3_600_000, 'UTC')).toBe('13:02:11')
    expect(rowTime(t + 40, now, 'UTC')).toBe('22 Nov 13:02:11.040')
    expect(rowTime(t, now - 3_600_000, 'Europe/Amsterdam')).toBe('22 Nov 14:02:11')
  })

  it('L-TABLE-2: what is copied has plain numbers, and nothing a spreadsheet would run', () => {
    const evil = picture(null, {
      v: { kind: 'number', points: [point(0, -1.5)], liveTimes: [] },
      '=x': { kind: 'state', points: [{ t: 0, state: '=HYPERLINK("x")\tb' }], changesOnly: true, gaps: [] },
    })
    const looks = [look('v', 'bar'), look('=x')]
    const rows = tableRows(looks, { from: 0, to: 1, pictures: evil })
    expect(tableText(looks, rows)).toBe(
      'time\tv (bar)\t\'=x\n1970-01-01T00:00:00.000Z\t-1.5\t\'=HYPERLINK("x") b',
    )
  })

  it('L-TABLE-2: buckets are copied with their extremes', () => {
    const pictures = picture(10, { v: { kind: 'number', points: [point(0, 2, 1, 3)], liveTimes: [] } })
    expect(tableText([look('v')], tableRows([look('v')], { from: 0, to: 1, pictures }))).toBe(
      'time\tv avg\tv min\tv max\n1970-01-01T00:00:00.000Z\t2\t1\t3',
    )
  })
})
