import { describe, expect, it } from 'vitest'
import { findGaps } from './gaps.ts'
import { chartRows, pointsMax, thinned } from './rows.ts'

function point(t: number, avg = 1) {
  return { t, avg, min: avg, max: avg, count: 1 }
}

describe('chartRows', () => {
  it('breaks the line in a gap', () => {
    const rows = chartRows([point(0), point(10), point(90)], {
      from: 0,
      to: 100,
      bucketMs: 5,
      gaps: [{ from: 15, to: 90 }],
    })
    expect(rows.map(({ t, avg }) => [t, avg])).toEqual([
      [0, 1],
      [10, 1],
      [15, null],
      [90, 1],
    ])
  })

  it('breaks a raw line too, whose gap starts at the last reading', () => {
    const rows = chartRows([point(10), point(90)], {
      from: 0,
      to: 100,
      bucketMs: null,
      gaps: [{ from: 10, to: 90 }],
    })
    expect(rows.map(({ t, avg }) => [t, avg])).toEqual([
      [10, 1],
      [11, null],
      [90, 1],
    ])
  })

  it('keeps the one point the line enters the window from', () => {
    const rows = chartRows([point(0), point(10), point(20), point(30)], {
      from: 15,
      to: 25,
      bucketMs: null,
      gaps: [],
    })
    expect(rows.map(({ t }) => t)).toEqual([10, 20])
  })
})

describe('a line with more points than pixels', () => {
  const readings = Array.from({ length: 1_000 }, (_, index) => point(index * 333 + 7))

  it.each([
    ['a gap off the grid of its cells', 150_000, 130_333],
    ['a gap inside a cell', 150_000, 148_600],
  ])('L-DRAW-2: %s breaks it where it is', (_, ago, until) => {
    const to = 333_000
    const points = readings.filter(({ t }) => t <= to - ago || t >= to - until)
    const gaps = findGaps(points, { bucketMs: null, until: to })
    const gap = gaps[0]
    if (gap === undefined || gaps.length > 1) throw new Error('one gap is meant')
    const rows = chartRows(points, { from: 0, to, bucketMs: null, gaps })
    const breaks = rows.flatMap(({ avg }, index) => (avg === null ? [index] : []))
    expect(points.length).toBeGreaterThan(pointsMax)
    expect(breaks).toHaveLength(1)
    const [before, empty, after] = rows.slice((breaks[0] ?? 0) - 1)
    expect(before?.t).toBeLessThanOrEqual(gap.from)
    expect(empty?.t).toBeGreaterThanOrEqual(gap.from)
    expect(empty?.t).toBeLessThan(gap.to)
    expect(after?.t).toBe(gap.to)
    expect(rows.every(({ t }, index) => t > (rows[index - 1]?.t ?? -1))).toBe(true)
  })
})

describe('thinned', () => {
  const many = Array.from({ length: 5_000 }, (_, index) => point(index * 100, index === 1_234 ? 99 : 1))

  it('stays below the limit and keeps the spike', () => {
    const few = thinned(many, [])
    expect(few.length).toBeLessThanOrEqual(pointsMax)
    expect(Math.max(...few.map(({ max }) => max))).toBe(99)
  })

  it('cuts the same places after the window has slid', () => {
    const before = new Set(thinned(many, []).map(({ t }) => t))
    const after = thinned([...many.slice(3), point(500_000), point(500_100), point(500_200)], [])
    expect(after.slice(0, -2).every(({ t }) => before.has(t))).toBe(true)
  })
})
