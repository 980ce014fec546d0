import type { LiveEvent } from '../contract/index.ts'
import type { DeviceSelection } from '../devices/ids.ts'
import { concerns, Entry } from './events.ts'
import { Numbering } from './numbering.ts'
import { Ring } from './ring.ts'

/** Where a reader continues: entries it missed since the event `after`, or why it cannot. */
export type Replay = { after: string; entries: Iterable<Entry> } | { resync: string }

/** Gives every event its number, keeps the newest, and knows what somebody missed. */
export class Past {
  readonly #numbers = new Numbering()
  readonly #ring = new Ring()

  get newest(): number {
    return this.#numbers.newest
  }

  /** The id of the newest event. */
  get position(): string {
    return this.#numbers.id(this.newest)
  }

  /** The next event. */
  keep(event: LiveEvent): Entry {
    const seq = this.#numbers.next()
    const entry = this.at(event, seq)
    this.#ring.push(entry)
    return entry
  }

  /** An event of one stream only, which takes no number: it says where the stream is. */
  at(event: LiveEvent, seq = this.newest): Entry {
    return new Entry(event, { seq, id: this.#numbers.id(seq) })
  }

  /** An entry that no reader gets: it separates what came before a device was watched from what came after. */
  mark(): number {
    return this.keep({ type: 'ping', data: { serverTime: 0 } }).seq
  }

  /** What `selection` missed after the event `id`, up to `until`. Its devices are watched since `unbrokenSince`. */
  replay(
    selection: DeviceSelection,
    id: string,
    { unbrokenSince, until = this.newest }: { unbrokenSince: number; until?: number },
  ): Replay {
    const after = this.#numbers.parse(id)
    if (after === undefined) return { resync: 'the event id is not of this server’s life' }
    if (unbrokenSince > after) return { resync: 'a device was not watched meanwhile' }
    if (after < this.newest && !this.#ring.at(after + 1)) return { resync: 'the event id is too old' }
    // Written anew: what a client sent never goes into a stream.
    return { after: this.#numbers.id(after), entries: this.#missed(selection, after, until) }
  }

  /** Read from the ring as it is taken: a reader that takes its time finds the rest gone, and is told so. */
  *#missed(selection: DeviceSelection, after: number, until: number): Generator<Entry> {
    for (let seq = after + 1; seq <= until; seq++) {
      const entry = this.#ring.at(seq)
      if (!entry) {
        yield this.at(
          { type: 'resync', data: { reason: 'the connection is too slow for what it missed' } },
          until,
        )
        return
      }
      if (concerns(selection, entry.event)) yield entry
    }
  }
}
