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

type GapRules = { bucketMs: number | null; until: number }

/** Where nothing was measured, up to `until`; what is missing is hatched and never bridged. */
export function findGaps(points: readonly Pick<Point, 't' | 'count'>[], rules: GapRules): Gap[] {
  const { bucketMs, until } = rules
  const usual = usualIntervalMs(points.map((point) => point.t))
  if (usual === null) return []
  const longest = longestUsual(points, { usual, bucketMs })
  const gaps: Gap[] = []
  for (const [index, { t }] of points.entries()) {
    const next = points[index + 1]?.t ?? until
    if (next - t > longest) gaps.push({ from: t + (bucketMs ?? 0), to: next })
  }
  return gaps
}

/** Several readings in every bucket: then one empty bucket is a gap. Fewer: wait for three usual intervals. */
function longestUsual(
  points: readonly Pick<Point, 'count'>[],
  { usual, bucketMs }: { usual: number; bucketMs: number | null },
): number {
  const counts = points.map((point) => point.count).sort((a, b) => a - b)
  const usualCount = counts[Math.floor(counts.length / 2)] ?? 1
  if (bucketMs !== null && usual <= bucketMs && usualCount >= 3) return bucketMs * 2.5
  return usual * gapAfterIntervals + (bucketMs ?? 0)
}
