/** Tokens that come back at a steady rate, up to a burst. An infinite rate is no limit. Times: `performance.now()`. */
export class TokenBucket {
  readonly #perSecond: number
  readonly #burst: number
  #tokens: number
  #atMs: number

  constructor(perSecond: number, burstSeconds: number, nowMs: number) {
    this.#perSecond = perSecond
    this.#burst = Math.max(1, perSecond * burstSeconds)
    this.#tokens = this.#burst
    this.#atMs = nowMs
  }

  /** Below 0 when more was taken than there was. */
  available(nowMs: number): number {
    // Nothing times infinity is no number.
    if (this.#burst === Number.POSITIVE_INFINITY) return this.#burst
    const gained = (Math.max(0, nowMs - this.#atMs) * this.#perSecond) / 1_000
    this.#atMs = nowMs
    this.#tokens = Math.min(this.#burst, this.#tokens + gained)
    return this.#tokens
  }

  take(count: number): void {
    this.#tokens -= count
  }

  /** Until there is a whole token; 0 when there is one. */
  waitMs(nowMs: number): number {
    const missing = 1 - this.available(nowMs)
    return missing <= 0 ? 0 : (missing / this.#perSecond) * 1_000
  }
}
