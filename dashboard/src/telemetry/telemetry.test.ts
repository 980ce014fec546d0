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
})
