/** A token bucket that fills `perSecond` tokens a second and holds one second's worth. */
export class RateLimit {
  readonly #perSecond: number
  #tokens: number
  #at = performance.now()

  constructor(perSecond: number) {
    this.#perSecond = perSecond
    this.#tokens = perSecond
  }

  /** False: not now. */
  take(): boolean {
    const now = performance.now()
    this.#tokens = Math.min(this.#perSecond, this.#tokens + ((now - this.#at) / 1_000) * this.#perSecond)
    this.#at = now
    if (this.#tokens < 1) return false
    this.#tokens--
    return true
  }
}
