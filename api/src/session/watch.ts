import type { Logger } from '@telltale/infra/log'
import type { Pool } from '@telltale/infra/storage/pool'
import { usableTokens } from '@telltale/infra/storage/tokens'
import { type Role, usableLoginSessions } from '@telltale/infra/storage/users'
import type { Principal } from './authenticate.ts'

/** Revoking works within 2 s, on streams that are open too; the rest is for the query and the close. */
const CHECK_MS = 1_500

/** Who was fine so shortly before the database was last heard stays so while it is away. */
const FINE_BEFORE_MS = 2_000
/** Far longer than between two looks: older ones were looked at again, or are of no use. */
const FINE_KEPT_MS = 10_000

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
  /** By hash, those found usable lately, the longest ago first. */
  readonly #fine = new Map<string, { principal: Principal; atMs: number }>()
  readonly #pool: Pool
  readonly #log: Logger
  #timer: NodeJS.Timeout | undefined
  #isChecking = false
  #isFailing = false

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

  /** The database has just said that it is usable. */
  confirm(principal: Principal): void {
    const atMs = performance.now()
    const hash = principal.hash.toString('hex')
    this.#fine.delete(hash)
    this.#fine.set(hash, { principal, atMs })
    for (const [oldest, fine] of this.#fine) {
      if (fine.atMs > atMs - FINE_KEPT_MS) break
      this.#fine.delete(oldest)
    }
  }

  /** Whoever was fine when the database was last heard, by the monotonic clock, and has not ended since. */
  recall(hash: Buffer, lastHeardMs: number): Principal | undefined {
    const fine = this.#fine.get(hash.toString('hex'))
    if (!fine || fine.atMs < lastHeardMs - FINE_BEFORE_MS) return undefined
    const { expiresAt } = fine.principal
    return expiresAt !== null && expiresAt.getTime() <= Date.now() ? undefined : fine.principal
  }

  /** The session with this hash is over now: no need to wait for the next check. */
  end(hash: Buffer): void {
    this.#fine.delete(hash.toString('hex'))
    this.#endWhere((principal) => principal.hash.equals(hash))
  }

  stop(): void {
    clearInterval(this.#timer)
    this.#timer = undefined
  }

  async #check(): Promise<void> {
    // A database that says nothing has one question of ours to answer, not a row of them.
    if (this.#isChecking) return
    this.#isChecking = true
    const asked = new Set(this.#watched)
    try {
      const usable = await Promise.all([
        this.#usable(asked, 'cookie', usableLoginSessions),
        this.#usable(asked, 'bearer', usableTokens),
      ])
      const roles = new Map(usable.flat().map(({ hash, role }) => [hash.toString('hex'), role]))
      // What was allowed when a stream opened is not asked again: with another role its client starts over.
      this.#endWhere(({ hash, role }, entry) => asked.has(entry) && roles.get(hash.toString('hex')) !== role)
      for (const entry of asked) if (this.#watched.has(entry)) this.confirm(entry.principal)
      if (this.#isFailing) this.#log.info('open streams are checked again')
      this.#isFailing = false
    } catch (error) {
      // Without the database nobody can be told apart; the next check that works decides.
      if (!this.#isFailing) this.#log.warn({ err: error }, 'open streams could not be checked; trying again')
      this.#isFailing = true
    } finally {
      this.#isChecking = false
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
      this.#fine.delete(entry.principal.hash.toString('hex'))
      entry.onEnd()
    }
  }
}
