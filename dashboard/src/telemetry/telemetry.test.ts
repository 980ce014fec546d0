import type { Readings } from '@telltale/api/contract'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { Telemetry } from './telemetry.ts'

const history: Readings = {
  deviceId: 'bay',
  from: 0,
  to: 10_000,
  bucketMs: null,
  source: 'raw',
  truncated: false,
  t: [],
  series: { temperature: { kind: 'number', t: [8_000, 9_000], value: [1, 2], gaps: [] } },
}

function live(time: number) {
  return { deviceId: 'bay', time, values: { temperature: 3 } }
}

describe('Telemetry', () => {
  beforeEach(() => {
    vi.useFakeTimers({ now: 10_000 })
  })
  afterEach(() => {
    vi.useRealTimers()
  })

  it('merges what arrived while the history was on its way', () => {
    const telemetry = new Telemetry({ range: { kind: 'live', windowMs: 60_000 }, now: Date.now })
    telemetry.add(live(9_000))
    telemetry.add(live(9_500))
    telemetry.load(history, 10_000)
    expect(telemetry.getPicture()?.series.temperature?.points.map(({ t }) => t)).toEqual([
      8_000, 9_000, 9_500,
    ])
  })

  it('redraws a burst once', () => {
    const telemetry = new Telemetry({ range: { kind: 'live', windowMs: 60_000 }, now: Date.now })
    const listener = vi.fn()
    telemetry.load(history, 10_000)
    telemetry.subscribe(listener)
    for (let time = 10_000; time < 10_100; time += 1) telemetry.add(live(time))
    vi.advanceTimersByTime(300)
    expect(listener).toHaveBeenCalledOnce()
    expect(telemetry.getPicture()?.arrived).toBe(100)
  })

  it('a new history keeps the count, so "N new" never runs backwards', () => {
    const telemetry = new Telemetry({ range: { kind: 'live', windowMs: 60_000 }, now: Date.now })
    telemetry.load(history, 10_000)
    telemetry.add(live(10_000))
    vi.advanceTimersByTime(300)
    telemetry.load(history, 10_000)
    expect(telemetry.getPicture()?.arrived).toBe(1)
    expect(telemetry.getPicture()?.series.temperature?.points).toHaveLength(3)
  })

  it('L-GAP-1 a history read after a long cut leaves no hole and repeats nothing', () => {
    const telemetry = new Telemetry({ range: { kind: 'live', windowMs: 600_000 }, now: Date.now })
    telemetry.load(history, 10_000)
    telemetry.add(live(10_000))
    vi.advanceTimersByTime(120_000)
    // The stream is back, the events between are gone, and readings go on before the history is there.
    telemetry.add(live(130_000))
    telemetry.add(live(131_000))
    const t = [8_000, 9_000, 10_000, 50_000, 90_000, 130_000]
    const value = t.map(() => 1)
    const series = { temperature: { kind: 'number' as const, t, value, gaps: [] } }
    telemetry.load({ ...history, to: 130_500, series }, 130_500)
    expect(telemetry.getPicture()?.series.temperature?.points.map((point) => point.t)).toEqual([
      ...t,
      131_000,
    ])
  })

  it('L-GAP-3 what a device with a clock ahead has sent stays when its history is read anew', () => {
    const telemetry = new Telemetry({ range: { kind: 'live', windowMs: 900_000 }, now: Date.now })
    const series = (t: number[]) => ({
      temperature: { kind: 'number' as const, t, value: t.map(() => 1), gaps: [] },
    })
    telemetry.load({ ...history, to: 310_000, series: series([9_000, 69_000]) }, 10_000)
    telemetry.add(live(70_000))
    // Further ahead than a history goes: the clocks of two servers differ as well.
    telemetry.add(live(400_000))
    vi.advanceTimersByTime(60_000)
    telemetry.load({ ...history, to: 370_000, series: series([9_000, 69_000, 70_000]) }, 70_000)
    expect(telemetry.getPicture()?.series.temperature?.points.map(({ t }) => t)).toEqual([
      9_000, 69_000, 70_000, 400_000,
    ])
  })

  it('L-GAP-4 a reading from ahead counts once in its bucket, in the history or after it', () => {
    const telemetry = new Telemetry({ range: { kind: 'live', windowMs: 900_000 }, now: Date.now })
    const bucket = { kind: 'number' as const, avg: [1], min: [1], max: [1], last: [1], count: [1], gaps: [] }
    telemetry.add(live(70_000))
    vi.advanceTimersByTime(1_000)
    const buckets = { ...history, to: 311_000, bucketMs: 10_000, t: [70_000] }
    telemetry.load({ ...buckets, series: { temperature: bucket } }, 11_000)
    const newest = () => telemetry.getPicture()?.series.temperature?.points.at(-1)
    expect(newest()).toEqual({ t: 70_000, avg: 1, min: 1, max: 3, count: 1 })
    telemetry.add(live(71_000))
    vi.advanceTimersByTime(300)
    expect(newest()).toEqual({ t: 70_000, avg: 2, min: 1, max: 3, count: 2 })
  })

  it('L-GAP-2 a chart that nobody sees is drawn once, when it is looked at', () => {
    const telemetry = new Telemetry({ range: { kind: 'live', windowMs: 60_000 }, now: Date.now })
    const listener = vi.fn()
    telemetry.load(history, 10_000)
    telemetry.subscribe(listener)
    telemetry.hold(true)
    telemetry.add(live(10_000))
    vi.advanceTimersByTime(5_000)
    telemetry.add(live(14_000))
    vi.advanceTimersByTime(5_000)
    expect(listener).not.toHaveBeenCalled()
    telemetry.hold(false)
    expect(listener).toHaveBeenCalledOnce()
    expect(telemetry.getPicture()?.series.temperature?.points).toHaveLength(4)
  })

  it('L-GAP-5 a tab that comes back after an hour is not busy with 256 metrics for long', () => {
    const metrics = Array.from({ length: 256 }, (_, index) => `m${index}`)
    const values = Object.fromEntries(metrics.map((metric) => [metric, 1]))
    const telemetry = new Telemetry({ range: { kind: 'live', windowMs: 900_000 }, now: Date.now })
    telemetry.load(history, 10_000)
    telemetry.hold(true)
    for (let time = 10_000; time < 3_610_000; time += 1_000) telemetry.add({ deviceId: 'bay', time, values })
    vi.setSystemTime(3_610_000)
    // One by one they take longer than a test may.
    telemetry.hold(false)
    const series = telemetry.getPicture()?.series ?? {}
    expect(series.m255?.points.map(({ t }) => t)).toEqual(series.m0?.points.map(({ t }) => t))
    expect([series.m255?.points[0]?.t, series.m255?.points.length]).toEqual([2_710_000, 900])
  })

  it('L-SOURCE-4 what was not asked for, or lies outside a fixed range, is counted and drawn nowhere', () => {
    const telemetry = new Telemetry({
      range: { kind: 'fixed', from: 0, to: 10_000 },
      metrics: ['temperature'],
      now: Date.now,
    })
    telemetry.load(history, 10_000)
    telemetry.add({ deviceId: 'bay', time: 9_500, values: { temperature: 3, door: 'open' } })
    telemetry.add(live(10_000))
    vi.advanceTimersByTime(300)
    expect(telemetry.getPicture()?.arrived).toBe(2)
    expect(Object.keys(telemetry.getPicture()?.series ?? {})).toEqual(['temperature'])
    expect(telemetry.getPicture()?.series.temperature?.points.map(({ t }) => t)).toEqual([
      8_000, 9_000, 9_500,
    ])
  })

  it('L-SOURCE-9 what is drawn nowhere makes no new picture', () => {
    const range = { kind: 'fixed', from: 0, to: 10_000 } as const
    const telemetry = new Telemetry({ range, metrics: ['temperature'], now: Date.now })
    const listener = vi.fn()
    telemetry.load(history, 10_000)
    telemetry.subscribe(listener)
    telemetry.add(live(10_000))
    telemetry.add({ deviceId: 'bay', time: 9_500, values: { door: 'open' } })
    vi.advanceTimersByTime(5_000)
    expect(listener).not.toHaveBeenCalled()
    telemetry.want(['door'])
    telemetry.add({ deviceId: 'bay', time: 9_600, values: { door: 'shut' } })
    vi.advanceTimersByTime(300)
    expect(listener).toHaveBeenCalledOnce()
    expect(telemetry.getPicture()?.series.door?.points).toEqual([{ t: 9_600, state: 'shut' }])
  })

  it('L-SOURCE-5 a fixed range keeps its beginning, however late it is', () => {
    const telemetry = new Telemetry({ range: { kind: 'fixed', from: 0, to: 20_000 }, now: Date.now })
    telemetry.load(history, 10_000)
    vi.advanceTimersByTime(3_600_000)
    telemetry.add(live(15_000))
    vi.advanceTimersByTime(300)
    expect(telemetry.getPicture()?.series.temperature?.points.map(({ t }) => t)).toEqual([
      8_000, 9_000, 15_000,
    ])
  })
})
