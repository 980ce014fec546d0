import { setTimeout as sleep } from 'node:timers/promises'

/** Longer would let a silent database keep the broker from ending. What is not stored then is not acknowledged. */
export const DRAIN_MS = 1_500
export const STOP_MS = 300

/** Goes on when the work is done, or has taken so long. */
export async function atMost(ms: number, work: Promise<unknown>): Promise<void> {
  await Promise.race([work, sleep(ms)])
}
