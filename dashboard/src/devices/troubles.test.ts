import type { DeviceType } from '@telltale/api/contract'
import { describe, expect, it } from 'vitest'
import type { Picture } from '../telemetry/series.ts'
import { alarmsOf } from './troubles.ts'

const minute = 60_000
const now = Date.parse('2026-11-22T14:02:11Z')
const type: DeviceType = {
  ...{ name: 'cold-room', label: null, commands: {}, devices: 0, updatedAt: '', updatedBy: '' },
  metrics: {
    temperature: {
      ...{ label: 'Air', unit: '°C', decimals: 0 },
      thresholds: [
        { above: -17, level: 'warning' },
        { above: -15, level: 'alarm' },
      ],
    },
    battery: { thresholds: [{ below: 3, level: 'warning' }] },
  },
}

function picture(newest: number): Picture {
  const values = [-18, -18, -14, -14, -14, -14, -14, -14, -13]
  const points = values.map((value, index) => {
    const t = newest - (values.length - 1 - index) * minute
    return { t, avg: value, min: value, max: value, count: 1 }
  })
  const series = { temperature: { kind: 'number' as const, points, liveTimes: [] } }
  return { bucketMs: null, from: 0, to: now, historyTo: now, series, arrived: 0 }
}

const values = (time: number) => ({ temperature: { value: -13, time }, battery: { value: 2, time } })

describe('the alarm line', () => {
  it('D-ALARMLINE-1: says what is beyond which limit and since when; a warning is no alarm', () => {
    const known = { values: values(now - 1_000), type, picture: picture(now - 1_000), now, isOld: false }
    expect(alarmsOf(known)).toEqual([
      { metric: 'temperature', what: 'Air above −15 °C', lasted: 'for 6 min' },
    ])
  })

  it('D-ALARMLINE-1: says “at least” when its beginning is not known', () => {
    const known = { values: values(now - 1_000), type, picture: null, now, isOld: false }
    expect(alarmsOf(known)[0]?.lasted).toBe('for at least 1 s')
  })

  it('D-ALARMLINE-1: claims nothing about the time nothing was heard', () => {
    const silent = { values: values(now - 9 * minute), type, picture: picture(now - 9 * minute), now }
    expect(alarmsOf({ ...silent, isOld: false })[0]?.lasted).toBe('when it was last heard')
    const away = { values: values(now), type, picture: picture(now), now }
    expect(alarmsOf({ ...away, isOld: true })[0]?.lasted).toBe('when it was last heard')
  })

  it('D-ALARMLINE-1: without a type there are no thresholds', () => {
    expect(alarmsOf({ values: values(now), type: null, picture: null, now, isOld: false })).toEqual([])
  })
})
