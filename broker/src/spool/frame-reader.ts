import type { FileHandle } from 'node:fs/promises'
import { limits } from '@telltale/infra/limits'
import { type FrameHeader, HEADER_BYTES, isUndamaged, MARKER_BYTES, readHeader } from './frame.ts'

/** Bytes of a file in order: frames, and what lies between them and cannot be read. */
export type Found =
  | { kind: 'frame'; start: number; end: number; header: FrameHeader; bytes: Buffer }
  | { kind: 'gap'; start: number; end: number }

export interface Range {
  marker: Buffer
  start: number
  end: number
}

/** Reads a range of a segment frame by frame, through one window: memory does not grow with the file. */
export class FrameReader {
  readonly #handle: FileHandle
  readonly #marker: Buffer
  readonly #end: number
  #at: number
  /** Bytes of the file from #windowStart on. */
  #window = Buffer.allocUnsafe(limits.spool.readBytes)
  #windowStart: number
  #windowBytes = 0

  constructor(handle: FileHandle, { marker, start, end }: Range) {
    this.#handle = handle
    this.#marker = marker
    this.#at = start
    this.#windowStart = start
    this.#end = end
  }

  /** The bytes of a frame are valid until the next call. */
  async next(): Promise<Found | undefined> {
    if (this.#at >= this.#end) return undefined
    const start = this.#at
    let frame = await this.#frameAt(start)
    if (frame) {
      this.#at = frame.end
      return frame
    }
    while (!frame && this.#at < this.#end) {
      this.#at = await this.#markerFrom(this.#at + 1)
      frame = await this.#frameAt(this.#at)
    }
    return { kind: 'gap', start, end: this.#at }
  }

  async #frameAt(start: number): Promise<Found | undefined> {
    const headerBytes = await this.#bytesAt(start, HEADER_BYTES)
    const header = headerBytes && readHeader(this.#marker, headerBytes)
    // One longer than any that is written, or than the file, was not written so.
    if (!header || header.rawBytes > limits.spool.frameBytesMax || header.bodyBytes > header.rawBytes)
      return undefined
    const bytes = await this.#bytesAt(start, HEADER_BYTES + header.bodyBytes)
    if (!bytes || !isUndamaged(bytes)) return undefined
    return { kind: 'frame', start, end: start + bytes.length, header, bytes }
  }

  /** Where a frame may begin next, or the end. */
  async #markerFrom(start: number): Promise<number> {
    for (let at = start; at < this.#end; ) {
      const length = Math.min(limits.spool.readBytes, this.#end - at)
      const bytes = await this.#bytesAt(at, length)
      const found = bytes?.indexOf(this.#marker) ?? -1
      if (found >= 0) return at + found
      // The marker may begin in the last bytes of this window.
      at += Math.max(1, length - MARKER_BYTES + 1)
    }
    return this.#end
  }

  /** Undefined when the range ends before. */
  async #bytesAt(start: number, length: number): Promise<Buffer | undefined> {
    if (start + length > this.#end) return undefined
    const isThere = start >= this.#windowStart && start + length <= this.#windowStart + this.#windowBytes
    if (!isThere) await this.#fill(start, length)
    const from = start - this.#windowStart
    if (from + length > this.#windowBytes) return undefined
    return this.#window.subarray(from, from + length)
  }

  async #fill(start: number, length: number): Promise<void> {
    if (length > this.#window.length) this.#window = Buffer.allocUnsafe(length)
    this.#windowStart = start
    this.#windowBytes = 0
    const wanted = Math.min(this.#window.length, this.#end - start)
    while (this.#windowBytes < wanted) {
      const left = wanted - this.#windowBytes
      const position = start + this.#windowBytes
      const { bytesRead } = await this.#handle.read(this.#window, this.#windowBytes, left, position)
      if (bytesRead === 0) return
      this.#windowBytes += bytesRead
    }
  }
}
