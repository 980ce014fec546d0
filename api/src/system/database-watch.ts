import { setTimeout as sleep } from 'node:timers/promises'
import type { Logger } from '@telltale/infra/log'
import { sqlState } from '@telltale/infra/storage/errors'
import { createPool, type Pool } from '@telltale/infra/storage/pool'
import { ProblemError } from '../problems.ts'

/** Together less than the 5 s in which whoever asks has an answer, whatever the database does. */
const ASK_EVERY_MS = 1_000
const SILENCE_MAX_MS = 2_500
/** For those who are refused meanwhile. */
const RETRY_AFTER_S = 3

/**
 * Whether the database answers, asked every second on a connection of its own. A database that is frozen, or whose
 * machine is gone, refuses nothing: without this, every request would hang for as long as a statement may take.
 */
export class DatabaseWatch {
  readonly #pool: Pool
  readonly #log: Logger
  readonly #waiting = new Set<() => void>()
  readonly #stopping = new AbortController()
  #problem: string | undefined
  #awaySinceMs = 0
  #lastHeardMs = performance.now()

  constructor(options: { url: string; log: Logger }) {
    this.#log = options.log
    this.#pool = createPool({ url: options.url, name: 'watch', max: 1, waitMs: SILENCE_MAX_MS })
  }

  start(): void {
    void this.#run()
  }

  async stop(): Promise<void> {
    this.#stopping.abort()
    await this.#pool.end()
  }

  /** In a few words; undefined while it answers. */
  get problem(): string | undefined {
    return this.#problem
  }

  get isAway(): boolean {
    return this.#problem !== undefined
  }

  /** When it was last known to answer, by the monotonic clock. */
  get lastHeardMs(): number {
    return this.#lastHeardMs
  }

  /**
   * What `work` brings, unless the database is away or gets lost meanwhile. Then `work` goes on alone, for it cannot be
   * known what of it the database has done.
   * @throws ProblemError database_unavailable
   */
  orAway<T>(work: () => T | Promise<T>): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      const giveUp = () => reject(unavailable())
      if (this.isAway) return giveUp()
      this.#waiting.add(giveUp)
      Promise.resolve()
        .then(work)
        .then(resolve, reject)
        .finally(() => this.#waiting.delete(giveUp))
    })
  }

  async #run(): Promise<void> {
    const { signal } = this.#stopping
    while (!signal.aborted) {
      const problem = await this.#ask()
      if (signal.aborted) return
      this.#note(problem)
      await sleep(ASK_EVERY_MS, undefined, { signal, ref: false }).catch(() => {})
    }
  }

  /** One connection may be lost while the database is well: only a second that fails says more. */
  async #ask(): Promise<string | undefined> {
    const problem = await this.#askOnce()
    return problem === 'cannot be reached' ? this.#askOnce() : problem
  }

  async #askOnce(): Promise<string | undefined> {
    try {
      const connection = await this.#pool.connect()
      const isAnswered = await inTime(connection.query('SELECT 1')).catch((error: Error) => {
        connection.release(error)
        throw error
      })
      connection.release(!isAnswered)
      return isAnswered ? undefined : `no answer within ${SILENCE_MAX_MS} ms`
    } catch (error) {
      // Too many connections, and the like: it is there, and has answers for those who are connected.
      return sqlState(error)?.startsWith('53') ? undefined : 'cannot be reached'
    }
  }

  #note(problem: string | undefined): void {
    const wasAway = this.isAway
    this.#problem = problem
    const nowMs = performance.now()
    if (problem === undefined) this.#lastHeardMs = nowMs
    if (problem !== undefined && !wasAway) {
      this.#awaySinceMs = nowMs
      this.#log.warn({ problem }, 'the database does not answer; who needs it is refused until it does')
      for (const giveUp of [...this.#waiting]) giveUp()
      this.#waiting.clear()
    } else if (problem === undefined && wasAway)
      this.#log.info({ awayMs: Math.round(nowMs - this.#awaySinceMs) }, 'the database answers again')
  }
}

export function unavailable(): ProblemError {
  return new ProblemError('database_unavailable', { retryAfterS: RETRY_AFTER_S })
}

/** False when it takes too long. An answer that came while our own loop was blocked is still looked at. */
async function inTime(answer: Promise<unknown>): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<boolean>((resolve) => {
    timer = setTimeout(() => setImmediate(resolve, false), SILENCE_MAX_MS)
  })
  return Promise.race([answer.then(() => true), late]).finally(() => clearTimeout(timer))
}
