import type { Gap } from '../contract/index.ts'

/** Times of readings, or starts of buckets that hold some, in order. */
export interface Seen {
  t: number[]
  /** Readings in each bucket. */
  count?: number[]
}

const GAP_INTERVALS = 3

/**
 * Where nothing was measured between two readings for longer than three of the usual intervals. Of buckets only whole
 * empty ones count: in between the readings of its neighbours, a stretch is longer than what is reported.
 */
export function findGaps({ t, count }: Seen, bucketMs = 0): Gap[] {
  const usual = median(steps(t)) / Math.max(1, median(count ?? []))
  const gaps: Gap[] = []
  for (const [index, from] of t.entries()) {
    const to = t[index + 1]
    if (to === undefined) break
    const silentMs = to - from - bucketMs
    if (silentMs > 0 && exceeds(silentMs, GAP_INTERVALS * usual, bucketMs)) gaps.push([from + bucketMs, to])
  }
  return gaps
}

function exceeds(silentMs: number, longestMs: number, bucketMs: number): boolean {
  return bucketMs > 0 ? silentMs >= longestMs : silentMs > longestMs
}

function steps(t: number[]): number[] {
  return t.slice(1).map((time, index) => time - (t[index] ?? time))
}

function median(values: number[]): number {
  const sorted = Float64Array.from(values).sort()
  return sorted[Math.floor(sorted.length / 2)] ?? 0
}
