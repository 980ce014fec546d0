import { setTimeout as sleep } from 'node:timers/promises'
import type { Logger } from '@telltale/infra/log'
import { sqlState } from '@telltale/infra/storage/errors'
import { createPool, type Pool } from '@telltale/infra/storage/pool'
import { ProblemError } from '../problems.ts'

const ASK_EVERY_MS = 1_000
const SILENCE_MAX_MS = 2_500
/** Two connections in a row. With the pause less than the 5 s in which whoever asks has an answer. */
const DOUBT_MAX_MS = 3_400
/** One that is asked, and two that have not answered yet: what they say is waited for no longer. */
const CONNECTIONS_MAX = 3
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
    this.#pool = createPool({
      ...{ url: options.url, name: 'watch', max: CONNECTIONS_MAX },
      ...{ statementTimeoutMs: SILENCE_MAX_MS, isSilenceFatal: true },
    })
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

  /**
   * One connection may be lost or silent while the database is well: only a second that fails says more. One that is
   * away may take its time for a connection; what the answer on it takes is what counts.
   */
  async #ask(): Promise<string | undefined> {
    if (this.isAway) return (await this.#askOnce()) ?? this.#askOnce(SILENCE_MAX_MS)
    const askedMs = performance.now()
    const problem = await this.#askOnce(SILENCE_MAX_MS)
    return problem && this.#askOnce(DOUBT_MAX_MS - (performance.now() - askedMs))
  }

  async #askOnce(withinMs?: number): Promise<string | undefined> {
    try {
      const answer = this.#pool.query('SELECT 1')
      if (withinMs === undefined) await answer
      else if (!(await inTime(answer, withinMs))) return `no answer within ${SILENCE_MAX_MS} ms`
      return undefined
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
async function inTime(answer: Promise<unknown>, withinMs: number): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<boolean>((resolve) => {
    timer = setTimeout(() => setImmediate(resolve, false), withinMs)
  })
  return Promise.race([answer.then(() => true), late]).finally(() => clearTimeout(timer))
}
