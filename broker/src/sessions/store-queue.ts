import type { QueueBounds } from './store.ts'

export interface InFlight {
  packetId: number
  isReleased: boolean
}

/** Below so many, entries that are gone are not worth moving the others for. */
const GONE_MIN = 32

/**
 * The order, sizes and in-flight state of one queue, without its messages: a few bytes for each, because thousands
 * of sessions may have long queues. Ids grow; nothing is ever inserted before another.
 */
export class QueueIndex {
  #ids: number[] = []
  /** Same positions as the ids; 0 is an entry that is gone. */
  #sizes: number[] = []
  /** Everything before this position is gone. */
  #first = 0
  #lastId = 0
  readonly #inFlight = new Map<number, InFlight>()
  messages = 0
  bytes = 0

  add(size: number): number {
    this.restore(this.#lastId + 1, size)
    return this.#lastId
  }

  /** An entry that was stored before; they come in order. */
  restore(id: number, size: number): void {
    this.#ids.push(id)
    this.#sizes.push(size)
    this.#lastId = id
    this.messages++
    this.bytes += size
  }

  has(id: number): boolean {
    return this.sizeOf(id) > 0
  }

  /** 0 when there is no such entry. */
  sizeOf(id: number): number {
    const position = this.#positionOf(id)
    return this.#ids[position] === id ? (this.#sizes[position] as number) : 0
  }

  /** @returns its size, 0 when there is no such entry */
  remove(id: number): number {
    const size = this.sizeOf(id)
    if (size === 0) return 0
    this.#sizes[this.#positionOf(id)] = 0
    this.#inFlight.delete(id)
    this.messages--
    this.bytes -= size
    this.#tidy()
    return size
  }

  /** Removes the oldest that are not in flight until the queue is within its bounds. */
  trim({ messagesMax, bytesMax }: QueueBounds): { id: number; size: number }[] {
    const oldest: number[] = []
    let messages = this.messages
    let bytes = this.bytes
    for (let i = this.#first; i < this.#ids.length && (messages > messagesMax || bytes > bytesMax); i++) {
      const id = this.#ids[i] as number
      const size = this.#sizes[i] as number
      if (size === 0 || this.#inFlight.has(id)) continue
      oldest.push(id)
      messages--
      bytes -= size
    }
    return oldest.map((id) => ({ id, size: this.remove(id) }))
  }

  /** @returns the ids of at most `count` entries behind `after` */
  behind(after: number, count: number): number[] {
    const ids: number[] = []
    for (let i = Math.max(this.#first, this.#positionOf(after + 1)); i < this.#ids.length; i++) {
      if (ids.length >= count) break
      if (this.#sizes[i] !== 0) ids.push(this.#ids[i] as number)
    }
    return ids
  }

  entries(): { id: number; size: number }[] {
    return this.behind(0, this.messages).map((id) => ({ id, size: this.sizeOf(id) }))
  }

  inFlight(id: number): InFlight | undefined {
    return this.#inFlight.get(id)
  }

  /** @returns false when the entry is gone, and nothing was noted */
  setInFlight(id: number, state: InFlight): boolean {
    if (!this.has(id)) return false
    this.#inFlight.set(id, state)
    return true
  }

  inFlightIds(): Iterable<number> {
    return this.#inFlight.keys()
  }

  /** @returns the position of the first entry that is not before `id` */
  #positionOf(id: number): number {
    let low = 0
    let high = this.#ids.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if ((this.#ids[middle] as number) < id) low = middle + 1
      else high = middle
    }
    return low
  }

  /** Entries usually leave at the front; the arrays move only when most of them is gone, so rarely enough. */
  #tidy(): void {
    while (this.#sizes[this.#first] === 0) this.#first++
    const gone = this.#ids.length - this.messages
    if (gone < GONE_MIN || gone < this.messages) return
    const positions = [...this.#ids.keys()].filter((i) => this.#sizes[i] !== 0)
    const ids = positions.map((i) => this.#ids[i] as number)
    this.#sizes = positions.map((i) => this.#sizes[i] as number)
    this.#ids = ids
    this.#first = 0
  }
}
