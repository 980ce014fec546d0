import { describe, expect, it } from 'vitest'
import { findGaps, usualIntervalMs } from './gaps.ts'

function every(stepMs: number, times: number[], count = 1) {
  return times.map((step) => ({ t: step * stepMs, count }))
}

describe('usualIntervalMs', () => {
  it('is the median, unmoved by one long silence', () => {
    expect(usualIntervalMs([0, 1, 2, 3, 90, 91, 92])).toBe(1)
    expect(usualIntervalMs([5])).toBeNull()
  })
})

describe('findGaps', () => {
  it('finds a silence of more than three intervals', () => {
    const points = every(1_000, [0, 1, 2, 3, 9, 10, 11])
    expect(findGaps(points, { bucketMs: null, until: 11_500 })).toEqual([{ from: 3_000, to: 9_000 }])
  })

  it('lets a jittery device be late', () => {
    const points = every(1_000, [0, 1, 2, 4.5, 5.5, 6.5])
    expect(findGaps(points, { bucketMs: null, until: 7_000 })).toEqual([])
  })

  it('runs on to now when the device has stopped', () => {
    const points = every(1_000, [0, 1, 2, 3])
    expect(findGaps(points, { bucketMs: null, until: 60_000 })).toEqual([{ from: 3_000, to: 60_000 }])
  })

  it('takes empty buckets of a busy series as a gap, and starts it where the bucket before ends', () => {
    const points = every(10_000, [0, 1, 2, 5, 6], 10)
    expect(findGaps(points, { bucketMs: 10_000, until: 69_000 })).toEqual([{ from: 30_000, to: 50_000 }])
  })

  it('takes a single empty bucket for a gap, but not at the edge, where it is still filling', () => {
    const points = every(10_000, [0, 1, 2, 4, 5], 10)
    expect(findGaps(points, { bucketMs: 10_000, until: 74_000 })).toEqual([{ from: 30_000, to: 40_000 }])
    expect(findGaps(points, { bucketMs: 10_000, until: 76_000 }).at(-1)).toEqual({ from: 60_000, to: 76_000 })
  })

  it('does not call the buckets between slow readings gaps', () => {
    const points = every(60_000, [0, 1, 2, 3, 4])
    expect(findGaps(points, { bucketMs: 10_000, until: 250_000 })).toEqual([])
  })
})
