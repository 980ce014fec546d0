import { describe, expect, it } from 'vitest'
import {
  fixedRange,
  formatWindow,
  readRangeSearch,
  type TimeRange,
  toRangeSearch,
  toTimeRange,
} from './time-range.ts'

const usual: TimeRange = { kind: 'live', windowMs: 900_000 }
const hour = 3_600_000

describe('the range in the address', () => {
  it.each([
    ['1s', 1_000],
    ['90s', 90_000],
    ['15m', 900_000],
    ['24h', 24 * hour],
    ['7d', 7 * 24 * hour],
    ['3650d', 3_650 * 24 * hour],
  ])('L-RANGE-1: %s is a live window, and is written the same way', (range, windowMs) => {
    const search = readRangeSearch({ range })
    expect(toTimeRange(search, usual)).toEqual({ kind: 'live', windowMs })
    expect(formatWindow(windowMs)).toBe(range)
  })

  it('L-RANGE-2: two moments are a stretch that stands still, and win over a window', () => {
    const search = readRangeSearch({ range: '5m', from: 1_000, to: 61_000, tab: 'charts' })
    expect(search).toEqual({ from: 1_000, to: 61_000 })
    expect(toTimeRange(search, usual)).toEqual({ kind: 'fixed', from: 1_000, to: 61_000 })
  })

  it.each([
    [{ range: '15' }],
    [{ range: '0m' }],
    [{ range: '4000d' }],
    [{ range: '1y' }],
    [{ range: 15 }],
    [{ range: '1e3s' }],
    [{ from: 5_000, to: 5_000 }],
    [{ from: 9_000, to: 1_000 }],
    [{ from: -1, to: 9_000 }],
    [{ from: '1000', to: '9000' }],
    [{ from: 1_000.5, to: 9_000 }],
    [{ from: 0, to: Number.MAX_SAFE_INTEGER }],
    [{ from: Number.NaN, to: 9_000 }],
    [{ to: 9_000 }],
  ])('L-RANGE-3: %j is left out, and the usual range stays', (search) => {
    expect(readRangeSearch(search)).toEqual({})
    expect(toTimeRange(readRangeSearch(search), usual)).toBe(usual)
  })

  it('L-RANGE-4: whatever is written can be read again', () => {
    const lengths = Array.from({ length: 170 }, (_, step) => 10 ** (step / 20))
    for (const [round, length] of lengths.entries()) {
      const from = (1.8e12 * (round * 0.618)) % 1.8e12
      const ranges: TimeRange[] = [
        fixedRange(from, from + length),
        fixedRange(from + length, from),
        { kind: 'live', windowMs: Math.max(1, Math.round(length / 1_000)) * 1_000 },
      ]
      for (const range of ranges)
        expect(toTimeRange(readRangeSearch(toRangeSearch(range)), usual)).toEqual(range)
    }
  })

  it('L-RANGE-5: a part marked narrower than a second is a second wide, around the same middle', () => {
    expect(fixedRange(10_000, 10_010)).toEqual({ kind: 'fixed', from: 9_505, to: 10_505 })
    expect(fixedRange(-50, 20)).toEqual({ kind: 'fixed', from: 0, to: 1_000 })
  })
})
