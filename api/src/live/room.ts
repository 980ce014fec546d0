import { liveLimits } from './limits.ts'

/** What an event takes besides its JSON: the same, parsed. */
const EVENT_BYTES = 200
/** A place in a queue. */
const REFERENCE_BYTES = 16

/** Something that may wait for many readers, and is there once. */
export interface Shared {
  readonly json: string
  /** How many queues it waits in. */
  holders: number
}

/** Memory that everything waiting for slow readers shares: each reader's own bound, times all readers, is too much. */
export class Room {
  #bytes = 0
  readonly #bytesMax: number

  constructor(bytesMax: number = liveLimits.waitingBytesMax) {
    this.#bytesMax = bytesMax
  }

  get bytes(): number {
    return this.#bytes
  }

  /** False: no room, and nothing taken. */
  take(bytes: number): boolean {
    if (this.#bytes + bytes > this.#bytesMax) return false
    this.#bytes += bytes
    return true
  }

  give(bytes: number): void {
    this.#bytes -= bytes
  }

  /** For an event in one more queue. False: no room, and nothing taken. */
  hold(entry: Shared): boolean {
    const isNew = entry.holders === 0
    if (!this.take(isNew ? costOf(entry) : REFERENCE_BYTES)) return false
    entry.holders++
    return true
  }

  /** As `hold`, for what is there already and only changes its shape. */
  holdAnyway(entry: Shared): void {
    entry.holders++
    this.#bytes += costOf(entry)
  }

  drop(entry: Shared): void {
    entry.holders--
    this.give(entry.holders === 0 ? costOf(entry) : REFERENCE_BYTES)
  }
}

function costOf({ json }: Shared): number {
  return json.length + EVENT_BYTES + REFERENCE_BYTES
}
