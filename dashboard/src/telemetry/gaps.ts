import type { Point } from './series.ts'

export type Gap = { from: number; to: number }

const gapAfterIntervals = 3
const intervalSamplesMax = 240

/** The median distance of neighbours: a few long silences do not change what is usual. */
export function usualIntervalMs(times: readonly number[]): number | null {
  const recent = times.slice(-intervalSamplesMax)
  const distances = recent.slice(1).map((time, index) => time - (recent[index] ?? time))
  if (distances.length === 0) return null
  distances.sort((a, b) => a - b)
  return distances[Math.floor(distances.length / 2)] ?? null
}

/** How often there is a reading, also where a point is a bucket of many. */
export function usualReadingMs(points: readonly Pick<Point, 't' | 'count'>[]): number | null {
  const step = usualIntervalMs(points.map((point) => point.t))
  return step === null ? null : step / usualCount(points)
}

type GapRules = { bucketMs: number | null; until: number }

/** At the edge the newest bucket is still filling, and what fills the one behind it may be on its way. */
const edgeBuckets = 1.5

/**
 * Where nothing was measured, up to `until`, for longer than three usual intervals; what is missing is hatched and
 * never bridged. Between two points the rule is the API's, so that a reload changes no picture.
 */
export function findGaps(points: readonly Pick<Point, 't' | 'count'>[], rules: GapRules): Gap[] {
  const { until } = rules
  const bucketMs = rules.bucketMs ?? 0
  const step = usualReadingMs(points)
  if (step === null) return []
  const longest = gapAfterIntervals * step
  const gaps: Gap[] = []
  for (const [index, { t }] of points.entries()) {
    const next = points[index + 1]?.t
    const silent = (next ?? until) - t - bucketMs
    const isGap =
      next === undefined
        ? silent > Math.max(longest, edgeBuckets * bucketMs)
        : exceeds(silent, longest, bucketMs)
    if (isGap) gaps.push({ from: t + bucketMs, to: next ?? until })
  }
  return gaps
}

/** Whole empty buckets are the least that the readings around them are apart. */
function exceeds(silent: number, longest: number, bucketMs: number): boolean {
  return bucketMs > 0 ? silent > 0 && silent >= longest : silent > longest
}

/** Readings in a bucket. */
function usualCount(points: readonly Pick<Point, 'count'>[]): number {
  const counts = points.map((point) => point.count).sort((a, b) => a - b)
  return Math.max(1, counts[Math.floor(counts.length / 2)] ?? 1)
}
