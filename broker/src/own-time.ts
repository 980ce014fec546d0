const STEP_MS = 100

/**
 * Does `work` after so long, unless it is cancelled, and counts only time in which this process ran. After it stood
 * still (frozen, swapped out, its event loop blocked) timers are due before any answer that came meanwhile is read:
 * they would accuse others of silence that was ours. Up to a step late, never early.
 * @returns cancels it
 */
export function afterOwnTime(ms: number, work: () => void): () => void {
  let leftMs = ms
  let lookedMs = performance.now()
  const timer = setInterval(() => {
    const nowMs = performance.now()
    leftMs -= Math.min(nowMs - lookedMs, 2 * STEP_MS)
    lookedMs = nowMs
    if (leftMs > 0) return
    clearInterval(timer)
    work()
  }, STEP_MS)
  return () => clearInterval(timer)
}
