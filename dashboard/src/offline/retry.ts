import { ApiError } from '../api.ts'
import { spread } from '../live/backoff.ts'

const baseMs = 1_000
const maxMs = 15_000

export function retryDelayMs(failures: number, random: number): number {
  return spread(Math.min(maxMs, baseMs * 2 ** (failures - 1)), random)
}

/** No answer at all, or that of a proxy in front of a server that is not there. */
export function isAway(error: unknown): boolean {
  return error instanceof ApiError && [0, 502, 503, 504].includes(error.problem.status)
}
