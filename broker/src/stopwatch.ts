import { uptime } from 'node:os'

/** `os.uptime` may count in whole seconds; a shorter sleep is not noticed. */
const SLEEP_MS_MIN = 2_000

/**
 * Milliseconds that go on whatever is done to the wall clock, also while the machine sleeps: `performance.now` stands
 * then, the uptime of the system does not.
 */
export function startStopwatch(
  awakeMs = () => performance.now(),
  upMs = () => uptime() * 1_000,
): () => number {
  const ahead = () => upMs() - awakeMs()
  const aheadAtStart = ahead()
  let sleptMs = 0
  return () => {
    const moreMs = ahead() - aheadAtStart - sleptMs
    if (moreMs > SLEEP_MS_MIN) sleptMs += moreMs
    return awakeMs() + sleptMs
  }
}
