import { formatAge, formatClock } from '../ui/format.ts'

/** A message may be on its way for a while. */
const toleratedMs = 60_000

/** To the millisecond: messages of one second are told apart. */
export function formatClockMs(timeMs: number): string {
  return `${formatClock(timeMs)}.${String(Math.floor(timeMs) % 1_000).padStart(3, '0')}`
}

/** How far the device's time is from the arrival, in words; empty when they agree. */
export function offWords(time: number, arrivedAt: number | null): string {
  if (arrivedAt === null) return ''
  const ahead = time - arrivedAt
  if (Math.abs(ahead) <= toleratedMs) return ''
  return `${formatAge(Math.abs(ahead))} ${ahead > 0 ? 'ahead' : 'behind'}`
}
