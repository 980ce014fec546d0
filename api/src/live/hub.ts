import { randomBytes } from 'node:crypto'
import type { Command, LiveEvent } from '../contract/index.ts'
import type { DeviceSelection } from '../devices/ids.ts'
import { CommandOrder } from './command-order.ts'
import { deviceOf, Entry, type HubEvent, isFleetEvent, type StreamEvent } from './events.ts'
import { liveLimits } from './limits.ts'
import { type JoinedFrames, Reader, type ReaderSink } from './reader.ts'
import { Ring } from './ring.ts'
import { Watches } from './watches.ts'

/** Where a reader continues: entries it missed since the event `after`, or why it cannot. */
export type Replay = { after: string; entries: Entry[] } | { resync: string }

/** What the hub needs of the link. */
export interface DeviceSource {
  watch: (deviceId: string) => Promise<void>
  unwatch: (deviceId: string) => void
}

/**
 * Live events to many readers. Knows no HTTP and no MQTT. Ids are `<epoch>-<seq>`: the epoch is new with every
 * process, so an id of another life is recognised instead of pointing somewhere.
 */
export class Hub {
  readonly #epoch = randomBytes(5).toString('hex')
  readonly #ring = new Ring()
  readonly #readers = new Set<Reader>()
  readonly #byDevice = new Map<string, Set<Reader>>()
  readonly #fleet = new Set<Reader>()
  readonly #dirty = new Set<Reader>()
  readonly #commandOrder = new CommandOrder()
  readonly #commandListeners = new Set<CommandListener>()
  readonly #waiters = new Set<{ selection: DeviceSelection; onEvent: () => void }>()
  readonly #watches: Watches
  #seq = 0
  #ticker: NodeJS.Timeout | undefined

  constructor(source: DeviceSource) {
    this.#watches = new Watches(source, () => this.#mark())
  }

  get readerCount(): number {
    return this.#readers.size
  }

  get position(): string {
    return this.#id(this.#seq)
  }

  /** To everybody whom it concerns, and into the ring. */
  publish(event: HubEvent): void {
    if (event.type === 'command') return this.publishCommand(event.data)
    this.#send(event)
  }

  /** A command's row after a transition. An older row than one already sent is left out: status never steps back. */
  publishCommand(command: Command): void {
    if (!this.#commandOrder.isForward(command)) return
    this.#send({ type: 'command', data: command })
    for (const listener of this.#commandListeners) listener.onCommand(command)
  }

  /** To fleet readers, now only: yesterday's totals are of no use, so they take no place in the ring. */
  publishTotals(data: Extract<LiveEvent, { type: 'totals' }>['data']): void {
    if (this.#fleet.size === 0) return
    const entry = new Entry({ type: 'totals', data }, { seq: this.#seq, id: this.position })
    for (const reader of this.#fleet) this.#queue(reader, entry)
  }

  /** Something may have been missed: everybody refetches. Stays in the ring, so that a replay passes it too. */
  resync(reason: string): void {
    this.#send({ type: 'resync', data: { reason } })
    for (const listener of this.#commandListeners) listener.onGap()
  }

  listenCommands(listener: CommandListener): () => void {
    this.#commandListeners.add(listener)
    return () => this.#commandListeners.delete(listener)
  }

  /**
   * Registers a reader, whose events wait in its queue until `open`.
   * @throws ProblemError too_many_streams
   */
  register(selection: DeviceSelection, sink: ReaderSink): Reader {
    const reader = new Reader(selection, sink)
    this.#watches.hold(selection.ids)
    this.#readers.add(reader)
    if (selection.all) this.#fleet.add(reader)
    for (const id of selection.ids) {
      const readers = this.#byDevice.get(id)
      if (readers) readers.add(reader)
      else this.#byDevice.set(id, new Set([reader]))
    }
    return reader
  }

  /**
   * Starts a registered reader: waits for the subscriptions of its devices, and only then says `hello`, so that a
   * snapshot fetched after it misses nothing. Then comes what was missed since `lastEventId`, or `resync`.
   */
  async open(reader: Reader, lastEventId: string | undefined): Promise<void> {
    const { selection } = reader
    const registeredAt = this.#seq
    const isWatched = await this.#watches.ready(selection.ids)
    if (reader.isClosed) return
    if (!isWatched) void this.#watches.allReady(selection.ids).then(() => this.#resyncOne(reader))
    // Nothing waits: it has seen all up to now. Otherwise a client lost right after hello must get what waits again.
    const here = reader.hasWaiting ? registeredAt : this.#seq
    const replay: Replay =
      lastEventId === undefined
        ? { after: this.#id(here), entries: [] }
        : this.replay(selection, lastEventId, registeredAt)
    const hello = { stream: this.#epoch, serverTime: Date.now() }
    const helloId = 'entries' in replay ? replay.after : this.#id(here)
    const first = [this.#streamEntry({ type: 'hello', data: hello }, helloId)]
    if ('entries' in replay) first.push(...replay.entries)
    else first.push(new Entry({ type: 'resync', data: { reason: replay.resync } }, this.#at(here)))
    reader.open(first)
  }

  detach(reader: Reader): void {
    if (!this.#readers.delete(reader)) return
    reader.close()
    this.#fleet.delete(reader)
    this.#dirty.delete(reader)
    for (const id of reader.selection.ids) {
      const readers = this.#byDevice.get(id)
      readers?.delete(reader)
      if (readers?.size === 0) this.#byDevice.delete(id)
    }
    this.#watches.release(reader.selection.ids)
  }

  /** What `selection` missed after the event `id`, up to `until`. */
  replay(selection: DeviceSelection, id: string, until = this.#seq): Replay {
    const seq = this.#parseId(id)
    if (seq === undefined) return { resync: 'the event id is not of this server’s life' }
    if (this.#watches.unbrokenSince(selection.ids) > seq)
      return { resync: 'a device was not watched meanwhile' }
    const entries = this.#ring.after(seq)
    if (!entries) return { resync: 'the event id is too old' }
    const missed = entries.filter((entry) => entry.seq <= until && concerns(selection, entry.event))
    // Written anew: what a client sent never goes into a stream.
    return { after: this.#id(seq), entries: missed }
  }

  /** Holds devices for one long poll; release them with `unhold`. */
  async hold(selection: DeviceSelection): Promise<void> {
    this.#watches.hold(selection.ids)
    await this.#watches.ready(selection.ids)
  }

  unhold(selection: DeviceSelection): void {
    this.#watches.release(selection.ids)
  }

  /** Calls `onEvent` once, at the next event of the ring that concerns `selection` or when the hub stops. */
  onNext(selection: DeviceSelection, onEvent: () => void): () => void {
    const waiter = { selection, onEvent }
    this.#waiters.add(waiter)
    return () => this.#waiters.delete(waiter)
  }

  start(onTick: () => void): void {
    this.#ticker = setInterval(() => {
      onTick()
      this.#tick()
    }, liveLimits.tickMs)
  }

  /** Ends every stream; clients come back at different moments. */
  stop(): void {
    clearInterval(this.#ticker)
    for (const reader of [...this.#readers]) {
      reader.sayGoodbye()
      this.detach(reader)
    }
    this.#wake(() => true)
    this.#watches.stop()
  }

  #resyncOne(reader: Reader): void {
    const event: LiveEvent = { type: 'resync', data: { reason: 'the broker answered late' } }
    if (!reader.isClosed) this.#queue(reader, new Entry(event, this.#at(this.#seq)))
  }

  #send(event: HubEvent): void {
    this.#seq++
    const entry = new Entry(event, this.#at(this.#seq))
    this.#ring.push(entry)
    for (const reader of this.#readersOf(event)) this.#queue(reader, entry)
    this.#wake((waiter) => concerns(waiter.selection, event))
  }

  #wake(isMeant: (waiter: { selection: DeviceSelection }) => boolean): void {
    for (const waiter of this.#waiters) {
      if (!isMeant(waiter)) continue
      this.#waiters.delete(waiter)
      waiter.onEvent()
    }
  }

  #readersOf(event: HubEvent): Iterable<Reader> {
    const deviceId = deviceOf(event)
    if (deviceId === undefined) return this.#readers
    const readers = this.#byDevice.get(deviceId)
    if (!isFleetEvent(event) || this.#fleet.size === 0) return readers ?? []
    return readers ? new Set([...readers, ...this.#fleet]) : this.#fleet
  }

  #queue(reader: Reader, entry: Entry): void {
    reader.push(entry)
    this.#queueFlush(reader)
  }

  /** All events of one turn of the loop go to a reader in one write; readers of the same devices share its bytes. */
  #queueFlush(reader: Reader): void {
    if (this.#dirty.size === 0) setImmediate(() => this.#flush())
    this.#dirty.add(reader)
  }

  #flush(): void {
    const joined: JoinedFrames = new Map()
    const readers = [...this.#dirty]
    this.#dirty.clear()
    for (const reader of readers) reader.flush(joined)
  }

  #tick(): void {
    const now = performance.now()
    const ping: StreamEvent = { type: 'ping', data: { serverTime: Date.now() } }
    for (const reader of [...this.#readers]) {
      if (reader.hasStalled(now)) {
        reader.abandon()
        this.detach(reader)
      } else if (reader.wantsPing(now)) reader.ping(this.#streamEntry(ping, reader.positionAt(this.position)))
    }
  }

  /** An entry that no reader gets: it separates what came before a device was watched from what came after. */
  #mark(): number {
    this.#seq++
    this.#ring.push(new Entry({ type: 'ping', data: { serverTime: 0 } }, this.#at(this.#seq)))
    return this.#seq
  }

  #streamEntry(event: StreamEvent, id: string): Entry {
    return new Entry(event, { seq: this.#seq, id })
  }

  #at(seq: number): { seq: number; id: string } {
    return { seq, id: this.#id(seq) }
  }

  #id(seq: number): string {
    return `${this.#epoch}-${seq}`
  }

  #parseId(id: string): number | undefined {
    const [, epoch, digits] = /^([0-9a-f]+)-(\d{1,15})$/.exec(id) ?? []
    const seq = Number(digits)
    return epoch === this.#epoch && seq <= this.#seq ? seq : undefined
  }
}

export interface CommandListener {
  onCommand: (command: Command) => void
  /** Transitions may have been missed: read the rows. */
  onGap: () => void
}

function concerns({ all, ids }: DeviceSelection, event: LiveEvent): boolean {
  if (event.type === 'ping') return false
  const deviceId = deviceOf(event)
  return deviceId === undefined || (all && isFleetEvent(event)) || ids.includes(deviceId)
}
