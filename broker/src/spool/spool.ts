import { readdir } from 'node:fs/promises'
import { holdFolder } from '@telltale/infra/data-dir'
import { limits } from '@telltale/infra/limits'
import type { Logger } from '@telltale/infra/log'
import { StartError } from '@telltale/infra/service'
import { isShortage, refusalOf, SpoolRefusal } from './disk-errors.ts'
import { roomOnDisk } from './folder.ts'
import { type Body, encodeBody, HEADER_BYTES, rawBytesOf, splitIntoFrames } from './frame.ts'
import { type Append, refusalOfLong, takeGroup } from './group.ts'
import { type Gap, isEnough, kindOfFile, type Mark, type Reading, Segment } from './segment.ts'

export { SpoolRefusal }

export interface SpoolOptions {
  folder: string
  bytesMax: number
  log: Logger
}

/** Opaque: given back to `remove`. Not by number, for a file that was put back by hand may have that of another. */
export interface Position extends Mark {
  segment: Segment
}

/** Records not removed yet, oldest first, whole frames. */
export interface Chunk {
  records: Buffer[]
  end: Position
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
   * @throws SpoolRefusal: then none of them may be acknowledged. Full is not for ever: ask again. A record that is
   * longer than a frame may be is refused for ever, for it could not be read back.
   */
  append(records: readonly Buffer[], oldestReceivedMs: number): Promise<void> {
    if (this.#isClosed) return Promise.reject(new SpoolRefusal('failed', 'the spool is closed'))
    if (records.length === 0) return Promise.resolve()
    const refusal = refusalOfLong(records)
    if (refusal) return Promise.reject(refusal)
    return new Promise((resolve, reject) => {
      this.#waiting.push({ records, rawBytes: rawBytesOf(records), oldestReceivedMs, resolve, reject })
      this.#writing ??= this.#writeGroups()
    })
  }

  /**
   * From the oldest on, whole frames, at least one, until they are about so many records or a frame's bytes; undefined
   * when nothing waits. The same again until it is removed.
   * @throws when the disk does not give a file back; one that fails twice in a row is set aside, and the next one read
   */
  async read(recordsMax: number): Promise<Chunk | undefined> {
    const reading: Reading = { records: [], bytes: 0, recordsMax }
    let end: Position | undefined
    for (const [i, segment] of [...this.#segments].entries()) {
      const from = i === 0 ? this.#head : START
      // Emptied, it may be deleted at any moment.
      if (from.offset >= segment.readableEnd) continue
      const mark = { ...from }
      const error = await this.#readSegment(segment, mark, reading)
      if (mark.offset > from.offset) end = { segment, ...mark }
      // What was read before an error is worth having: it comes again.
      if (isEnough(reading) || (error && reading.records.length > 0)) break
      if (error) await this.#setAside(segment, mark, error)
    }
    if (end && reading.records.length > 0) return { records: reading.records, end }
    // Nothing that waits can be read any more.
    if (end) await this.remove(end)
    return undefined
  }

  /** All up to there is in the database. */
  async remove({ segment, offset, messages }: Position): Promise<void> {
    for (const before of this.#segments.slice(0, Math.max(0, this.#segments.indexOf(segment))))
      await this.#drop(before)
    if (this.#segments[0] === segment && offset > this.#head.offset) this.#head = { offset, messages }
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
      const group = takeGroup(this.#waiting, this.#bytesMax - this.state.bytes - HEADER_BYTES)
      this.#isAppending = true
      const refusal = await this.#writeGroup(group).then(
        () => undefined,
        (error) => refusalOf(error),
      )
      this.#isAppending = false
      for (const { resolve, reject } of group) refusal ? reject(refusal) : resolve()
      await this.#dropEmptied()
    }
    this.#writing = undefined
  }

  async #writeGroup(group: Append[]): Promise<void> {
    const bodies: Body[] = []
    for (const records of splitIntoFrames(group.flatMap(({ records }) => records)))
      bodies.push(await encodeBody(records))
    const bytes = bodies.reduce((total, body) => total + HEADER_BYTES + body.bytes.length, 0)
    const { state } = this
    if (state.bytes + bytes > this.#bytesMax)
      throw new SpoolRefusal('full', `the spool holds ${state.bytes} of ${this.#bytesMax} bytes`)
    if (bytes > (await roomOnDisk(this.#folder)))
      throw new SpoolRefusal('disk_full', `the disk of the spool, ${this.#folder}, has too little room left`)
    const oldestReceivedMs = Math.min(...group.map((append) => append.oldestReceivedMs))
    for (const body of bodies) await this.#writeFrame(body, oldestReceivedMs)
  }

  async #writeFrame(body: Body, oldestReceivedMs: number): Promise<void> {
    const bytes = HEADER_BYTES + body.bytes.length
    const active = this.#active
    if (active && (active.isSuspect || isWhole(active, bytes))) await this.#seal()
    this.#active ??= await this.#begin()
    try {
      await this.#active.append(body, oldestReceivedMs)
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
    this.#forget(segment)
    try {
      await segment.discard()
    } catch (err) {
      // It is stored again after the next start, which harms nobody.
      this.#log.warn({ err, segment: segment.name }, 'a segment of the spool cannot be removed')
    }
  }

  #forget(segment: Segment): void {
    if (segment === this.#segments[0]) this.#head = START
    if (segment === this.#active) this.#active = undefined
    this.#segments.splice(this.#segments.indexOf(segment), 1)
    this.#asideBytes += segment.damagedBytes
  }

  /** Moves the mark as far as it gets. @returns why it went no further */
  async #readSegment(segment: Segment, mark: Mark, reading: Reading): Promise<Error | undefined> {
    const gaps = segment.gaps.length
    try {
      await segment.read(mark, reading)
      segment.isSuspect = false
      return undefined
    } catch (error) {
      return error as Error
    } finally {
      for (const gap of segment.gaps.slice(gaps)) this.#reportDamage(segment, gap)
    }
  }

  /** So that what follows it does not wait. @throws the error, the first time or when it cannot be set aside */
  async #setAside(segment: Segment, { offset }: Mark, error: Error): Promise<void> {
    if (isShortage(error)) throw error
    const isAgain = segment.isSuspect
    segment.isSuspect = true
    if (segment === this.#active && !this.#isAppending) await this.#seal()
    if (!isAgain || segment === this.#active) throw error
    // A disk that cannot even rename it may do better later.
    await segment.setAside(offset).catch(() => {
      throw error
    })
    this.#forget(segment)
    const { name, damagedBytes } = segment
    const what = 'a file of the spool cannot be read; it is kept as *.damaged, and what follows it goes on'
    this.#log.error({ err: error, segment: name, start: offset, damagedBytes }, what)
  }

  #reportDamage(segment: Segment, { start, end }: Gap): void {
    this.#log.error(
      { segment: segment.name, start, damagedBytes: end - start },
      'a part of the spool cannot be read; its file is kept as *.damaged when all the rest of it is stored',
    )
  }
}

function isWhole({ bytes, messages }: Segment, moreBytes: number): boolean {
  const { segmentBytes, segmentMessagesMax } = limits.spool
  return bytes + moreBytes > segmentBytes || messages >= segmentMessagesMax
}
