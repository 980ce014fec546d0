import { setTimeout as sleep } from 'node:timers/promises'
import type { Logger } from '@telltale/infra/log'
import type { Releases } from '@telltale/infra/service'

const PATIENCE_MS = 200

/**
 * Runs `work` again and again until released, never twice at once; a failure is logged and the next round tries again.
 * Work that answers true has more to do at once. At the end a round that takes long is left behind: the process ends
 * with it, and the database undoes what was not committed.
 */
export function repeat(
  releases: Releases,
  log: Logger,
  { what, everyMs, work }: { what: string; everyMs: number; work: () => Promise<unknown> },
): void {
  let running: Promise<void> | undefined
  let isReleased = false
  const round = async () => {
    try {
      while (!isReleased && (await work()) === true);
    } catch (err) {
      log.warn({ err }, `${what} failed`)
    }
  }
  const timer = setInterval(() => {
    running ??= round().finally(() => {
      running = undefined
    })
  }, everyMs)
  releases.add(what, () => {
    isReleased = true
    clearInterval(timer)
    return running && Promise.race([running, sleep(PATIENCE_MS)])
  })
}
