import type { SystemNow } from '@telltale/api/contract'

export type RatePoint = { t: number; value: number | null }

type History = SystemNow['history']

/** One of the histories that come as columns. */
export function pointsOf(
  { from, everyMs, ...columns }: History,
  which: Exclude<keyof History, 'from' | 'everyMs'>,
): RatePoint[] {
  return columns[which].map((value, index) => ({ t: from + index * everyMs, value }))
}

/** The newest that is known; null when there is none. */
export function newestOf(points: readonly RatePoint[]): number | null {
  return points.findLast(({ value }) => value !== null)?.value ?? null
}

/** Of commits now. While messages wait on disk an older figure is no answer: what goes there does not count. */
export function commitNow(
  points: readonly RatePoint[],
  brokers: readonly Pick<SystemNow['brokers'][number], 'spool'>[],
): number | null {
  const isWaiting = brokers.some(({ spool }) => (spool?.messages ?? 0) > 0)
  return isWaiting ? (points.at(-1)?.value ?? null) : newestOf(points)
}

/** Those since `from`, without what nobody knows. */
export function knownSince(points: readonly RatePoint[], from: number): { t: number; value: number }[] {
  return points.flatMap(({ t, value }) => (value === null || t < from ? [] : [{ t, value }]))
}

type Box = { from: number; to: number; high: number }

/** In a box of 1000 by 1000; a line ends where nothing is known, and begins anew behind it. */
export function linePath(points: readonly RatePoint[], { from, to, high }: Box): string {
  let path = ''
  let isDown = false
  for (const { t, value } of points) {
    if (value === null || t < from) {
      isDown = false
      continue
    }
    const x = Math.round(((t - from) / (to - from)) * 10_000) / 10
    const y = Math.round((1 - value / high) * 10_000) / 10
    path += `${isDown ? 'L' : 'M'}${x} ${y}`
    isDown = true
  }
  return path
}

export type Ledger = {
  acknowledged: number
  stored: number
  rejected: number
  /** On the brokers' disks, not in the database yet. */
  waiting: number
  /** Stored or waiting, but nobody asked for an answer, or had left before it. */
  unanswered: number
  /** Acknowledged, and neither stored nor waiting: never, or something is broken. */
  missing: number
}

/** Undefined while a broker that does not count its acknowledgements is among them, or none at all is there. */
export function ledgerOf(brokers: SystemNow['brokers']): Ledger | undefined {
  const ledger: Ledger = { acknowledged: 0, stored: 0, rejected: 0, waiting: 0, unanswered: 0, missing: 0 }
  for (const { acknowledged, stored, rejected, spool } of brokers) {
    if (acknowledged === null) return undefined
    // Replies and status words are in none of the other counts.
    const waiting = (spool?.messages ?? 0) - (spool?.words ?? 0)
    const kept = stored + waiting
    ledger.acknowledged += acknowledged
    ledger.stored += stored
    ledger.rejected += rejected
    ledger.waiting += waiting
    // What a former life left on its disk is stored in this one, and was answered in neither count.
    ledger.unanswered += Math.max(0, kept - acknowledged)
    // Broker by broker: what one has too much must not hide what another lacks.
    ledger.missing += Math.max(0, acknowledged - kept)
  }
  return brokers.length === 0 ? undefined : ledger
}
