import { randomBytes } from 'node:crypto'
import type { DeviceSelection } from '../devices/ids.ts'
import type { Entry } from './events.ts'
import { liveLimits } from './limits.ts'
import { ReaderQueue } from './queue.ts'
import type { Room } from './room.ts'

/** Where frames go; the hub does not care whether it is a socket. */
export interface ReaderSink {
  /** False: enough for now, call `drained` when there is room again. */
  write: (bytes: Buffer) => boolean
  /** How much of what was written waits to be taken; without it only `drained` is progress. */
  unsentBytes?: () => number
  /** The last words before an orderly end. */
  end: (goodbye: string) => void
  /** The other side takes nothing: drop the connection. */
  destroy: () => void
}

/** Frames joined for one reader, by their first entry: other readers of the same devices get the same bytes. */
export type JoinedFrames = Map<Entry, { channel: string; last: Entry; count: number; bytes: Buffer }>

/** One stream: its queue, and how far its client has come. */
export class Reader {
  /** Names the stream; who knows it and is who opened it may change what it carries. */
  readonly id = randomBytes(16).toString('base64url')
  readonly #queue: ReaderQueue
  readonly #sink: ReaderSink
  #selection: DeviceSelection
  /** Readers of the same devices share joined frames. */
  #channel: string
  /** Id of the last event written. */
  #position = ''
  #state: 'starting' | 'flowing' | 'blocked' | 'closed' = 'starting'
  #unsentBytes = 0
  #progressAt = 0
  #pingedAt = performance.now()

  constructor(selection: DeviceSelection, sink: ReaderSink, room: Room) {
    this.#selection = selection
    this.#channel = channelOf(selection)
    this.#sink = sink
    this.#queue = new ReaderQueue(room)
  }

  get selection(): DeviceSelection {
    return this.#selection
  }

  /** From now on it is a reader of these devices. */
  carry(selection: DeviceSelection): void {
    this.#selection = selection
    this.#channel = channelOf(selection)
  }

  get isClosed(): boolean {
    return this.#state === 'closed'
  }

  /** A burst within one turn of the loop must not look like a slow reader: full pieces go out at once. */
  push(entry: Entry, joined?: JoinedFrames): void {
    if (this.isClosed) return
    this.#queue.push(entry)
    if (this.#state === 'flowing' && this.#queue.isReady) this.flush(joined)
  }

  /** `first` comes before everything that waits already. */
  open(first: Iterator<Entry>): void {
    if (this.#state !== 'starting') return
    this.#state = 'flowing'
    this.#queue.replay(first)
    this.flush()
  }

  /** Writes what waits until the sink has enough. `joined` holds frames joined for other readers of this round. */
  flush(joined: JoinedFrames = new Map()): void {
    while (this.#state === 'flowing' && !this.#queue.isEmpty) {
      const entries = this.#queue.take(this.#position)
      const first = entries[0]
      const last = entries.at(-1)
      if (!first || !last) return
      const bytes = entries.length === 1 ? first.frame : this.#join(entries, joined)
      this.#position = last.id
      this.#write(bytes)
    }
  }

  drained(): void {
    if (this.#state !== 'blocked') return
    this.#state = 'flowing'
    this.flush()
  }

  ping(entry: Entry): void {
    this.#pingedAt = performance.now()
    if (this.#state !== 'flowing') return
    this.#position = entry.id
    this.#write(entry.frame)
  }

  wantsPing(now: number): boolean {
    return this.#state === 'flowing' && now - this.#pingedAt >= liveLimits.pingMs
  }

  get hasWaiting(): boolean {
    return !this.#queue.isEmpty
  }

  /** With nothing waiting, the reader has seen everything up to `hubPosition` that concerns it. */
  positionAt(hubPosition: string): string {
    return this.#queue.isEmpty ? hubPosition : this.#position
  }

  /** Asked again and again: slow is not stalled, what it has taken since counts. */
  hasStalled(now: number): boolean {
    if (this.#state !== 'blocked') return false
    const unsentBytes = this.#sink.unsentBytes?.() ?? 0
    if (unsentBytes !== this.#unsentBytes) this.#progressAt = now
    this.#unsentBytes = unsentBytes
    return now - this.#progressAt > liveLimits.stallMs
  }

  sayGoodbye(): void {
    const comeBackMs = 1_000 + Math.floor(Math.random() * 4_000)
    if (!this.isClosed) this.#sink.end(`retry: ${comeBackMs}\n\n`)
  }

  abandon(): void {
    this.#sink.destroy()
  }

  close(): void {
    this.#state = 'closed'
    this.#queue.clear()
  }

  #join(entries: Entry[], joined: JoinedFrames): Buffer {
    const [first, last] = [entries[0] as Entry, entries.at(-1) as Entry]
    const known = joined.get(first)
    const isSame = known?.channel === this.#channel && known.last === last && known.count === entries.length
    if (known && isSame) return known.bytes
    const bytes = Buffer.concat(entries.map((entry) => entry.frame))
    joined.set(first, { channel: this.#channel, last, count: entries.length, bytes })
    return bytes
  }

  #write(bytes: Buffer): void {
    if (this.#sink.write(bytes)) return
    this.#state = 'blocked'
    this.#progressAt = performance.now()
    this.#unsentBytes = this.#sink.unsentBytes?.() ?? 0
  }
}

function channelOf({ all, ids }: DeviceSelection): string {
  return `${all ? '*' : ''} ${ids.join(' ')}`
}
