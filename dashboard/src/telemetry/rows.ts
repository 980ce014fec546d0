import type { Gap } from './gaps.ts'
import type { Point } from './series.ts'

export type Row = { t: number; avg: number | null; range: [number, number] | null; endT: number }

/** More points than pixels help nobody, and a chart must stay light at ten frames a second. */
export const pointsMax = 600

type RowRules = { from: number; to: number; bucketMs: number | null; gaps: readonly Gap[] }

/** What a line is drawn from: the visible points, thinned, with an empty row in every gap so the line breaks. */
export function chartRows(points: readonly Point[], { from, to, bucketMs, gaps }: RowRules): Row[] {
  const first = Math.max(
    0,
    points.findLastIndex((point) => point.t <= from),
  )
  const visible = points.slice(first).filter((point) => point.t <= to)
  const rows: Row[] = []
  let gap = 0
  for (const point of thinned(visible, gaps)) {
    while ((gaps[gap]?.to ?? Number.POSITIVE_INFINITY) <= point.t) {
      // A raw gap starts at its last reading; the empty row needs a time of its own behind it.
      const start = Math.max(gaps[gap]?.from ?? 0, (rows.at(-1)?.t ?? 0) + 1)
      rows.push({ t: start, avg: null, range: null, endT: point.t })
      gap += 1
    }
    const { t, avg, min, max, endT } = point
    rows.push({ t, avg, range: [min, max], endT: endT ?? t + (bucketMs ?? 0) })
  }
  return rows.filter((row, index) => row.t > (rows[index - 1]?.t ?? Number.NEGATIVE_INFINITY))
}

type Thinned = Point & { endT?: number }

/** Neighbours joined to at most `pointsMax`, keeping the extremes, so no spike disappears; never across a gap. */
export function thinned(points: readonly Point[], gaps: readonly Gap[]): Thinned[] {
  const size = Math.ceil(points.length / pointsMax)
  if (size <= 1) return [...points]
  const joined: Thinned[] = []
  // Cut by a fixed grid of time, not by index: otherwise every new point would re-cut the whole line.
  const spanMs = ((points.at(-1)?.t ?? 0) - (points[0]?.t ?? 0)) / pointsMax
  const stepMs = niceStep(spanMs)
  let gap = 0
  let cell: number | null = null
  for (const point of points) {
    const behind = gap
    while ((gaps[gap]?.to ?? Number.POSITIVE_INFINITY) <= point.t) gap += 1
    const start = Math.floor(point.t / stepMs) * stepMs
    const endT = start + stepMs
    const last = joined.at(-1)
    // Behind a gap it starts with its first point: from the grid it would reach back into the gap.
    if (gap > behind) joined.push({ ...point, endT })
    else if (last !== undefined && cell === start) joined[joined.length - 1] = join(last, point, endT)
    else joined.push({ ...point, t: start, endT })
    cell = start
  }
  return joined
}

function join(a: Thinned, b: Point, endT: number): Thinned {
  const count = a.count + b.count
  return {
    t: a.t,
    // Not the sum over the count: that of large values is infinite.
    avg: a.avg + (b.avg - a.avg) * (b.count / count),
    min: Math.min(a.min, b.min),
    max: Math.max(a.max, b.max),
    count,
    endT,
  }
}

/** A step that stays the same while the window slides: 1, 2 or 5 times a power of ten, in milliseconds. */
function niceStep(ms: number): number {
  const power = 10 ** Math.floor(Math.log10(Math.max(1, ms)))
  const factor = [1, 2, 5, 10].find((candidate) => candidate * power >= ms) ?? 10
  return factor * power
}
