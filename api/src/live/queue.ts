import type { Value } from '@telltale/broker/contract'
import type { LiveEvent } from '../contract/index.ts'
import { Entry, type ReadingEvent } from './events.ts'
import { liveLimits } from './limits.ts'

interface NewestValue {
  deviceId: string
  metric: string
  time: number
  value: Value
}

/**
 * Events on their way to one reader. As long as it keeps up they wait in order; above the bound only the newest
 * value of each device and metric is kept (and the newest of each other thing), so memory stays bounded and the
 * reader ends up with the present.
 */
export class ReaderQueue {
  /** What a returning client missed: entries of the ring, so a long list costs references only. */
  #replay: Entry[] = []
  #entries: Entry[] = []
  #bytes = 0
  #conflated: Conflation | undefined

  get isEmpty(): boolean {
    return this.#replay.length === 0 && this.#entries.length === 0 && this.#conflated === undefined
  }

  /** A whole piece waits. */
  get isReady(): boolean {
    return this.#entries.length >= liveLimits.flushEventsMax
  }

  /** Goes out before everything that waits. */
  replay(entries: Entry[]): void {
    this.#replay = entries
  }

  push(entry: Entry): void {
    if (this.#conflated) return this.#conflated.add(entry)
    this.#entries.push(entry)
    this.#bytes += entry.json.length
    if (this.#entries.length <= liveLimits.queueEventsMax && this.#bytes <= liveLimits.queueBytesMax) return
    this.#conflated = new Conflation()
    for (const waiting of this.#entries) this.#conflated.add(waiting)
    this.#entries = []
    this.#bytes = 0
  }

  /**
   * Everything that waits, at most a piece at a time. `position` is the id of the last event the reader got: while
   * conflated frames go out they carry it, so that a reader lost in between resumes before them, not after.
   */
  take(position: string): Entry[] {
    if (this.#replay.length > 0) {
      const piece = this.#replay.slice(0, liveLimits.flushEventsMax)
      this.#replay = this.#replay.slice(piece.length)
      return piece
    }
    if (this.#conflated) {
      this.#entries = this.#conflated.toEntries(position)
      this.#bytes = bytesOf(this.#entries)
      this.#conflated = undefined
    }
    const piece = this.#entries.splice(0, liveLimits.flushEventsMax)
    this.#bytes -= bytesOf(piece)
    return piece
  }
}

function bytesOf(entries: Entry[]): number {
  return entries.reduce((sum, entry) => sum + entry.json.length, 0)
}

/** The newest of everything, by key. */
class Conflation {
  readonly #values = new Map<string, NewestValue>()
  readonly #others = new Map<string, LiveEvent>()
  #last: Entry | undefined
  #overflown = false

  add(entry: Entry): void {
    this.#last = entry
    if (this.#overflown) return
    if (entry.event.type === 'reading') this.#addReading(entry.event)
    else this.#addOther(entry.event)
    if (this.#values.size + this.#others.size > liveLimits.conflatedKeysMax) this.#overflow()
  }

  #addReading({ data: { deviceId, time, values } }: ReadingEvent): void {
    for (const [metric, value] of Object.entries(values)) {
      const key = `${deviceId}\n${metric}`
      const known = this.#values.get(key)
      if (!known || known.time <= time) this.#values.set(key, { deviceId, metric, time, value })
    }
  }

  #addOther(event: LiveEvent): void {
    // Set anew, so that the order is that of the newest of each.
    const key = conflationKey(event)
    this.#others.delete(key)
    this.#others.set(key, event)
  }

  /** Too much even so: the reader refetches what it shows. */
  #overflow(): void {
    this.#overflown = true
    this.#values.clear()
    this.#others.clear()
  }

  toEntries(position: string): Entry[] {
    const last = this.#last
    if (!last) return []
    const events: LiveEvent[] = this.#overflown
      ? [{ type: 'resync', data: { reason: 'the connection is too slow for this many events' } }]
      : [...this.#others.values(), ...this.#readings()]
    return events.map((event, i) => {
      const isLast = i === events.length - 1
      return new Entry(event, { seq: last.seq, id: isLast ? last.id : position })
    })
  }

  #readings(): LiveEvent[] {
    const groups = new Map<string, NewestValue[]>()
    for (const newest of this.#values.values()) {
      const key = `${newest.deviceId}\n${newest.time}`
      const group = groups.get(key)
      if (group) group.push(newest)
      else groups.set(key, [newest])
    }
    return [...groups.values()].map((group) => {
      const { deviceId, time } = group[0] as NewestValue
      const values = Object.fromEntries(group.map(({ metric, value }) => [metric, value]))
      return { type: 'reading', data: { deviceId, time, values } }
    })
  }
}

function conflationKey(event: LiveEvent): string {
  switch (event.type) {
    case 'presence':
    case 'rejected':
      return `${event.type} ${event.data.deviceId}`
    case 'command':
      return `command ${event.data.id}`
    default:
      return event.type
  }
}
