import type { Logger } from '@telltale/infra/log'
import type { Pool } from '@telltale/infra/storage/pool'
import { usableTokens } from '@telltale/infra/storage/tokens'
import { usableLoginSessions } from '@telltale/infra/storage/users'
import type { Principal } from './authenticate.ts'

/** Contract: an ended session's streams end within 5 s; the rest is for the query and the close. */
const CHECK_MS = 3_000

interface Watched {
  principal: Principal
  onEnd: () => void
}

/** Ends open streams and sockets when the session or token behind them ends, here or in another process. */
export class SessionWatch {
  readonly #watched = new Set<Watched>()
  readonly #pool: Pool
  readonly #log: Logger
  #timer: NodeJS.Timeout | undefined

  constructor(pool: Pool, log: Logger) {
    this.#pool = pool
    this.#log = log
  }

  /** How many streams of this name are open: what the limit per user counts. */
  countOf(name: string): number {
    let count = 0
    for (const { principal } of this.#watched) if (principal.name === name) count++
    return count
  }

  /** Calls `onEnd` once when the session ends, unless the returned function is called first. */
  add(principal: Principal, onEnd: () => void): () => void {
    const entry = { principal, onEnd }
    this.#watched.add(entry)
    this.#timer ??= setInterval(() => void this.#check(), CHECK_MS).unref()
    return () => {
      this.#watched.delete(entry)
      if (this.#watched.size === 0) this.stop()
    }
  }

  /** The session with this hash is over now: no need to wait for the next check. */
  end(hash: Buffer): void {
    this.#endWhere((principal) => principal.hash.equals(hash))
  }

  stop(): void {
    clearInterval(this.#timer)
    this.#timer = undefined
  }

  async #check(): Promise<void> {
    const asked = new Set(this.#watched)
    try {
      const [sessions, tokens] = await Promise.all([
        this.#usable(asked, 'cookie', usableLoginSessions),
        this.#usable(asked, 'bearer', usableTokens),
      ])
      const usable = new Set([...sessions, ...tokens].map((hash) => hash.toString('hex')))
      this.#endWhere((principal, entry) => asked.has(entry) && !usable.has(principal.hash.toString('hex')))
    } catch (error) {
      // Without the database nobody can be told apart; the next check decides.
      this.#log.warn({ err: error }, 'open streams could not be checked')
    }
  }

  async #usable(
    entries: Set<Watched>,
    via: Principal['via'],
    find: (db: Pool, hashes: Buffer[]) => Promise<Buffer[]>,
  ): Promise<Buffer[]> {
    const hashes = [...entries]
      .filter(({ principal }) => principal.via === via)
      .map((entry) => entry.principal.hash)
    return hashes.length > 0 ? find(this.#pool, hashes) : []
  }

  #endWhere(isOver: (principal: Principal, entry: Watched) => boolean): void {
    for (const entry of [...this.#watched]) {
      if (!isOver(entry.principal, entry)) continue
      this.#watched.delete(entry)
      entry.onEnd()
    }
  }
}
