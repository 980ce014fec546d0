import type { Latest } from '@telltale/api/contract'
import { formatAge } from '../ui/format.ts'

/** The newest reading by the device's clock and by ours; `aheadMs` is negative when its clock is behind. */
export type Clock = { deviceTime: number; arrivedAt: number; aheadMs: number }

const minute = 60_000

/** A message may be on its way for a while; a clock that is off by less harms nobody. */
const toleratedMs = 60_000
/** A message that was rejected has arrived, too, and has no reading. */
const sameMessageMs = 2_000

type Known = {
  values: Latest['values']
  /** When the newest message arrived. */
  seenAt: number | null
  rejectedAt: number | null
}

/** Null when the device's clock agrees with ours, or when nothing is known about it. */
export function clockOf({ values, seenAt, rejectedAt }: Known): Clock | null {
  const times = Object.values(values).map(({ time }) => time)
  if (seenAt === null || times.length === 0) return null
  const deviceTime = times.reduce((newest, time) => Math.max(newest, time))
  const aheadMs = deviceTime - seenAt
  if (Math.abs(aheadMs) <= toleratedMs) return null
  const wasRejected = rejectedAt !== null && rejectedAt > seenAt - sameMessageMs
  return aheadMs < 0 && wasRejected ? null : { deviceTime, arrivedAt: seenAt, aheadMs }
}

/** A time in the future can only be the clock; one in the past can also be a message that took its time. */
export function clockWords({ aheadMs }: Clock): string {
  const minutes = Math.round(Math.abs(aheadMs) / minute)
  const by = formatAge(minutes * minute)
  return aheadMs > 0 ? `Its clock is ${by} ahead.` : `Its clock is ${by} behind, or it sends late.`
}
