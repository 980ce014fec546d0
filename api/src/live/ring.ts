import type { Entry } from './events.ts'
import { liveLimits } from './limits.ts'

/** The newest events, without gaps in their numbers, bounded in number and bytes. */
export class Ring {
  #entries: (Entry | undefined)[] = []
  /** Index of the oldest: entries before it are gone, their array slots are reclaimed in bulk. */
  #head = 0
  #bytes = 0

  push(entry: Entry): void {
    this.#entries.push(entry)
    this.#bytes += entry.json.length
    while (this.#size > liveLimits.ringEventsMax || this.#bytes > liveLimits.ringBytesMax) this.#dropOldest()
  }

  /** Undefined: no longer here, or not yet. */
  at(seq: number): Entry | undefined {
    const oldest = this.#entries[this.#head]
    if (!oldest || seq < oldest.seq) return undefined
    return this.#entries[this.#head + seq - oldest.seq]
  }

  get #size(): number {
    return this.#entries.length - this.#head
  }

  #dropOldest(): void {
    const oldest = this.#entries[this.#head]
    if (!oldest) return
    this.#bytes -= oldest.json.length
    // Its slot stays a while, its bytes must not.
    this.#entries[this.#head] = undefined
    this.#head++
    if (this.#head < liveLimits.ringEventsMax) return
    this.#entries = this.#entries.slice(this.#head)
    this.#head = 0
  }
}
