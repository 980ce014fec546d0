import type { Value } from '@telltale/broker/contract'
import type { LiveEvent } from '../contract/index.ts'
import { Entry, type ReadingEvent } from './events.ts'
import { liveLimits } from './limits.ts'
import type { Room } from './room.ts'

interface NewestValue {
  deviceId: string
  metric: string
  time: number
  value: Value
}

/** The newest of everything, by key: what a reader gets that cannot take every event. */
export class Conflation {
  readonly #room: Room
  readonly #values = new Map<string, NewestValue>()
  readonly #others = new Map<string, LiveEvent>()
  #last: Entry | undefined
  #overflown = false
  #bytes = 0

  constructor(room: Room) {
    this.#room = room
  }

  add(entry: Entry): void {
    this.#last = entry
    if (this.#overflown) return
    if (entry.event.type === 'reading') this.#addReading(entry.event)
    else this.#addOther(entry.event)
  }

  /** The events, each with the id `position` but the last one, which has its own. Takes no room any more. */
  release(position: string): Entry[] {
    const last = this.#last
    const events: LiveEvent[] = this.#overflown
      ? [{ type: 'resync', data: { reason: 'the connection is too slow for this many events' } }]
      : [...this.#others.values(), ...this.#readings()]
    this.clear()
    if (!last) return []
    return events.map((event, i) => {
      const isLast = i === events.length - 1
      return new Entry(event, { seq: last.seq, id: isLast ? last.id : position })
    })
  }

  clear(): void {
    this.#values.clear()
    this.#others.clear()
    this.#room.give(this.#bytes)
    this.#bytes = 0
  }

  #addReading({ data: { deviceId, time, values } }: ReadingEvent): void {
    for (const [metric, value] of Object.entries(values)) {
      const key = `${deviceId}\n${metric}`
      const known = this.#values.get(key)
      if (known && known.time > time) continue
      if (!known && !this.#makeRoom()) return
      this.#values.set(key, { deviceId, metric, time, value })
    }
  }

  #addOther(event: LiveEvent): void {
    const key = conflationKey(event)
    // Set anew, so that the order is that of the newest of each.
    if (!this.#others.delete(key) && !this.#makeRoom()) return
    this.#others.set(key, event)
  }

  /** For one more key. False: too much even so, the reader refetches what it shows. */
  #makeRoom(): boolean {
    const keys = this.#values.size + this.#others.size
    if (keys >= liveLimits.conflatedKeysMax || !this.#room.take(liveLimits.conflatedKeyBytes)) {
      this.#overflown = true
      this.clear()
      return false
    }
    this.#bytes += liveLimits.conflatedKeyBytes
    return true
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
