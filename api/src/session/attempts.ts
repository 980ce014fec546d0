/**
 * Slows down guessing. Every attempt is counted as failed when it starts, so that a burst of parallel ones gains
 * nothing; a success clears the count. Names are held per address first, so that a stranger cannot lock a user out
 * from elsewhere until far more failures.
 */
const FREE_ATTEMPTS = { pair: 5, address: 20, username: 50 } as const
const HOLD_MIN_MS = 1_000
const HOLD_MAX_MS = 5 * 60_000
/** Without new failures a key is forgotten. */
const FORGET_MS = 15 * 60_000
/** Bounds memory under a spray of names: the oldest keys go first. */
const KEYS_MAX = 10_000

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

  /** Milliseconds to wait, 0 when the attempt may be made; then it is counted. */
  begin(address: string, username: string): number {
    const keys = this.#keys(address, username)
    const now = this.#now()
    const waitMs = Math.max(0, ...keys.map(([key]) => (this.#get(key)?.heldUntil ?? 0) - now))
    if (waitMs > 0) return waitMs
    for (const [key, free] of keys) this.#fail(key, free)
    return 0
  }

  succeeded(address: string, username: string): void {
    for (const [key] of this.#keys(address, username)) this.#counts.delete(key)
  }

  #keys(address: string, username: string): [string, number][] {
    const name = username.toLowerCase()
    return [
      [`pair ${address} ${name}`, FREE_ATTEMPTS.pair],
      [`address ${address}`, FREE_ATTEMPTS.address],
      [`username ${name}`, FREE_ATTEMPTS.username],
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

  #fail(key: string, free: number): void {
    const now = this.#now()
    const failures = (this.#get(key)?.failures ?? 0) + 1
    const over = failures - free
    const holdMs = over < 0 ? 0 : Math.min(HOLD_MAX_MS, HOLD_MIN_MS * 2 ** over)
    this.#counts.delete(key)
    this.#counts.set(key, { failures, heldUntil: now + holdMs, lastAt: now })
    const oldest = this.#counts.keys().next()
    if (this.#counts.size > KEYS_MAX && !oldest.done) this.#counts.delete(oldest.value)
  }
}
