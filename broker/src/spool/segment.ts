import { randomBytes } from 'node:crypto'
import { type FileHandle, open, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { syncFolder } from '@telltale/infra/data-dir'
import { limits } from '@telltale/infra/limits'
import { isShortage } from './disk-errors.ts'
import { type Body, encodeFrame, HEADER_BYTES, MARKER_BYTES, recordsOf } from './frame.ts'
import { type Found, FrameReader } from './frame-reader.ts'

/** The version of the format is in the name, where no flipped bit of the content can change it. */
const FORMAT_VERSION = 1
const namePattern = /^(\d{10})-([0-9a-f]{16})\.v(\d+)$/
const damagedPattern = /-(\d+)\.damaged$/

/** How far a segment has been read: everything before is known to the reader. */
export interface Mark {
  offset: number
  messages: number
}

export interface Gap {
  start: number
  end: number
}

/** What reading adds up; see isEnough. */
export interface Reading {
  records: Buffer[]
  /** Inflated. */
  bytes: number
  recordsMax: number
}

/** One file of frames. It is written by the process that made it; one of a former life is only read and deleted. */
export class Segment {
  readonly name: string
  readonly number: number
  /** Of the file, as far as it is synced. */
  bytes = 0
  /** Where the last readable frame ends. */
  readableEnd = 0
  messages = 0
  oldestReceivedMs = Number.POSITIVE_INFINITY
  gaps: Gap[] = []
  /** The last attempt to read it failed. */
  isSuspect = false
  readonly #folder: string
  readonly #marker: Buffer
  #handle: FileHandle | undefined

  constructor(folder: string, name: string) {
    const [, number, marker] = namePattern.exec(name) ?? []
    this.#folder = folder
    this.name = name
    this.number = Number(number)
    this.#marker = Buffer.from(marker ?? '', 'hex')
  }

  static async create(folder: string, number: number): Promise<Segment> {
    const marker = randomBytes(MARKER_BYTES).toString('hex')
    const segment = new Segment(folder, `${String(number).padStart(10, '0')}-${marker}.v${FORMAT_VERSION}`)
    segment.#handle = await open(segment.#path, 'wx', 0o600)
    try {
      await syncFolder(folder)
    } catch (error) {
      await segment.discard()
      throw error
    }
    return segment
  }

  /** Resolves when the frame is synced. After a failure nothing may be appended any more: seal it. */
  async append(body: Body, oldestReceivedMs: number): Promise<void> {
    if (!this.#handle) throw new Error(`segment ${this.name} is sealed`)
    const frame = encodeFrame(this.#marker, body, oldestReceivedMs)
    for (let written = 0; written < frame.length; ) {
      const at = this.bytes + written
      written += (await this.#handle.write(frame, written, frame.length - written, at)).bytesWritten
    }
    await this.#handle.datasync()
    this.#count(body.records, oldestReceivedMs)
    this.bytes += frame.length
    this.readableEnd = this.bytes
  }

  /**
   * No frame follows. Cuts off what a failed append left: after a failed fsync the system may say that a page is
   * written when it is not, so nothing that is written to this file later could be trusted.
   */
  async seal(): Promise<void> {
    const handle = this.#handle
    this.#handle = undefined
    if (!handle) return
    try {
      if ((await handle.stat()).size === this.bytes) return
      await handle.truncate(this.bytes)
      await handle.datasync()
    } finally {
      await handle.close()
    }
  }

  /** Reads it whole and checks it. What a torn write left at the end of the last segment is cut off. */
  async check({ isLast }: { isLast: boolean }): Promise<{ tornBytes: number }> {
    const handle = await open(this.#path, 'r+')
    try {
      this.bytes = (await handle.stat()).size
      const reader = new FrameReader(handle, { marker: this.#marker, start: 0, end: this.bytes })
      for (let found = await reader.next(); found; found = await reader.next()) {
        if (found.kind === 'gap') this.gaps.push({ start: found.start, end: found.end })
        else {
          this.#count(found.header.records, found.header.oldestReceivedMs)
          this.readableEnd = found.end
        }
      }
      const tornBytes = isLast ? this.bytes - this.readableEnd : 0
      // Only one frame is ever written and not yet synced, so more than one is damage.
      if (tornBytes === 0 || tornBytes > HEADER_BYTES + limits.spool.frameBytesMax) return { tornBytes: 0 }
      await handle.truncate(this.readableEnd)
      await handle.datasync()
      this.bytes = this.readableEnd
      this.gaps.pop()
      return { tornBytes }
    } finally {
      await handle.close()
    }
  }

  /**
   * Whole frames from the mark on until there are enough; moves the mark behind each. Gaps that nobody has seen yet are
   * added to `gaps`.
   */
  async read(mark: Mark, reading: Reading): Promise<void> {
    const handle = await open(this.#path, 'r')
    try {
      const range = { marker: this.#marker, start: mark.offset, end: this.readableEnd }
      const reader = new FrameReader(handle, range)
      while (!isEnough(reading)) {
        const found = await reader.next()
        if (!found) break
        const records = await inflatedRecordsOf(found)
        mark.offset = found.end
        if (found.kind === 'gap' || !records) this.#lose(found)
        else {
          mark.messages += found.header.records
          reading.bytes += found.header.rawBytes
          for (const record of records) reading.records.push(record)
        }
      }
    } finally {
      await handle.close()
    }
  }

  /** Deleted; or kept aside when a part of it could not be read. */
  async discard(): Promise<void> {
    await this.#handle?.close()
    this.#handle = undefined
    if (this.damagedBytes === 0) await rm(this.#path, { force: true })
    else await rename(this.#path, this.#asidePath).catch(unlessMissing)
    await syncFolder(this.#folder)
  }

  /** Kept aside: what begins there cannot be read. */
  async setAside(offset: number): Promise<void> {
    const { gaps } = this
    this.gaps = [...gaps.filter(({ end }) => end <= offset), { start: offset, end: this.bytes }]
    try {
      await this.discard()
    } catch (error) {
      this.gaps = gaps
      throw error
    }
  }

  get damagedBytes(): number {
    return this.gaps.reduce((bytes, { start, end }) => bytes + end - start, 0)
  }

  get #path(): string {
    return join(this.#folder, this.name)
  }

  get #asidePath(): string {
    return join(this.#folder, `${this.name}-${this.damagedBytes}.damaged`)
  }

  #count(messages: number, oldestReceivedMs: number): void {
    this.messages += messages
    this.oldestReceivedMs = Math.min(this.oldestReceivedMs, oldestReceivedMs)
  }

  #lose({ start, end }: Gap): void {
    if (!this.gaps.some((gap) => gap.start <= start && end <= gap.end)) this.gaps.push({ start, end })
  }
}

/** Undefined when they cannot be had; an undamaged frame that does not inflate was not written by `append`. */
async function inflatedRecordsOf(found: Found): Promise<Buffer[] | undefined> {
  if (found.kind === 'gap') return undefined
  return recordsOf(found.bytes, found.header).catch((error) => {
    if (isShortage(error)) throw error
    return undefined
  })
}

/** Somebody took the file away: nothing is left to keep. */
function unlessMissing(error: NodeJS.ErrnoException): void {
  if (error.code !== 'ENOENT') throw error
}

export function isEnough({ records, bytes, recordsMax }: Reading): boolean {
  return records.length >= recordsMax || bytes >= limits.spool.frameBytesMax
}

export type FileKind =
  | { kind: 'segment' }
  | { kind: 'unknown_version'; version: number }
  | { kind: 'damaged'; damagedBytes: number }
  | { kind: 'other' }

export function kindOfFile(name: string): FileKind {
  const [, , , version] = namePattern.exec(name) ?? []
  if (Number(version) === FORMAT_VERSION) return { kind: 'segment' }
  if (version) return { kind: 'unknown_version', version: Number(version) }
  const [, damagedBytes] = damagedPattern.exec(name) ?? []
  return damagedBytes ? { kind: 'damaged', damagedBytes: Number(damagedBytes) } : { kind: 'other' }
}
