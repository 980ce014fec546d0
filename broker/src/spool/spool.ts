import { readdir } from 'node:fs/promises'
import { holdFolder } from '@telltale/infra/data-dir'
import { limits } from '@telltale/infra/limits'
import type { Logger } from '@telltale/infra/log'
import { StartError } from '@telltale/infra/service'
import { roomOnDisk } from './folder.ts'
import { bodyBytesOf, HEADER_BYTES, splitIntoFrames } from './frame.ts'
import { type Gap, isEnough, kindOfFile, type Mark, type Reading, Segment } from './segment.ts'

/** full: the spool's own bound. disk_full: the disk has too little room left. failed: the disk does not do its work. */
export type RefusalReason = 'full' | 'disk_full' | 'failed'

export class SpoolRefusal extends Error {
  readonly reason: RefusalReason

  constructor(reason: RefusalReason, message: string, options?: ErrorOptions) {
    super(message, options)
    this.reason = reason
  }
}

export interface SpoolOptions {
  folder: string
  bytesMax: number
  log: Logger
}

/** Opaque: given back to `remove`. */
export interface Position extends Mark {
  segment: number
}

/** Records not removed yet, oldest first, whole frames. */
export interface Chunk {
  records: Buffer[]
  end: Position
}

interface Append {
  records: readonly Buffer[]
  bytes: number
  oldestReceivedMs: number
  resolve: () => void
  reject: (error: Error) => void
}

const START: Mark = { offset: 0, messages: 0 }

/**
 * A queue on disk: records in frames (frame.ts), frames in segments (segment.ts). How far it has been emptied is known
 * in memory only: after a crash a segment is read again from its start, and storing twice must be harmless.
 */
export class Spool {
  readonly #folder: string
  readonly #bytesMax: number
  readonly #log: Logger
  /** Oldest first. */
  readonly #segments: Segment[] = []
  /** What is removed of the first segment. */
  #head = START
  /** The last segment while it takes frames. */
  #active: Segment | undefined
  #nextNumber = 1
  #waiting: Append[] = []
  #writing: Promise<void> | undefined
  #isAppending = false
  #isFull = false
  #isClosed = false
  /** Of files kept aside, now or in a former life. */
  #asideBytes = 0
  #letGo: () => void = () => {}

  private constructor({ folder, bytesMax, log }: SpoolOptions) {
    this.#folder = folder
    this.#bytesMax = bytesMax
    this.#log = log
  }

  /** @throws StartError when the folder cannot be used or another process holds it (says who). Cuts a torn tail off. */
  static async open(options: SpoolOptions): Promise<Spool> {
    const spool = new Spool(options)
    spool.#letGo = holdFolder(options.folder, 'spool')
    try {
      await spool.#load()
    } catch (error) {
      spool.#letGo()
      if (error instanceof StartError) throw error
      const { message } = error as Error
      throw new StartError(`the spool in ${options.folder} cannot be read: ${message}`, { cause: error })
    }
    return spool
  }

  /**
   * Resolves when all of them are fsynced. Calls that come while one is under way share the next fsync.
   * @throws SpoolRefusal: then none of them may be acknowledged. Full is not for ever: ask again.
   */
  append(records: readonly Buffer[], oldestReceivedMs: number): Promise<void> {
    if (this.#isClosed) return Promise.reject(new SpoolRefusal('failed', 'the spool is closed'))
    if (records.length === 0) return Promise.resolve()
    return new Promise((resolve, reject) => {
      this.#waiting.push({ records, bytes: bodyBytesOf(records), oldestReceivedMs, resolve, reject })
      this.#writing ??= this.#writeGroups()
    })
  }

  /**
   * From the oldest on, whole frames, at least one, until they are about so many records or a frame's bytes; undefined
   * when nothing waits. The same again until it is removed.
   */
  async read(recordsMax: number): Promise<Chunk | undefined> {
    const reading: Reading = { records: [], bytes: 0, recordsMax }
    let end: Position | undefined
    for (const [i, segment] of [...this.#segments].entries()) {
      const from = i === 0 ? this.#head : START
      // Emptied, it may be deleted at any moment.
      if (from.offset >= segment.readableEnd) continue
      const gaps = segment.gaps.length
      const mark = await segment.read(from, reading)
      for (const gap of segment.gaps.slice(gaps)) this.#reportDamage(segment, gap)
      end = { segment: segment.number, ...mark }
      if (isEnough(reading)) break
    }
    if (end && reading.records.length > 0) return { records: reading.records, end }
    // Nothing that waits can be read any more.
    if (end && end.offset > 0) await this.remove(end)
    return undefined
  }

  /** All up to there is in the database. */
  async remove({ segment, offset, messages }: Position): Promise<void> {
    while (this.#segments[0] && this.#segments[0].number < segment) await this.#drop(this.#segments[0])
    if (this.#segments[0]?.number === segment && offset > this.#head.offset) this.#head = { offset, messages }
    await this.#dropEmptied()
  }

  get state() {
    const sum = (of: (segment: Segment) => number) =>
      this.#segments.reduce((total, segment) => total + of(segment), 0)
    const oldestReceivedMs = Math.min(...this.#segments.map((segment) => segment.oldestReceivedMs))
    return {
      messages: sum(({ messages }) => messages) - this.#head.messages,
      bytes: sum(({ bytes }) => bytes),
      bytesMax: this.#bytesMax,
      /** To the segment: what was received first of the oldest one that still holds something. */
      oldestReceivedMs: Number.isFinite(oldestReceivedMs) ? oldestReceivedMs : undefined,
      damagedBytes: sum(({ damagedBytes }) => damagedBytes) + this.#asideBytes,
      /** The last append found no room, and no file has been removed since. */
      isFull: this.#isFull,
    }
  }

  async close(): Promise<void> {
    this.#isClosed = true
    await this.#writing
    await this.#seal()
    this.#letGo()
  }

  async #load(): Promise<void> {
    const names = (await readdir(this.#folder)).sort()
    for (const name of names) {
      const file = kindOfFile(name)
      if (file.kind === 'unknown_version') throw this.#isNewer(name)
      if (file.kind === 'damaged') this.#asideBytes += file.damagedBytes
      if (file.kind === 'segment') this.#segments.push(new Segment(this.#folder, name))
    }
    const last = this.#segments.at(-1)
    this.#nextNumber = (last?.number ?? 0) + 1
    for (const segment of this.#segments) {
      const { tornBytes } = await segment.check({ isLast: segment === last })
      const { name } = segment
      if (tornBytes > 0) this.#log.info({ segment: name, tornBytes }, 'cut off a write that was not finished')
      for (const gap of segment.gaps) this.#reportDamage(segment, gap)
    }
    // Damaged as a whole, or made and never written.
    for (const segment of [...this.#segments]) if (segment.readableEnd === 0) await this.#drop(segment)
  }

  #isNewer(name: string): StartError {
    const sentence = `the spool in ${this.#folder} was written by a newer Telltale (${name})`
    return new StartError(`${sentence}; start that one until the spool is empty`)
  }

  async #writeGroups(): Promise<void> {
    // What else comes in this tick belongs to the first group.
    await new Promise(setImmediate)
    while (this.#waiting.length > 0) {
      const group = this.#takeGroup()
      this.#isAppending = true
      const refusal = await this.#writeGroup(group).then(
        () => undefined,
        (error) => refusalOf(error),
      )
      this.#isAppending = false
      this.#isFull = refusal ? refusal.reason !== 'failed' : false
      for (const { resolve, reject } of group) refusal ? reject(refusal) : resolve()
      await this.#dropEmptied()
    }
    this.#writing = undefined
  }

  /** As many of those that wait as a frame and the bound take; the first one in any case. */
  #takeGroup(): Append[] {
    const room = this.#bytesMax - this.state.bytes - HEADER_BYTES
    const bytesMax = Math.min(limits.spool.frameBytesMax, room)
    let count = 0
    for (let bytes = 0; count < this.#waiting.length; count++) {
      bytes += this.#waiting[count]?.bytes ?? 0
      if (count > 0 && bytes > bytesMax) break
    }
    return this.#waiting.splice(0, count)
  }

  async #writeGroup(group: Append[]): Promise<void> {
    const frames = splitIntoFrames(group.flatMap(({ records }) => records))
    const bytes = frames.reduce((total, records) => total + HEADER_BYTES + bodyBytesOf(records), 0)
    const { state } = this
    if (state.bytes + bytes > this.#bytesMax)
      throw new SpoolRefusal('full', `the spool holds ${state.bytes} of ${this.#bytesMax} bytes`)
    if (bytes > (await roomOnDisk(this.#folder)))
      throw new SpoolRefusal('disk_full', `the disk of the spool, ${this.#folder}, has too little room left`)
    const oldestReceivedMs = Math.min(...group.map((append) => append.oldestReceivedMs))
    for (const records of frames) await this.#writeFrame(records, oldestReceivedMs)
  }

  async #writeFrame(records: readonly Buffer[], oldestReceivedMs: number): Promise<void> {
    const bytes = HEADER_BYTES + bodyBytesOf(records)
    if (this.#active && this.#active.bytes + bytes > limits.spool.segmentBytes) await this.#seal()
    this.#active ??= await this.#begin()
    try {
      await this.#active.append(records, oldestReceivedMs)
    } catch (error) {
      // Whatever comes next is written to another file: see Segment.seal.
      await this.#seal()
      throw error
    }
  }

  async #begin(): Promise<Segment> {
    const segment = await Segment.create(this.#folder, this.#nextNumber++)
    this.#segments.push(segment)
    return segment
  }

  async #seal(): Promise<void> {
    const active = this.#active
    this.#active = undefined
    // What cannot be cut off is found and set aside at the next start.
    await active?.seal().catch((err) => this.#log.warn({ err, segment: active.name }, 'sealing failed'))
    if (active?.bytes === 0) await this.#drop(active)
  }

  /** From the oldest on; never the one that is being written. */
  async #dropEmptied(): Promise<void> {
    for (let first = this.#segments[0]; first; first = this.#segments[0]) {
      if (this.#head.offset < first.readableEnd) return
      if (first === this.#active && this.#isAppending) return
      await this.#drop(first)
    }
  }

  async #drop(segment: Segment): Promise<void> {
    if (segment === this.#segments[0]) this.#head = START
    if (segment === this.#active) this.#active = undefined
    this.#segments.splice(this.#segments.indexOf(segment), 1)
    this.#asideBytes += segment.damagedBytes
    try {
      await segment.discard()
      this.#isFull = false
    } catch (err) {
      // It is stored again after the next start, which harms nobody.
      this.#log.warn({ err, segment: segment.name }, 'a segment of the spool cannot be removed')
    }
  }

  #reportDamage(segment: Segment, { start, end }: Gap): void {
    this.#log.error(
      { segment: segment.name, start, damagedBytes: end - start },
      'a part of the spool cannot be read; its file is kept as *.damaged when all the rest of it is stored',
    )
  }
}

function refusalOf(error: unknown): SpoolRefusal {
  if (error instanceof SpoolRefusal) return error
  const { code, message } = error as NodeJS.ErrnoException
  const reason = code === 'ENOSPC' || code === 'EDQUOT' ? 'disk_full' : 'failed'
  return new SpoolRefusal(reason, `writing to the spool failed: ${message}`, { cause: error })
}
