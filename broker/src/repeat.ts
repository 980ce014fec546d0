import { setTimeout as sleep } from 'node:timers/promises'
import type { Logger } from '@telltale/infra/log'
import type { Releases } from '@telltale/infra/service'
import { Trouble } from './trouble.ts'

const PATIENCE_MS = 200

/**
 * Runs `work` again and again until released, never twice at once; after a failure the next round tries again.
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
  const trouble = new Trouble(log, `${what} failed`)
  const round = async () => {
    try {
      while (!isReleased && (await work()) === true);
      trouble.worked()
    } catch (err) {
      trouble.failed(err)
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
