import { describe, expect, it } from 'vitest'
import { mergeReadings } from '../telemetry/merge.ts'
import { fromReadings, type Picture, type Point } from '../telemetry/series.ts'
import { boundsOf } from './bounds.ts'
import { commonGaps, type DrawInput, draw } from './draw.ts'
import { formatAxisValue } from './format-axis.ts'
import { plotArea, timeAt, xOf, yOf } from './plot-area.ts'
import { steadyAxis } from './steady-axis.ts'

const look = {
  ...{ label: 'Temperature', unit: '°C', decimals: undefined, min: undefined, max: undefined },
  thresholds: [],
}
const stretch = { from: 0, to: 60_000 }
const area = plotArea(800, 204, false)

function point(t: number, avg: number): Point {
  return { t, avg, min: avg - 1, max: avg + 1, count: 10 }
}

type Known = { points: Point[]; bucketMs?: number; from?: number; to?: number }

function picture({ points, bucketMs, from = 0, to = 60_000 }: Known): Picture {
  const counted = points.map((one) => ({ ...one, count: bucketMs === undefined ? 1 : 10 }))
  const series = { m: { kind: 'number' as const, points: counted, liveTimes: [] } }
  return { bucketMs: bucketMs ?? null, from, to, historyTo: to, series, arrived: 0 }
}

function drawOf(known: Known[], change: Partial<DrawInput> = {}) {
  return draw({
    ...{ stretch, now: 60_000, area, before: null },
    pictures: new Map(known.map((one, index) => [`d${index}`, picture(one)])),
    lines: known.map((_, index) => ({ deviceId: `d${index}`, metric: 'm', look })),
    visible: new Set(known.keys()),
    ...change,
  })
}

function every(stepMs: number, count: number, value = (index: number) => index % 7): Point[] {
  return Array.from({ length: count }, (_, index) => point(index * stepMs, value(index)))
}

function pointsIn(path: string): number {
  return path.match(/[ML]/g)?.length ?? 0
}

describe('what a chart draws', () => {
  it('L-DRAW-1: no more than 600 points a line, with the extremes kept', () => {
    const points = every(1, 60_000, (index) => (index === 31_234 ? 500 : 1))
    const { lines, axis } = drawOf([{ points }])
    expect(pointsIn(lines[0]?.path ?? '')).toBeLessThanOrEqual(601)
    expect(lines[0]?.stats?.max).toBe(501)
    expect(axis.high).toBeGreaterThanOrEqual(500)
  })

  it('L-DRAW-2: a gap breaks line and band, and is never bridged', () => {
    const points = every(1_000, 60).filter(({ t }) => t < 20_000 || t >= 40_000)
    const { lines, gaps, isBanded } = drawOf([{ points, bucketMs: 1_000 }])
    expect(gaps).toEqual([{ from: 20_000, to: 40_000 }])
    expect(isBanded).toBe(true)
    expect([lines[0]?.path.match(/M/g)?.length, lines[0]?.band.match(/M/g)?.length]).toEqual([2, 2])
  })

  it('L-DRAW-3: single readings have no band, nor have more than three lines', () => {
    expect(drawOf([{ points: every(1_000, 30) }]).isBanded).toBe(false)
    const bucketed = { points: every(1_000, 60), bucketMs: 1_000 }
    expect(drawOf([bucketed, bucketed, bucketed]).isBanded).toBe(true)
    const four = drawOf([bucketed, bucketed, bucketed, bucketed])
    expect([four.isBanded, four.lines.map(({ band }) => band).join('')]).toEqual([false, ''])
    expect(four.bucketMs).toBe(1_000)
  })

  it('L-DRAW-4: of several lines only what is missing in all of them is hatched', () => {
    const half = every(1_000, 60).filter(({ t }) => t < 10_000 || t >= 30_000)
    const other = every(1_000, 60).filter(({ t }) => t < 20_000 || t >= 50_000)
    const { gaps, lines } = drawOf([{ points: half }, { points: other }])
    expect(gaps).toEqual([{ from: 19_000, to: 30_000 }])
    expect(lines.map(({ path }) => path.match(/M/g)?.length)).toEqual([2, 2])
    expect(commonGaps([])).toEqual([])
  })

  it('L-DRAW-5: what was not asked for, or is still to come, is not missing', () => {
    const points = every(1_000, 30).map((one) => ({ ...one, t: one.t + 10_000 }))
    const known = { points, from: 10_000, to: 40_000 }
    expect(drawOf([known]).gaps).toEqual([])
    expect(drawOf([{ points: every(1_000, 30) }], { now: 30_000 }).gaps).toEqual([])
    expect(drawOf([{ points: every(1_000, 30) }]).gaps).toEqual([{ from: 29_000, to: 60_000 }])
  })

  it('L-DRAW-6: a hidden line is not drawn, needs no room, and keeps its numbers', () => {
    const known = [{ points: every(1_000, 30) }, { points: every(1_000, 30, () => 1_000) }]
    const { lines, axis } = drawOf(known, { visible: new Set([0]) })
    expect(axis.high).toBeLessThan(20)
    expect([lines[1]?.path, lines[1]?.rows.length, lines[1]?.stats?.last]).toEqual(['', 0, 1_000])
  })

  it.each([
    ['nothing', []],
    ['one point', [point(30_000, 21)]],
    ['all equal', every(1_000, 60, () => 21)],
    ['minus zero', every(1_000, 60, () => -0)],
    ['1e300', every(1_000, 60, (index) => (index % 2 === 0 ? 1e300 : -1e300))],
    ['the ends of numbers', every(1_000, 60, (index) => (index % 2 === 0 ? 1.79e308 : -1.79e308))],
    ['the smallest number', every(1_000, 60, () => 5e-324)],
  ])('L-DRAW-7: %s makes a picture without NaN, and ticks that fit beside it', (_, points) => {
    const { lines, axis } = drawOf([
      { points: points.map((one) => ({ ...one, min: one.avg, max: one.avg })) },
    ])
    expect(`${lines[0]?.path}${lines[0]?.band}`).not.toMatch(/NaN|Infinity/)
    expect(axis.ticks.length).toBeGreaterThanOrEqual(2)
    expect(axis.ticks.length).toBeLessThanOrEqual(9)
    for (const tick of axis.ticks) expect(formatAxisValue(tick, axis).length).toBeLessThanOrEqual(9)
  })

  it('L-DRAW-8: the axis stays while the values fit it, and follows when they do not', () => {
    const first = steadyAxis(null, { low: 3, high: 9 })
    expect(steadyAxis(first, { low: 4, high: 8.5 })).toBe(first)
    expect(steadyAxis(first, { low: 3, high: 30 }).high).toBeGreaterThanOrEqual(30)
    expect(steadyAxis(first, { low: 5, high: 5.5 })).not.toBe(first)
    expect(steadyAxis(first, null)).toBe(first)
  })
})

describe('a metric that changed its type', () => {
  const answer = {
    ...{ deviceId: 'bay', from: 0, to: 60_000, bucketMs: null, source: 'raw' as const },
    ...{ truncated: false, t: [] },
    series: {
      m: { kind: 'string' as const, t: [1_000, 2_000, 3_000], value: ['warm', 21, 'cold'], gaps: [] },
    },
  }

  it('L-DRAW-9: its numbers are a line and its words a lane, in history and live', () => {
    const merged = mergeReadings(
      fromReadings(answer),
      [
        { deviceId: 'bay', time: 4_000, values: { m: 22 } },
        { deviceId: 'bay', time: 5_000, values: { m: 'hot' } },
      ],
      0,
    )
    const series = merged.series.m
    if (series?.kind !== 'number') throw new Error('its numbers are a line')
    expect(series.points.map(({ t, avg }) => [t, avg])).toEqual([
      [2_000, 21],
      [4_000, 22],
    ])
    expect(series.words?.points.map(({ state }) => state)).toEqual(['warm', 'cold', 'hot'])
  })

  it('L-DRAW-9: words that turn into numbers keep their lane', () => {
    const words = { ...answer.series.m, value: ['warm', 'mild', 'cold'] }
    const before = fromReadings({ ...answer, series: { m: words } })
    const after = mergeReadings(before, [{ deviceId: 'bay', time: 4_000, values: { m: 5 } }], 0)
    expect([before.series.m?.kind, after.series.m?.kind]).toEqual(['state', 'number'])
    expect(after.series.m?.kind === 'number' && after.series.m.words?.points.length).toBe(3)
  })
})

describe('places on a plot', () => {
  it('L-DRAW-10: time and place are two sides of one thing; beyond the edges is the edge', () => {
    for (const t of [0, 12_345, 60_000])
      expect(timeAt(xOf(t, stretch, area), stretch, area)).toBeCloseTo(t, 6)
    expect([timeAt(-50, stretch, area), timeAt(9_999, stretch, area)]).toEqual([0, 60_000])
    const axis = { low: -8e307, high: 8e307 }
    expect([yOf(8e307, axis, area), yOf(-8e307, axis, area)]).toEqual([area.top, area.top + area.height])
  })

  it('L-DRAW-11: thresholds inside the axis are drawn with what lies beyond them, in words', () => {
    const thresholds = [
      { level: 'alarm' as const, above: -15, below: -30 },
      { level: 'warning' as const, above: 40 },
    ]
    expect(boundsOf({ ...look, thresholds }, { low: -24, high: -12 })).toEqual([
      { at: -15, level: 'alarm', beyond: { low: -15, high: -12 }, words: 'alarm above −15 °C' },
    ])
  })

  it.each([
    [
      [3.2, 3.4, 3.6],
      ['3.2', '3.4', '3.6'],
    ],
    [
      [0, 2.5, 5],
      ['0', '2.5', '5.0'],
    ],
    [
      [0, 400, 800, 1_200],
      ['0', '400', '800', '1,200'],
    ],
    [
      [-1e9, 0, 1e9],
      ['−1e9', '0', '1e9'],
    ],
    [
      [0, 2_500_000, 5_000_000],
      ['0', '2.5M', '5.0M'],
    ],
    [
      [1e-7, 2e-7],
      ['1e-7', '2e-7'],
    ],
  ])('L-DRAW-12: the axis says %j as %j', (ticks, words) => {
    const axis = { low: ticks[0] ?? 0, high: ticks.at(-1) ?? 0, ticks }
    expect(ticks.map((tick) => formatAxisValue(tick, axis))).toEqual(words)
  })
})
