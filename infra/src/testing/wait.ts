import { setTimeout as sleep } from 'node:timers/promises'

const POLL_MS = 20

/** Waits for a condition, never for a time: resolves with the first answer that is neither undefined nor false. */
export async function waitFor<T>(
  what: string,
  ask: () => T | undefined | false | Promise<T | undefined | false>,
  deadlineMs = 10_000,
): Promise<T> {
  const endMs = performance.now() + deadlineMs
  for (;;) {
    const answer = await ask()
    if (answer !== undefined && answer !== false) return answer
    if (performance.now() > endMs) throw new Error(`waited ${deadlineMs} ms in vain for ${what}`)
    await sleep(POLL_MS)
  }
}
