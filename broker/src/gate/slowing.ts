import { Fault } from './fault.ts'
import { RateLimiter, type Rates } from './rates.ts'

/** Reading freely for so long ends a time of being slowed. */
const BREAK_MS = 1_000

export interface SlowingOptions {
  burstSeconds: number
  /** Slowed for so long without a break, a client is sent away. */
  slowedMaxMs: number
  /** Reported once in so long. */
  slowedReportMs: number
  onSlowed(limit: 'messages' | 'bytes', value: number): void
  /** Reading may go on. */
  wake(): void
}

/** Slows a client down to its rates: while they are used up it is not read, so TCP makes it wait. */
export class Slowing {
  readonly rates: RateLimiter
  readonly #options: SlowingOptions
  #wakeTimer: NodeJS.Timeout | undefined
  /** Since when it is slowed without a break. */
  #sinceMs: number | undefined
  #wokenMs = 0
  #reportedMs = Number.NEGATIVE_INFINITY

  constructor(rates: Rates, options: SlowingOptions, nowMs: number) {
    this.rates = new RateLimiter(rates, options.burstSeconds, nowMs)
    this.#options = options
  }

  get isWaiting(): boolean {
    return this.#wakeTimer !== undefined
  }

  /** Asked before each read of bytes that are there. @throws Fault after too long without a break */
  mustWait(nowMs: number): boolean {
    if (this.#wakeTimer) return true
    const exceeded = this.rates.exceeded(nowMs)
    if (!exceeded) return false
    if (this.#sinceMs === undefined || nowMs - this.#wokenMs > BREAK_MS) this.#sinceMs = nowMs
    const slowedMs = nowMs - this.#sinceMs
    if (slowedMs > this.#options.slowedMaxMs)
      throw new Fault(
        'rate',
        `more than ${exceeded.value} ${exceeded.limit} a second for ${Math.round(slowedMs / 1_000)} s`,
      )
    this.#wakeTimer = setTimeout(() => this.#wake(), exceeded.waitMs)
    if (nowMs - this.#reportedMs < this.#options.slowedReportMs) return true
    this.#reportedMs = nowMs
    this.#options.onSlowed(exceeded.limit, exceeded.value)
    return true
  }

  /** The client has sent no more than was read: that is a break. */
  caughtUp(): void {
    this.#sinceMs = undefined
  }

  stop(): void {
    clearTimeout(this.#wakeTimer)
    this.#wakeTimer = undefined
  }

  #wake(): void {
    this.#wakeTimer = undefined
    this.#wokenMs = performance.now()
    this.#options.wake()
  }
}
