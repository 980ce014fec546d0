import { liveLimits } from './limits.ts'

/** Doubles up to the limit, and is spread by ±30 % so that a restarted server is not met by everybody at once. */
export function backoffMs(failures: number, random: number): number {
  return grown(liveLimits.backoffBaseMs, liveLimits.backoffMaxMs, { failures, random })
}

/** What is left of it when the attempt itself took `spentMs`: who hung for long has waited already. */
export function backoffLeftMs(failures: number, random: number, spentMs: number): number {
  return Math.max(backoffMs(1, random), backoffMs(failures, random) - spentMs)
}

/** The same for streams that are tried while polling works. */
export function trialDelayMs(failures: number, random: number): number {
  return grown(liveLimits.trialBaseMs, liveLimits.trialMaxMs, { failures: failures + 1, random })
}

function grown(baseMs: number, maxMs: number, { failures, random }: { failures: number; random: number }) {
  return spread(Math.min(maxMs, baseMs * 2 ** (failures - 1)), random)
}

export function spread(delayMs: number, random: number): number {
  return Math.round(delayMs * (0.7 + 0.6 * random))
}
