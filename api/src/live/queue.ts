import { Conflation } from './conflation.ts'
import type { Entry } from './events.ts'
import { liveLimits } from './limits.ts'
import type { Room } from './room.ts'

/**
 * Events on their way to one reader. As long as it keeps up they wait in order; above the bounds only the newest
 * value of each device and metric is kept (and the newest of each other thing), so memory stays bounded and the
 * reader ends up with the present.
 */
export class ReaderQueue {
  readonly #room: Room
  /** What goes out before everything that waits; read from the ring as the reader takes it, so it costs nothing. */
  #replay: Iterator<Entry> | undefined
  /** The next of the replay. */
  #ahead: Entry | undefined
  #entries: Entry[] = []
  #bytes = 0
  #conflated: Conflation | undefined

  constructor(room: Room) {
    this.#room = room
  }

  get isEmpty(): boolean {
    return !this.#ahead && this.#entries.length === 0 && this.#conflated === undefined
  }

  /** A whole piece waits. */
  get isReady(): boolean {
    return !fits(this.#entries.length, this.#bytes)
  }

  replay(entries: Iterator<Entry>): void {
    this.#replay = entries
    this.#advance()
  }

  push(entry: Entry): void {
    if (this.#conflated) return this.#conflated.add(entry)
    if (this.#append(entry)) return
    this.#conflated = new Conflation(this.#room)
    for (const waiting of this.#remove(this.#entries.length)) this.#conflated.add(waiting)
    this.#conflated.add(entry)
  }

  /**
   * What goes out next, a piece at most. `position` is the id of the last event the reader got: while conflated frames
   * go out they carry it, so that a reader lost in between resumes before them, not after.
   */
  take(position: string): Entry[] {
    if (this.#ahead) return this.#takeReplay()
    if (this.#conflated) {
      this.#entries = this.#conflated.release(position)
      this.#bytes = jsonBytes(this.#entries)
      for (const entry of this.#entries) this.#room.holdAnyway(entry)
      this.#conflated = undefined
    }
    return this.#remove(pieceLength(this.#entries))
  }

  /** Gives back what it holds. */
  clear(): void {
    this.#ahead = undefined
    this.#replay = undefined
    this.#remove(this.#entries.length)
    this.#conflated?.clear()
    this.#conflated = undefined
  }

  #takeReplay(): Entry[] {
    const piece: Entry[] = []
    for (let bytes = 0; this.#ahead && fits(piece.length, bytes); this.#advance()) {
      piece.push(this.#ahead)
      bytes += this.#ahead.json.length
    }
    return piece
  }

  #advance(): void {
    const next = this.#replay?.next()
    this.#ahead = next?.done === false ? next.value : undefined
    if (!this.#ahead) this.#replay = undefined
  }

  /** False: above the bounds. */
  #append(entry: Entry): boolean {
    const bytes = entry.json.length
    if (this.#entries.length >= liveLimits.queueEventsMax) return false
    if (this.#bytes + bytes > liveLimits.queueBytesMax || !this.#room.hold(entry)) return false
    this.#entries.push(entry)
    this.#bytes += bytes
    return true
  }

  #remove(count: number): Entry[] {
    const entries = this.#entries.splice(0, count)
    this.#bytes -= jsonBytes(entries)
    for (const entry of entries) this.#room.drop(entry)
    return entries
  }
}

function jsonBytes(entries: Entry[]): number {
  return entries.reduce((sum, entry) => sum + entry.json.length, 0)
}

/** One write stays small: what a reader does not take is buffered for it alone. */
function fits(events: number, bytes: number): boolean {
  return events < liveLimits.flushEventsMax && bytes < liveLimits.flushBytesMax
}

function pieceLength(entries: Entry[]): number {
  let bytes = 0
  let length = 0
  for (; length < entries.length && fits(length, bytes); length++) bytes += entries[length]?.json.length ?? 0
  return length
}
