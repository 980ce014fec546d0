import { describe, expect, it } from 'vitest'
import { formatTick, timeTicks, valueAxis } from './axis.ts'

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

describe('timeTicks in a zone', () => {
  const amsterdam = 'Europe/Amsterdam'
  const labels = (from: number, to: number, ticksMax: number, zone: string) => {
    const { ticks, stepMs } = timeTicks(from, to, ticksMax, zone)
    return ticks.map((tick) => formatTick(tick, stepMs, zone))
  }

  it('L-ZONE-3: ticks stand on round times of the zone, whatever its offset', () => {
    const from = Date.UTC(2026, 10, 22, 1, 2, 11)
    expect(labels(from, from + 6 * hour, 6, 'UTC')).toEqual([
      '02:00',
      '03:00',
      '04:00',
      '05:00',
      '06:00',
      '07:00',
    ])
    expect(labels(from, from + 6 * hour, 3, 'Asia/Kolkata')).toEqual(['08:00', '10:00', '12:00'])
    expect(labels(from, from + 24 * hour, 8, amsterdam).at(-1)).toBe('23 Nov')
  })

  it('L-ZONE-3: when clocks leap, what they leap over has no tick and the rest stays round', () => {
    const from = Date.UTC(2026, 2, 28, 23)
    expect(labels(from, from + 4 * hour, 6, amsterdam)).toEqual(['00:00', '01:00', '03:00', '04:00', '05:00'])
    expect(labels(from, from + 23 * hour, 12, amsterdam).slice(0, 4)).toEqual([
      '00:00',
      '04:00',
      '06:00',
      '08:00',
    ])
  })

  it('L-ZONE-3: the hour that comes twice has its ticks twice where there is room', () => {
    const from = Date.UTC(2026, 9, 24, 22)
    expect(labels(from, from + 5 * hour, 6, amsterdam)).toEqual([
      '00:00',
      '01:00',
      '02:00',
      '02:00',
      '03:00',
      '04:00',
    ])
    expect(labels(from, from + 12 * hour, 6, amsterdam)).toEqual([
      '00:00',
      '02:00',
      '04:00',
      '06:00',
      '08:00',
      '10:00',
    ])
  })

  it('L-ZONE-3: days begin at midnight on both sides of a change of the clocks', () => {
    const { ticks } = timeTicks(Date.UTC(2026, 9, 22, 5), Date.UTC(2026, 9, 29, 5), 8, amsterdam)
    expect(ticks.map((tick) => new Date(tick).toISOString().slice(5, 13))).toEqual([
      '10-22T22',
      '10-23T22',
      '10-24T22',
      '10-25T23',
      '10-26T23',
      '10-27T23',
      '10-28T23',
    ])
  })

  it('L-ZONE-3: long ranges have Mondays, then months, and never more ticks than there is room for', () => {
    expect(labels(Date.UTC(2026, 9, 20), Date.UTC(2026, 10, 20), 6, 'UTC')).toEqual([
      '26 Oct',
      '2 Nov',
      '9 Nov',
      '16 Nov',
    ])
    expect(labels(Date.UTC(2025, 9, 20), Date.UTC(2026, 9, 20), 4, amsterdam)).toEqual([
      'Jan 2026',
      'Apr 2026',
      'Jul 2026',
      'Oct 2026',
    ])
    for (const days of [1, 9, 40, 90, 400, 3_660]) {
      const { ticks } = timeTicks(Date.UTC(2026, 9, 20), Date.UTC(2026, 9, 20 + days), 5, amsterdam)
      expect(ticks.length).toBeGreaterThan(0)
      expect(ticks.length).toBeLessThanOrEqual(6)
    }
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
