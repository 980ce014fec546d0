import { setTimeout as sleep } from 'node:timers/promises'
import { ConfigError } from './config.ts'
import { limits } from './limits.ts'
import type { Logger } from './log.ts'

type Release = () => unknown

/** Collects undo actions where resources are made; runs them last-in-first-out, and one failure skips none. */
export class Releases {
  readonly #releases: { what: string; release: Release }[] = []

  add(what: string, release: Release): void {
    this.#releases.push({ what, release })
  }

  /** @throws AggregateError of everything that failed, after all have been tried */
  async run(): Promise<void> {
    const errors: unknown[] = []
    for (let entry = this.#releases.pop(); entry; entry = this.#releases.pop()) {
      try {
        await entry.release()
      } catch (error) {
        errors.push(new Error(`releasing ${entry.what} failed`, { cause: error }))
      }
    }
    if (errors.length > 0) throw new AggregateError(errors, 'not everything could be released')
  }
}

/** A start that failed for a reason a person can mend: one line, no stack, exit code 1. */
export class StartError extends Error {}

/**
 * Runs a program: start, tell the parent `ready`, wait for SIGTERM, SIGINT or the parent's end, release, exit.
 * Exit codes: 0 stopped as asked, 1 could not start or stop, 2 wrong settings.
 */
export async function runService(start: (releases: Releases) => Promise<Logger | undefined>): Promise<never> {
  const releases = new Releases()
  // Listening before `start` so that a signal during start-up also stops cleanly.
  const asked = stopSignal()
  let code = 0
  try {
    const starting = start(releases)
    // Whatever becomes of one that took too long, it is not waited for.
    starting.catch(() => {})
    const log = await Promise.race([starting, tooLateAfter(asked)])
    process.send?.('ready')
    await asked
    log?.info('stopping')
  } catch (error) {
    console.error(describeStartError(error))
    code = error instanceof ConfigError ? 2 : 1
  }
  const clean = await settleWithin(releases.run(), limits.service.stopDeadlineMs)
  process.exit(clean ? code : code || 1)
}

/** A start that hangs, on a database that does not answer for example, must not outlast a signal for long. */
async function tooLateAfter(asked: Promise<void>): Promise<never> {
  await asked
  await sleep(limits.service.startGraceMs, undefined, { ref: false })
  throw new StartError('stopped before the start was done')
}

function stopSignal(): Promise<void> {
  return new Promise((resolve) => {
    let askedMs: number | undefined
    const stop = () => {
      resolve()
      const nowMs = performance.now()
      askedMs ??= nowMs
      if (nowMs - askedMs >= limits.service.repeatedSignalMs) endAtOnce()
    }
    process.on('SIGTERM', stop)
    process.on('SIGINT', stop)
    // A supervised child must not outlive a parent that was killed, nor `npm start` its npm.
    if (process.channel) process.on('disconnect', resolve)
    else if (process.env.npm_lifecycle_event) watchParent(resolve)
  })
}

/**
 * A person who asks again does not want to wait. One Ctrl-C alone may come twice, from the terminal and from npm, so it
 * counts only after a moment; and not for a supervised program, whose parent decides when it has waited long enough.
 */
function endAtOnce(): void {
  if (process.channel) return
  console.error('telltale: ended at once, as asked again')
  process.exit(1)
}

/** npm that is killed tells nobody: its children only see that their parent has changed. */
function watchParent(onGone: () => void): void {
  const parent = process.ppid
  const timer = setInterval(() => {
    if (process.ppid === parent) return
    clearInterval(timer)
    onGone()
  }, limits.service.parentCheckMs)
  timer.unref()
}

async function settleWithin(work: Promise<void>, deadlineMs: number): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<'late'>((resolve) => {
    timer = setTimeout(resolve, deadlineMs, 'late')
  })
  try {
    return (await Promise.race([work, late])) !== 'late'
  } catch (error) {
    console.error(error)
    return false
  } finally {
    clearTimeout(timer)
  }
}

/** Goes on when the work is done, or has taken so long. */
export async function atMost(ms: number, work: Promise<unknown>): Promise<void> {
  await Promise.race([work, sleep(ms)])
}

export function describeStartError(error: unknown): string {
  if (error instanceof ConfigError || error instanceof StartError) return `telltale: ${error.message}`
  return `telltale: unexpected error\n${error instanceof Error ? error.stack : error}`
}

/** The one line for a port that is taken: which, who listens there now is not ours to know, and what to change. */
export function portInUse(port: number, variable: string): StartError {
  return new StartError(`port ${port} is in use; free it or set ${variable} to another port`)
}
