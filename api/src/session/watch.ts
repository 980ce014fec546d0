import type { Logger } from '@telltale/infra/log'
import type { Pool } from '@telltale/infra/storage/pool'
import { usableTokens } from '@telltale/infra/storage/tokens'
import { type Role, usableLoginSessions } from '@telltale/infra/storage/users'
import type { Principal } from './authenticate.ts'

/** Revoking works within 2 s, on streams that are open too; the rest is for the query and the close. */
const CHECK_MS = 1_500

interface Watched {
  principal: Principal
  onEnd: () => void
}

interface Usable {
  hash: Buffer
  role: Role
}
type FindUsable = (db: Pool, hashes: Buffer[]) => Promise<Usable[]>

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
      const usable = await Promise.all([
        this.#usable(asked, 'cookie', usableLoginSessions),
        this.#usable(asked, 'bearer', usableTokens),
      ])
      const roles = new Map(usable.flat().map(({ hash, role }) => [hash.toString('hex'), role]))
      // What was allowed when a stream opened is not asked again: with another role its client starts over.
      this.#endWhere(({ hash, role }, entry) => asked.has(entry) && roles.get(hash.toString('hex')) !== role)
    } catch (error) {
      // Without the database nobody can be told apart; the next check decides.
      this.#log.warn({ err: error }, 'open streams could not be checked')
    }
  }

  async #usable(entries: Set<Watched>, via: Principal['via'], find: FindUsable): Promise<Usable[]> {
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
