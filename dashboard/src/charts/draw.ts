import type { ValueAxis } from '../telemetry/axis.ts'
import { findGaps, type Gap } from '../telemetry/gaps.ts'
import { chartRows, type Row } from '../telemetry/rows.ts'
import type { Picture, Point } from '../telemetry/series.ts'
import type { MetricLook } from '../types/look.ts'
import { bandPath, linePath, type Scale } from './paths.ts'
import type { Extent, PlotArea, Stretch } from './plot-area.ts'
import { type Stats, statsOf } from './stats.ts'
import { steadyAxis } from './steady-axis.ts'

/** Above this many lines their bands would hide each other. */
const bandsMax = 3

export type LineInput = { deviceId: string; metric: string; look: MetricLook }

export type DrawnLine = {
  rows: readonly Row[]
  gaps: readonly Gap[]
  stats: Stats | null
  path: string
  band: string
  /** The newest point, when the line goes on to the right edge. */
  edge: Row | null
}

export type Drawing = {
  stretch: Stretch
  area: PlotArea
  axis: ValueAxis
  lines: readonly DrawnLine[]
  gaps: readonly Gap[]
  /** How wide a point is; null when each is one reading. */
  bucketMs: number | null
  isBanded: boolean
}

export type DrawInput = {
  stretch: Stretch
  /** Nothing is missing in what is still to come. */
  now: number
  area: PlotArea
  pictures: ReadonlyMap<string, Picture>
  lines: readonly LineInput[]
  /** The indexes of those that are drawn. */
  visible: ReadonlySet<number>
  /** What was drawn before: an axis stays while it fits. */
  before: Drawing | null
}

/** All a chart shows, from what is known: no more than the pixels can tell apart. */
export function draw({ stretch, now, area, pictures, lines, visible, before }: DrawInput): Drawing {
  const plots = lines.map((line, index) =>
    plotOf(line, { stretch, now, pictures, isVisible: visible.has(index) }),
  )
  const shown = plots.filter(({ isVisible }) => isVisible)
  const isBucketed = shown.some(({ rows }) => rows.some(({ t, endT, avg }) => avg !== null && endT > t))
  const isBanded = isBucketed && shown.length <= bandsMax
  const looks = lines.filter((_, index) => visible.has(index)).map(({ look }) => look)
  const axis = steadyAxis(before?.axis ?? null, valuesIn(shown, { isBanded, looks }))
  const scale: Scale = { stretch, extent: axis, area }
  return {
    ...{ stretch, area, axis, isBanded },
    lines: plots.map(({ rows, stats, gaps, isVisible }) => ({
      ...{ rows: isVisible ? rows : [], gaps, stats },
      path: isVisible ? linePath(rows, scale) : '',
      band: isVisible && isBanded ? bandPath(rows, scale) : '',
      edge: gaps.some(({ to }) => to >= stretch.to)
        ? null
        : (rows.findLast(({ avg }) => avg !== null) ?? null),
    })),
    gaps: commonGaps(shown.filter(({ rows }) => rows.length > 0).map(({ gaps }) => gaps)),
    bucketMs: bucketOf(shown),
  }
}

type Plot = {
  rows: readonly Row[]
  gaps: readonly Gap[]
  stats: Stats | null
  bucketMs: number | null
  isVisible: boolean
}
type PlotRules = {
  stretch: Stretch
  now: number
  pictures: ReadonlyMap<string, Picture>
  isVisible: boolean
}

const noPoints: readonly Point[] = []

function plotOf({ deviceId, metric }: LineInput, { stretch, now, pictures, isVisible }: PlotRules): Plot {
  const { from, to } = stretch
  const picture = pictures.get(deviceId)
  const series = picture?.series[metric]
  const points = series?.kind === 'number' ? series.points : noPoints
  const bucketMs = picture?.bucketMs ?? null
  const known = { from: Math.max(from, picture?.from ?? from), to: Math.min(to, picture?.to ?? to, now) }
  const gaps = findGaps(points, { bucketMs, until: known.to })
    .map((gap) => ({ from: Math.max(gap.from, known.from), to: Math.min(gap.to, to) }))
    // A device whose clock is ahead may have a gap that is still to come.
    .filter((gap) => gap.to > gap.from)
  const rows = chartRows(points, { from, to, bucketMs, gaps })
  return { rows, gaps, stats: statsOf(points, stretch), bucketMs, isVisible }
}

type ValueRules = { isBanded: boolean; looks: readonly MetricLook[] }

/** What lies outside the usual span is shown all the same. */
function valuesIn(plots: readonly Plot[], { isBanded, looks }: ValueRules): Extent | null {
  let low = Number.POSITIVE_INFINITY
  let high = Number.NEGATIVE_INFINITY
  for (const { rows } of plots) {
    for (const { avg, range } of rows) {
      if (avg === null || range === null) continue
      low = Math.min(low, isBanded ? range[0] : avg)
      high = Math.max(high, isBanded ? range[1] : avg)
    }
  }
  for (const { min, max } of looks) {
    low = Math.min(low, min ?? low)
    high = Math.max(high, max ?? high)
  }
  if (low > high) return null
  return { low, high }
}

/** Where none of the lines has anything; a gap of one of them is a break in that line. */
export function commonGaps(gapsOfLines: readonly (readonly Gap[])[]): Gap[] {
  const [first, ...others] = gapsOfLines
  return others.reduce<Gap[]>(
    (common, gaps) => common.flatMap((gap) => overlaps(gap, gaps)),
    [...(first ?? [])],
  )
}

function overlaps(gap: Gap, gaps: readonly Gap[]): Gap[] {
  return gaps
    .map(({ from, to }) => ({ from: Math.max(gap.from, from), to: Math.min(gap.to, to) }))
    .filter(({ from, to }) => to > from)
}

/** The widest of them is what a reader has to know. */
function bucketOf(plots: readonly Plot[]): number | null {
  let widest = 0
  for (const { rows } of plots) {
    const first = rows.find(({ avg }) => avg !== null)
    if (first !== undefined) widest = Math.max(widest, first.endT - first.t)
  }
  return widest === 0 ? null : widest
}
