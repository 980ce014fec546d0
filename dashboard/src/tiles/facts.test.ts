import { describe, expect, it } from 'vitest'
import type { NumberSeries, Picture, Point, StateSeries } from '../telemetry/series.ts'
import type { Trouble } from '../types/look.ts'
import { beyondSince, expectedEveryMs, forWords, heldSince, isLate, spanOf, stateSince } from './facts.ts'
import { spanWords } from './tile-note.ts'

const minute = 60_000
const above: Trouble = { level: 'alarm', words: '', limit: -15, side: 'above' }

function numbers(...values: [t: number, value: number, min?: number][]): NumberSeries {
  const points: Point[] = values.map(([t, avg, min = avg]) => ({ t, avg, min, max: avg, count: 1 }))
  return { kind: 'number', points, liveTimes: [] }
}

function states(...values: [t: number, state: string][]): StateSeries {
  const points = values.map(([t, state]) => ({ t, state }))
  return { kind: 'state', points, changesOnly: true, gaps: [] }
}

describe('for how long', () => {
  it('D-TILE-1: since the first value beyond the limit', () => {
    const series = numbers([1, -19], [2, -14], [3, -16], [4, -14], [5, -13])
    expect(beyondSince(series, { time: 5, value: -13 }, above)).toEqual({ at: 4, atLeast: false })
  })

  it('D-TILE-1: “at least” when it began before what is known', () => {
    const series = numbers([3, -14], [4, -14], [5, -13])
    expect(beyondSince(series, { time: 5, value: -13 }, above)).toEqual({ at: 3, atLeast: true })
    expect(beyondSince(undefined, { time: 5, value: -13 }, above)).toEqual({ at: 5, atLeast: true })
  })

  it('D-TILE-1: nothing is claimed of a silence', () => {
    const series = numbers([1, -14], [2, -14], [3, -14], [20, -14], [21, -14], [22, -14])
    expect(beyondSince(series, { time: 22, value: -14 }, above)).toEqual({ at: 20, atLeast: true })
  })

  it('D-TILE-1: a bucket that was beyond it only at times does not count', () => {
    const series = numbers([1, -14], [2, -14, -18], [3, -14], [4, -13])
    expect(beyondSince(series, { time: 4, value: -13 }, above)).toEqual({ at: 3, atLeast: false })
  })

  it('D-TILE-1: the newest value counts although the picture does not have it yet', () => {
    const below: Trouble = { level: 'alarm', words: '', limit: 5, side: 'below' }
    expect(beyondSince(numbers([1, 8], [2, 8]), { time: 3, value: 4 }, below)).toEqual({
      at: 3,
      atLeast: false,
    })
  })

  it('D-TILE-2: a state holds since it changed', () => {
    const series = states([1, 'closed'], [4, 'open'], [6, 'open'])
    expect(stateSince(series, { time: 6, value: 'open' })).toEqual({ at: 4, atLeast: false })
    expect(stateSince(states([1, 'open']), { time: 6, value: 'open' })).toEqual({ at: 1, atLeast: true })
    expect(stateSince(states([1, 'true'], [2, 'false']), { time: 3, value: true })).toEqual({
      ...{ at: 3, atLeast: false },
    })
  })

  it('D-TILE-2: of a picture of another time nothing is said', () => {
    const picture = (to: number, door: StateSeries): Picture => {
      return { bucketMs: null, from: 0, to, historyTo: to, series: { door }, arrived: 0 }
    }
    const known = states([1, 'closed'], [4, 'open'], [6, 'open'])
    const newest = { time: 6, value: 'open' }
    expect(heldSince(picture(9, known), 'door', newest)).toEqual({ at: 4, atLeast: false })
    // Of a past range, and of one that is held while something else was said.
    expect(heldSince(picture(5, known), 'door', newest)).toBeNull()
    expect(heldSince(picture(9, known), 'door', { time: 8, value: 'closed' })).toBeNull()
    expect(heldSince(picture(9, states()), 'door', newest)).toBeNull()
    expect(heldSince(undefined, 'door', newest)).toBeNull()
  })

  it('D-TILE-2: is said in whole units', () => {
    expect(forWords({ at: 0, atLeast: false }, 7.9 * minute)).toBe('for 7 min')
    expect(forWords({ at: 0, atLeast: true }, 60 * minute)).toBe('for at least 1 h')
    expect(forWords({ at: 0, atLeast: false }, 4_900)).toBe('for 4 s')
    expect(forWords({ at: 10, atLeast: false }, 0)).toBe('for 0 s')
  })
})

describe('what is usual', () => {
  it('D-TILE-3: late is three times as long as usual, and 10 s at least', () => {
    expect([isLate(10_001, 1_000), isLate(9_999, 1_000), isLate(31_000, 10_000), isLate(9e9, null)]).toEqual([
      ...[true, false, true, false],
    ])
    expect(expectedEveryMs(numbers([0, 1], [10, 1], [20, 1]))).toBe(10)
    // How long a text has held is no sign of silence.
    expect(expectedEveryMs(states([0, 'a'], [10, 'b'], [20, 'c']))).toBeNull()
  })

  it('D-TILE-3: a bucket of many readings is not how often they come', () => {
    const points = Array.from({ length: 100 }, (_, index) => {
      return { t: index * 30_000, avg: 1, min: 1, max: 1, count: 90 }
    })
    const everyMs = expectedEveryMs({ kind: 'number', points, liveTimes: [] })
    expect(everyMs).toBeCloseTo(333, 0)
    expect(isLate(11_000, everyMs)).toBe(true)
  })

  it('D-TILE-3: a device that has just been added has no hour behind it', () => {
    const look = { label: '', unit: '', decimals: 1, min: undefined, max: undefined, thresholds: [] }
    const hour = { look, from: 0, windowMs: 60 * minute }
    const words = (since: number, last = 2) =>
      spanWords(numbers([since, 1], [since + minute, 1], [since + 2 * minute, last]), hour)
    expect([words(0), words(4 * minute), words(57 * minute)]).toEqual([
      ...['1.0 to 2.0 in 1 h', '1.0 to 2.0 in 1 h', '1.0 to 2.0 in 3 min'],
    ])
    expect([words(minute, 1), words(57 * minute, 1)]).toEqual(['1.0 throughout', '1.0 for 3 min'])
  })

  it('D-TILE-3: the least and the most of what is shown', () => {
    expect(spanOf(numbers([1, 9], [2, 21, 20.8], [3, 22.6]), 2)).toEqual({ low: 20.8, high: 22.6, since: 2 })
    expect(spanOf(numbers([3, 22]), 2)).toBeNull()
    expect(spanOf(undefined, 2)).toBeNull()
  })
})
