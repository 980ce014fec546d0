export type Look = { atMs: number; messages: number; replayedTotal: number }

export type Pace = {
  /** Stored from the spool. */
  perSecond: number
  /** Until none is left, if it goes on so; null: it does not get less. */
  leftMs: number | null
}

/** From two looks. What still comes in counts against it. Undefined: they say nothing. */
export function paceOf(before: Look, after: Look): Pace | undefined {
  const seconds = (after.atMs - before.atMs) / 1_000
  const replayed = after.replayedTotal - before.replayedTotal
  // A broker that started again counts from zero.
  if (seconds <= 0 || replayed < 0) return undefined
  const lessPerSecond = (before.messages - after.messages) / seconds
  return {
    perSecond: replayed / seconds,
    leftMs: lessPerSecond <= 0 ? null : (after.messages / lessPerSecond) * 1_000,
  }
}
