/** Sending whatever the answers do: an open loop shows what a closed one hides by waiting. */
import { setTimeout as sleep } from 'node:timers/promises'

const TICK_MS = 1

/** As many as the time that passed is worth, also after a tick that came late. */
export function sendEvenly(perSecond: number, send: () => void): () => void {
  const startMs = performance.now()
  let sent = 0
  const timer = setInterval(() => {
    const due = Math.floor(((performance.now() - startMs) / 1_000) * perSecond)
    for (; sent < due; sent++) send()
  }, TICK_MS)
  return () => clearInterval(timer)
}

/** At moments that fall into step with nothing: half to one and a half times `everyMs` after each other. */
export async function sendAtRandom(
  { everyMs, seconds, next }: { everyMs: number; seconds: number; next: () => number },
  send: () => unknown,
): Promise<void> {
  const endMs = performance.now() + seconds * 1_000
  while (performance.now() < endMs) {
    await sleep(everyMs * (0.5 + next()))
    await send()
  }
}
