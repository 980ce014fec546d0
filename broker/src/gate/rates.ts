import { TokenBucket } from './bucket.ts'

/** How much a client may send in a second; infinite where there is no limit. */
export interface Rates {
  messagesPerSecond: number
  bytesPerSecond: number
}

/**
 * Packets of all kinds for each message allowed: QoS 2 needs two, acknowledgements of what is received and pings come
 * on top. Without it a flood of two-byte pings would pass as very few bytes.
 */
const PACKETS_PER_MESSAGE = 4
/** Waking up for every single token would cost more than it gives. */
const WAIT_MIN_MS = 50

export class RateLimiter {
  readonly #rates: Rates
  readonly #messages: TokenBucket
  readonly #packets: TokenBucket
  readonly #bytes: TokenBucket

  constructor(rates: Rates, burstSeconds: number, nowMs: number) {
    this.#rates = rates
    this.#messages = new TokenBucket(rates.messagesPerSecond, burstSeconds, nowMs)
    this.#packets = new TokenBucket(PACKETS_PER_MESSAGE * rates.messagesPerSecond, burstSeconds, nowMs)
    this.#bytes = new TokenBucket(rates.bytesPerSecond, burstSeconds, nowMs)
  }

  /** Each of them might be a message. */
  packetsAllowed(nowMs: number): number {
    return Math.floor(Math.min(this.#messages.available(nowMs), this.#packets.available(nowMs)))
  }

  bytesAllowed(nowMs: number): number {
    return this.#bytes.available(nowMs)
  }

  pay(sent: { messages: number; packets: number; bytes: number }): void {
    this.#messages.take(sent.messages)
    this.#packets.take(sent.packets)
    this.#bytes.take(sent.bytes)
  }

  /** What is used up, and for how long; undefined when nothing is. */
  exceeded(nowMs: number): { limit: 'messages' | 'bytes'; value: number; waitMs: number } | undefined {
    const messagesMs = Math.max(this.#messages.waitMs(nowMs), this.#packets.waitMs(nowMs))
    const bytesMs = this.#bytes.waitMs(nowMs)
    const waitMs = Math.max(messagesMs, bytesMs)
    if (waitMs === 0) return undefined
    const which =
      messagesMs >= bytesMs
        ? { limit: 'messages' as const, value: this.#rates.messagesPerSecond }
        : { limit: 'bytes' as const, value: this.#rates.bytesPerSecond }
    return { ...which, waitMs: Math.max(WAIT_MIN_MS, waitMs) }
  }
}
