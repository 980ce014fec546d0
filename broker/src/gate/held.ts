import { Fault } from './fault.ts'

/** What all gates together may hold of packets that are not whole, or came before their time. */
export class HeldBudget {
  readonly #bytesMax: number
  #bytes = 0

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax
  }

  get bytes(): number {
    return this.#bytes
  }

  /** @throws Fault when too much is held already */
  take(bytes: number): void {
    if (this.#bytes + bytes > this.#bytesMax)
      throw new Fault('overloaded', 'too many bytes of unfinished packets are held; come again later')
    this.#bytes += bytes
  }

  give(bytes: number): void {
    this.#bytes -= bytes
  }
}

/**
 * The beginning of a packet, copied out of its chunk so that it keeps no more memory than it has bytes. Room grows by
 * doubling: neither does a declared length alone cost memory, nor does a byte at a time cost time.
 */
export class HeldBytes {
  readonly #budget: HeldBudget
  #room: Buffer | undefined
  #length = 0
  /** The whole packet, as far as known. */
  #needed = 0

  constructor(budget: HeldBudget) {
    this.#budget = budget
  }

  hold(bytes: Buffer, needed: number): void {
    this.#append(bytes, needed)
  }

  /** @returns what is held with `chunk` behind it, once that is the whole packet; until then it is held too */
  join(chunk: Buffer): Buffer | undefined {
    if (!this.#room) return chunk
    if (this.#length + chunk.length < this.#needed) {
      this.#append(chunk, this.#needed)
      return undefined
    }
    const whole = Buffer.concat([this.#room.subarray(0, this.#length), chunk])
    this.clear()
    return whole
  }

  /** @returns all of it, which is no longer held then */
  take(): Buffer | undefined {
    const bytes = this.#room?.subarray(0, this.#length)
    this.clear()
    return bytes
  }

  clear(): void {
    if (this.#room) this.#budget.give(this.#room.length)
    this.#room = undefined
    this.#length = 0
  }

  #append(bytes: Buffer, needed: number): void {
    this.#needed = needed
    const length = this.#length + bytes.length
    // Most packets are whole with the next chunk: room for more only once that was not so.
    if (!this.#room) this.#grow(length)
    else if (length > this.#room.length) this.#grow(Math.max(length, Math.min(2 * length, needed)))
    bytes.copy(this.#room as Buffer, this.#length)
    this.#length = length
  }

  #grow(size: number): void {
    // First: what cannot be taken must not be given back either.
    this.#budget.take(size)
    // Not from Node's pool: one byte would keep 8 KiB of it.
    const room = Buffer.allocUnsafeSlow(size)
    if (this.#room) {
      this.#room.copy(room, 0, 0, this.#length)
      this.#budget.give(this.#room.length)
    }
    this.#room = room
  }
}
