/** The one whose time is nearest to `t`, of those in order of time. */
export function nearest<P extends { t: number }>(points: readonly P[], t: number): P | null {
  const after = indexFrom(points, t)
  const next = points[after]
  const before = points[after - 1]
  if (next === undefined || before === undefined) return next ?? before ?? null
  return t - before.t <= next.t - t ? before : next
}

/** The next one to the right (`1`) or to the left (`-1`) of `t`. */
export function neighbour<P extends { t: number }>(
  points: readonly P[],
  t: number,
  direction: 1 | -1,
): P | null {
  const after = indexFrom(points, t)
  if (direction < 0) return points[after - 1] ?? null
  return points[points[after]?.t === t ? after + 1 : after] ?? null
}

/** Of the first that is not before `t`. */
function indexFrom(points: readonly { t: number }[], t: number): number {
  let low = 0
  let high = points.length
  while (low < high) {
    const middle = (low + high) >> 1
    if ((points[middle]?.t ?? 0) < t) low = middle + 1
    else high = middle
  }
  return low
}
