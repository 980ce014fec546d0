import type { Point } from '../telemetry/series.ts'

export type Stats = { last: number; min: number; avg: number; max: number; lastT: number }

/** Over the points in `[from, to]`, each with the weight of its readings; null when there is none. */
export function statsOf(points: readonly Point[], { from, to }: { from: number; to: number }): Stats | null {
  let stats: Stats | null = null
  let count = 0
  for (const point of points) {
    if (point.t < from || point.t > to) continue
    count += point.count
    stats =
      stats === null
        ? { last: point.avg, min: point.min, avg: point.avg, max: point.max, lastT: point.t }
        : {
            last: point.avg,
            min: Math.min(stats.min, point.min),
            avg: stats.avg + (point.avg - stats.avg) * (point.count / count),
            max: Math.max(stats.max, point.max),
            lastT: point.t,
          }
  }
  return stats
}
