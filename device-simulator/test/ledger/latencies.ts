/** What acknowledgements tell about time: how long they take, how long there were none, when they came back. */
import { setTimeout as sleep } from 'node:timers/promises'

const MS_MAX = 20_000
const POLL_MS = 20

/** How often each whole millisecond was taken; bounded, however long it runs. */
export class Latencies {
  readonly #counts = new Uint32Array(MS_MAX + 1)
  #total = 0

  add(ms: number): void {
    const place = Math.min(MS_MAX, Math.max(0, Math.round(ms)))
    this.#counts[place] = (this.#counts[place] as number) + 1
    this.#total++
  }

  /** NaN of none. */
  at(share: number): number {
    if (this.#total === 0) return Number.NaN
    let left = Math.ceil(share * this.#total)
    for (let ms = 0; ms <= MS_MAX; ms++) {
      left -= this.#counts[ms] as number
      if (left <= 0) return ms
    }
    return MS_MAX
  }
}

export interface Recovery {
  /** From the end of the fault to the first acknowledgement of a message that was sent after it; absent: none came. */
  firstMs: number | undefined
  /** The same, until nine devices of ten had one. */
  mostMs: number | undefined
  /** The same, until every device had one. */
  allMs: number | undefined
  /** The longest time without any acknowledgement since the fault began. */
  pauseMs: number
}

const MOST = 0.9

export class RecoveryWatch {
  readonly #devices: number
  #lastMs = performance.now()
  #pauseMs = 0
  #sinceMs = Number.POSITIVE_INFINITY
  #first: number | undefined
  #most: number | undefined
  #all: number | undefined
  #heard = new Set<number>()

  constructor(devices: number) {
    this.#devices = devices
  }

  acknowledged(device: number, sentMs: number, nowMs: number): void {
    this.#pauseMs = Math.max(this.#pauseMs, nowMs - this.#lastMs)
    this.#lastMs = nowMs
    if (sentMs < this.#sinceMs || this.#all !== undefined) return
    const afterMs = nowMs - this.#sinceMs
    this.#first ??= afterMs
    this.#heard.add(device)
    if (this.#heard.size >= MOST * this.#devices) this.#most ??= afterMs
    if (this.#heard.size === this.#devices) this.#all = afterMs
  }

  /** A fault begins: pauses are counted from here on. */
  begin(): void {
    this.#pauseMs = 0
    this.#lastMs = performance.now()
  }

  /** The fault is over. Resolves when all devices are acknowledged again, or after the deadline. */
  async ended(deadlineMs: number, signal: AbortSignal): Promise<Recovery> {
    this.#sinceMs = performance.now()
    this.#first = undefined
    this.#most = undefined
    this.#all = undefined
    this.#heard = new Set()
    const endMs = this.#sinceMs + deadlineMs
    while (this.#all === undefined && performance.now() < endMs && !signal.aborted) await sleep(POLL_MS)
    const pauseMs = Math.max(this.#pauseMs, performance.now() - this.#lastMs)
    return { firstMs: this.#first, mostMs: this.#most, allMs: this.#all, pauseMs }
  }
}
