import { setTimeout as sleep } from 'node:timers/promises'
import { limits } from '@telltale/infra/limits'
import type { Logger } from '@telltale/infra/log'
import { findDeviceCredentials } from '@telltale/infra/storage/credentials'
import { isTransient, isUnfinished } from '@telltale/infra/storage/errors'
import type { Pool } from '@telltale/infra/storage/pool'
import { afterOwnTime } from './own-time.ts'

const { answerWithinMs, askAgainMs } = limits.signIns

/** The database does not answer; what was remembered of it may. */
export class DatabaseAway extends Error {}

/**
 * The database, for questions that somebody waits for. It is asked for a second and a half, again and again if it
 * fails; after that it is away, and nobody waits any more until it answers again.
 */
export class PromptDatabase {
  readonly #pool: Pool
  readonly #log: Logger
  #awaySinceMs: number | undefined

  constructor({ pool, log }: { pool: Pool; log: Logger }) {
    this.#pool = pool
    this.#log = log
  }

  /**
   * @param work may be done more than once
   * @throws DatabaseAway at once while that is known, and when a person has to mend something there; a fault as it is
   */
  async ask<T>(work: (pool: Pool) => Promise<T>): Promise<T> {
    if (this.#awaySinceMs !== undefined) throw new DatabaseAway('the database is away')
    const silence = new AbortController()
    const cancel = afterOwnTime(answerWithinMs, () => silence.abort())
    try {
      return await Promise.race([this.#insist(work, silence.signal), aborted(silence.signal)])
    } catch (error) {
      if (!silence.signal.aborted && !isUnfinished(error)) throw error
      // One question that it refuses, as one that only reads does, says nothing of the others.
      if (!(await this.#answers(silence.signal))) this.#isAway(error)
      throw new DatabaseAway('the database is away', { cause: error })
    } finally {
      cancel()
      silence.abort()
    }
  }

  async isThere(): Promise<boolean> {
    try {
      await this.ask(look)
      return true
    } catch (error) {
      if (error instanceof DatabaseAway) return false
      throw error
    }
  }

  /** A connection that broke, or a server that starts again at once, is nobody's concern. */
  async #insist<T>(work: (pool: Pool) => Promise<T>, silence: AbortSignal): Promise<T> {
    for (;;) {
      try {
        return await work(this.#pool)
      } catch (error) {
        if (!isTransient(error)) throw error
        await sleep(askAgainMs, undefined, { signal: silence }).catch(() => {
          throw error
        })
      }
    }
  }

  #isAway(err: unknown): void {
    if (this.#awaySinceMs !== undefined) return
    this.#awaySinceMs = performance.now()
    this.#log.warn({ err }, 'the database does not answer: who was known lately signs in from memory')
    void this.#awaitReturn()
  }

  /**
   * By the question that sign-ins ask, of nobody. The first may have to wait for a connection, which takes several
   * times as long as an answer on it: it may take its time, and what the next one takes is what counts.
   */
  async #awaitReturn(): Promise<void> {
    const sinceMs = this.#awaySinceMs ?? 0
    for (;;) {
      const isThere = await this.#answers()
      if (isThere && (await this.#answers(AbortSignal.timeout(answerWithinMs)))) break
      await sleep(askAgainMs, undefined, { ref: false })
    }
    this.#awaySinceMs = undefined
    this.#log.info({ awayMs: Math.round(performance.now() - sinceMs) }, 'the database answers sign-ins again')
  }

  async #answers(silence?: AbortSignal): Promise<boolean> {
    if (silence?.aborted) return false
    const answer = look(this.#pool).then(
      () => true,
      () => false,
    )
    return silence ? Promise.race([answer, aborted(silence).catch(() => false)]) : answer
  }
}

async function look(pool: Pool): Promise<void> {
  await findDeviceCredentials(pool, [])
}

function aborted(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    signal.addEventListener('abort', () => reject(new Error(`no answer within ${answerWithinMs} ms`)), {
      once: true,
    })
  })
}
