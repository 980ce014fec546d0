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
    const telemetry = new Telemetry(60_000, Date.now)
    telemetry.add(live(9_000))
    telemetry.add(live(9_500))
    telemetry.load(history)
    expect(telemetry.getPicture()?.series.temperature?.points.map(({ t }) => t)).toEqual([
      8_000, 9_000, 9_500,
    ])
  })

  it('redraws a burst once', () => {
    const telemetry = new Telemetry(60_000, Date.now)
    const listener = vi.fn()
    telemetry.load(history)
    telemetry.subscribe(listener)
    for (let time = 10_000; time < 10_100; time += 1) telemetry.add(live(time))
    vi.advanceTimersByTime(300)
    expect(listener).toHaveBeenCalledOnce()
    expect(telemetry.getPicture()?.arrived).toBe(100)
  })

  it('a new history keeps the count, so "N new" never runs backwards', () => {
    const telemetry = new Telemetry(60_000, Date.now)
    telemetry.load(history)
    telemetry.add(live(10_000))
    vi.advanceTimersByTime(300)
    telemetry.load(history)
    expect(telemetry.getPicture()?.arrived).toBe(1)
    expect(telemetry.getPicture()?.series.temperature?.points).toHaveLength(3)
  })

  it('L-GAP-1 a history read after a long cut leaves no hole and repeats nothing', () => {
    const telemetry = new Telemetry(600_000, Date.now)
    telemetry.load(history)
    telemetry.add(live(10_000))
    vi.advanceTimersByTime(120_000)
    // The stream is back, the events between are gone, and readings go on before the history is there.
    telemetry.add(live(130_000))
    telemetry.add(live(131_000))
    const t = [8_000, 9_000, 10_000, 50_000, 90_000, 130_000]
    const value = t.map(() => 1)
    telemetry.load({
      ...history,
      to: 130_500,
      series: { temperature: { kind: 'number', t, value, gaps: [] } },
    })
    expect(telemetry.getPicture()?.series.temperature?.points.map((point) => point.t)).toEqual([
      ...t,
      131_000,
    ])
  })

  it('L-GAP-2 a chart that nobody sees is drawn once, when it is looked at', () => {
    const telemetry = new Telemetry(60_000, Date.now)
    const listener = vi.fn()
    telemetry.load(history)
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
})
