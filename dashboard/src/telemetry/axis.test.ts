import { describe, expect, it } from 'vitest'
import { timeTicks, valueAxis } from './axis.ts'

const hour = 3_600_000

describe('timeTicks', () => {
  it('stands on round times and stays within the limit', () => {
    const from = new Date(2026, 10, 22, 13, 2, 11).getTime()
    const { ticks, stepMs } = timeTicks(from, from + hour, 12)
    expect(stepMs).toBe(300_000)
    expect(new Date(ticks[0] ?? 0).getMinutes()).toBe(5)
    expect(ticks.length).toBeLessThanOrEqual(13)
  })

  it('starts days at local midnight', () => {
    const from = new Date(2026, 10, 15, 9, 0, 0).getTime()
    const { ticks } = timeTicks(from, from + 168 * hour, 8)
    expect(ticks.every((tick) => new Date(tick).getHours() === 0)).toBe(true)
  })
})

describe('valueAxis', () => {
  it.each([
    [-20.6, -13.1, -22, -12],
    [0, 1_448, 0, 1_500],
    [0.11, 0.29, 0.1, 0.3],
  ])('%s to %s has the ends %s and %s', (low, high, axisLow, axisHigh) => {
    const axis = valueAxis(low, high)
    expect([axis.low, axis.high]).toEqual([axisLow, axisHigh])
    expect(axis.ticks.length).toBeGreaterThanOrEqual(3)
    expect(axis.ticks.length).toBeLessThanOrEqual(7)
  })

  it('gives a constant room on both sides', () => {
    const axis = valueAxis(21, 21)
    expect(axis.low).toBeLessThan(21)
    expect(axis.high).toBeGreaterThan(21)
  })

  it('survives zero', () => {
    expect(valueAxis(0, 0).ticks.length).toBeGreaterThanOrEqual(3)
  })
})
