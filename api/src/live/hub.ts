import type { Command, LiveEvent } from '../contract/index.ts'
import type { DeviceSelection } from '../devices/ids.ts'
import { ProblemError } from '../problems.ts'
import { Audience } from './audience.ts'
import { CommandOrder } from './command-order.ts'
import { concerns, Entry, type HubEvent } from './events.ts'
import { liveLimits } from './limits.ts'
import { Past, type Replay } from './past.ts'
import { type JoinedFrames, Reader, type ReaderSink } from './reader.ts'
import { Room } from './room.ts'
import { Waiters } from './waiters.ts'
import { Watches } from './watches.ts'

export type Totals = Extract<LiveEvent, { type: 'totals' }>['data']

/** What the hub needs of the link. */
export interface DeviceSource {
  /** Calls `onReady` once, when no message of the device is missed any more. */
  watch: (deviceId: string, onReady: () => void) => void
  unwatch: (deviceId: string) => void
}

export interface CommandListener {
  onCommand: (command: Command) => void
  /** Transitions may have been missed: read the rows. */
  onGap: () => void
}

/**
 * Live events to many readers. Knows no HTTP and no MQTT. An event gets a number, a place in the ring, and then waits
 * in the queue of each reader it concerns (audience.ts says whom) until the end of this turn of the loop.
 */
export class Hub {
  readonly #past = new Past()
  readonly #room = new Room()
  readonly #audience = new Audience()
  readonly #dirty = new Set<Reader>()
  /** Of this turn of the loop. */
  readonly #joined: JoinedFrames = new Map()
  readonly #commandOrder = new CommandOrder()
  readonly #commandListeners = new Set<CommandListener>()
  readonly #waiters = new Waiters()
  readonly #watches: Watches
  /** Who waits for the broker to confirm its devices; a change meanwhile waits with it. */
  readonly #settling = new Map<Reader, Promise<void>>()
  /** Who is told when the broker answers late: what takes that back. */
  readonly #late = new Map<Reader, () => void>()
  #totals: Totals | undefined
  #ticker: NodeJS.Timeout | undefined
  #isStopped = false

  constructor(source: DeviceSource) {
    this.#watches = new Watches(source, () => this.#past.mark())
  }

  get readerCount(): number {
    return this.#audience.size
  }

  /** What waits for slow readers, all together. */
  get waitingBytes(): number {
    return this.#room.bytes
  }

  get position(): string {
    return this.#past.position
  }

  /** The newest, for those who ask; undefined before the first. */
  get totals(): Totals | undefined {
    return this.#totals
  }

  /** To everybody whom it concerns, and into the ring. */
  publish(event: Exclude<HubEvent, { type: 'command' }>): void {
    this.#send(event)
  }

  /** A command's row after a transition. An older row than one already sent is left out: status never steps back. */
  publishCommand(command: Command): void {
    if (!this.#commandOrder.isForward(command)) return
    this.#send({ type: 'command', data: command })
    for (const listener of this.#commandListeners) listener.onCommand(command)
  }

  /** To fleet readers, now only: yesterday's totals are of no use, so they take no place in the ring. */
  publishTotals(data: Totals): void {
    this.#totals = data
    const entry = this.#past.at({ type: 'totals', data })
    for (const reader of this.#audience.fleet()) this.#queue(reader, entry)
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
    this.#watches.hold(selection.ids)
    const reader = new Reader(selection, sink, this.#room)
    this.#audience.add(reader)
    return reader
  }

  /**
   * Starts a registered reader: waits for the subscriptions of its devices, and only then says `hello`, so that a
   * snapshot fetched after it misses nothing. Then comes what was missed since `lastEventId`, or `resync`.
   */
  async open(reader: Reader, lastEventId: string | undefined): Promise<void> {
    const { selection } = reader
    if (this.#isStopped) return this.#dismiss(reader)
    const registeredAt = this.#past.newest
    await this.#watched(reader)
    if (reader.isClosed) return
    // Nothing waits: it has seen all up to now. Otherwise a client lost right after hello must get what waits again.
    const here = reader.hasWaiting ? registeredAt : this.#past.newest
    const replay = lastEventId === undefined ? undefined : this.replay(selection, lastEventId, registeredAt)
    reader.open(this.#first(reader, { replay, here }))
  }

  /**
   * Changes what an open reader carries, at once: a device in both lists goes on without a gap or a double. Resolves
   * when the subscriptions are confirmed. A `ping` then brings the position to the stream, so that its client can
   * resume from there: an earlier id is older than the new watch.
   * @throws ProblemError stream_not_found, too_many_streams
   */
  async change(reader: Reader, selection: DeviceSelection): Promise<void> {
    if (reader.isClosed) throw new ProblemError('stream_not_found')
    const before = reader.selection
    this.#watches.hold(selection.ids)
    this.#audience.change(reader, selection)
    this.#watches.release(before.ids)
    await this.#watched(reader)
    if (reader.isClosed) throw new ProblemError('stream_not_found')
    this.#queue(reader, this.#past.at(ping()))
  }

  detach(reader: Reader): void {
    if (!this.#audience.remove(reader)) return
    reader.close()
    this.#dirty.delete(reader)
    this.#forgetLate(reader)
    this.#watches.release(reader.selection.ids)
  }

  /** What `selection` missed after the event `id`, up to `until`. */
  replay(selection: DeviceSelection, id: string, until?: number): Replay {
    const unbrokenSince = this.#watches.unbrokenSince(selection.ids)
    return this.#past.replay(selection, id, { unbrokenSince, ...(until !== undefined && { until }) })
  }

  /** Holds devices for one long poll; release them with `unhold`. */
  async hold(selection: DeviceSelection): Promise<void> {
    this.#watches.hold(selection.ids)
    if (!this.#isStopped) await this.#watches.ready(selection.ids)
  }

  unhold(selection: DeviceSelection): void {
    this.#watches.release(selection.ids)
  }

  /** At the next event that concerns `selection`, when the broker answers late, or when the hub stops. */
  onNext(selection: DeviceSelection, onEvent: () => void): () => void {
    // Whoever was being let in when it stopped.
    if (this.#isStopped) setImmediate(onEvent)
    const forgetEvent = this.#waiters.add(selection, onEvent)
    if (this.#watches.areReady(selection.ids)) return forgetEvent
    const forgetReady = this.#watches.whenReady(selection.ids, onEvent)
    return () => {
      forgetEvent()
      forgetReady()
    }
  }

  start(onTick: () => void): void {
    this.#ticker = setInterval(() => {
      onTick()
      this.#tick()
    }, liveLimits.tickMs)
  }

  /** Ends every stream; clients come back at different moments. */
  stop(): void {
    this.#isStopped = true
    clearInterval(this.#ticker)
    for (const reader of this.#audience.all()) this.#dismiss(reader)
    this.#waiters.wake(() => true)
    this.#watches.stop()
  }

  #dismiss(reader: Reader): void {
    reader.sayGoodbye()
    this.detach(reader)
  }

  /** When the broker has confirmed its devices. One that answers too late is waited for no longer: `resync` follows. */
  #watched(reader: Reader): Promise<void> {
    const known = this.#settling.get(reader)
    if (known) return known
    const settling = this.#settle(reader).finally(() => this.#settling.delete(reader))
    this.#settling.set(reader, settling)
    return settling
  }

  async #settle(reader: Reader): Promise<void> {
    let { selection } = reader
    let isReady = await this.#watches.ready(selection.ids)
    // Changed meanwhile: what it carries now counts.
    while (reader.selection !== selection && !reader.isClosed) {
      selection = reader.selection
      isReady = await this.#watches.ready(selection.ids)
    }
    this.#forgetLate(reader)
    if (isReady || reader.isClosed) return
    const late: LiveEvent = { type: 'resync', data: { reason: 'the broker answered late' } }
    const forget = this.#watches.whenReady(selection.ids, () => {
      this.#late.delete(reader)
      this.#queue(reader, this.#past.at(late))
    })
    this.#late.set(reader, forget)
  }

  #forgetLate(reader: Reader): void {
    this.#late.get(reader)?.()
    this.#late.delete(reader)
  }

  *#first(reader: Reader, { replay, here }: { replay: Replay | undefined; here: number }): Generator<Entry> {
    const hello: LiveEvent = { type: 'hello', data: { stream: reader.id, serverTime: Date.now() } }
    if (replay && 'entries' in replay) {
      yield new Entry(hello, { seq: here, id: replay.after })
      yield* replay.entries
      return
    }
    yield this.#past.at(hello, here)
    if (replay) yield this.#past.at({ type: 'resync', data: { reason: replay.resync } }, here)
  }

  #send(event: HubEvent): void {
    const entry = this.#past.keep(event)
    for (const reader of this.#audience.of(event)) this.#queue(reader, entry)
    this.#waiters.wake((selection) => concerns(selection, event))
  }

  /** All events of one turn of the loop go to a reader in one write; readers of the same devices share its bytes. */
  #queue(reader: Reader, entry: Entry): void {
    reader.push(entry, this.#joined)
    if (this.#dirty.size === 0) setImmediate(() => this.#flush())
    this.#dirty.add(reader)
  }

  #flush(): void {
    const readers = [...this.#dirty]
    this.#dirty.clear()
    for (const reader of readers) reader.flush(this.#joined)
    this.#joined.clear()
  }

  #tick(): void {
    const now = performance.now()
    for (const reader of this.#audience.all()) {
      if (reader.hasStalled(now)) {
        reader.abandon()
        this.detach(reader)
      } else if (reader.wantsPing(now)) {
        const at = { seq: this.#past.newest, id: reader.positionAt(this.position) }
        reader.ping(new Entry(ping(), at))
      }
    }
  }
}

function ping(): LiveEvent {
  return { type: 'ping', data: { serverTime: Date.now() } }
}
