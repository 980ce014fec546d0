import { normalizeIP } from '@fastify/rate-limit'

/**
 * Slows down guessing. Every attempt is counted as failed when it starts, so that a burst of parallel ones gains
 * nothing; a success clears the count of the name. Of the address it takes back its own attempt only, or whoever has an
 * account could guess at others without end. Names are held per address first, so that a stranger cannot lock a user
 * out from elsewhere until far more failures. An IPv6 customer has a whole /64, which is one address here.
 */
const FREE_ATTEMPTS = { pair: 5, address: 20, username: 50 } as const
const HOLD_MIN_MS = 1_000
const HOLD_MAX_MS = 5 * 60_000
/** Without new failures a key is forgotten. */
const FORGET_MS = 15 * 60_000
/** A whole office is one address: a wrong password now and then is nobody who guesses. */
const ADDRESS_FORGIVES_ONE_MS = 45_000
/** Bounds memory under a spray of names: the oldest keys go first. */
const KEYS_MAX = 10_000

type Key = [key: string, free: number, forgivesOneMs: number]

interface Count {
  failures: number
  heldUntil: number
  lastAt: number
}

export class SignInAttempts {
  readonly #counts = new Map<string, Count>()
  readonly #now: () => number

  constructor(now: () => number = Date.now) {
    this.#now = now
  }

  /**
   * Milliseconds to wait, 0 when the attempt may be made; then it is counted. A link has no name: nobody guesses its
   * 256 bits, and a name that all links share would be one that strangers could lock for everybody.
   */
  begin(ip: string, username: string | undefined): number {
    const keys = this.#keys(ip, username)
    const now = this.#now()
    const waitMs = Math.max(0, ...keys.map(([key]) => (this.#get(key)?.heldUntil ?? 0) - now))
    if (waitMs > 0) return waitMs
    for (const key of keys) this.#fail(key)
    return 0
  }

  succeeded(ip: string, username: string | undefined): void {
    const [[address], ...ofName] = this.#keys(ip, username)
    for (const [key] of ofName) this.#counts.delete(key)
    const count = this.#counts.get(address)
    if (count) count.failures--
  }

  #keys(ip: string, username: string | undefined): [Key, ...Key[]] {
    const address = normalizeIP(ip)
    const ofAddress: Key = [`address ${address}`, FREE_ATTEMPTS.address, ADDRESS_FORGIVES_ONE_MS]
    if (username === undefined) return [ofAddress]
    const name = username.toLowerCase()
    return [
      ofAddress,
      [`pair ${address} ${name}`, FREE_ATTEMPTS.pair, FORGET_MS],
      [`username ${name}`, FREE_ATTEMPTS.username, FORGET_MS],
    ]
  }

  #get(key: string): Count | undefined {
    const count = this.#counts.get(key)
    if (count && this.#now() - count.lastAt > FORGET_MS) {
      this.#counts.delete(key)
      return undefined
    }
    return count
  }

  #fail([key, free, forgivesOneMs]: Key): void {
    const now = this.#now()
    const before = this.#get(key)
    const forgiven = before ? Math.floor((now - before.lastAt) / forgivesOneMs) : 0
    const failures = Math.max(0, (before?.failures ?? 0) - forgiven) + 1
    const over = failures - free
    const holdMs = over < 0 ? 0 : Math.min(HOLD_MAX_MS, HOLD_MIN_MS * 2 ** over)
    this.#counts.delete(key)
    this.#counts.set(key, { failures, heldUntil: now + holdMs, lastAt: now })
    const oldest = this.#counts.keys().next()
    if (this.#counts.size > KEYS_MAX && !oldest.done) this.#counts.delete(oldest.value)
  }
}
