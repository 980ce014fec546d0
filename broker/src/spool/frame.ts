import { promisify } from 'node:util'
import { crc32, deflateRaw, inflateRaw } from 'node:zlib'
import { limits } from '@telltale/infra/limits'

/**
 * One group of records, written and synced at once. Little endian:
 *
 *     marker of the segment 8 · CRC-32 of all that follows 4 · bytes of the body 4 · bytes of it when inflated 4
 *     · records 4 · oldest received (ms) 8
 *     body, deflated where that makes it smaller: per record its length 4, then its bytes
 *
 * The marker is random and stands in the segment's name. So nothing that a device sends, and no block that a deleted
 * file left on the disk, is ever taken for a frame.
 */
export const HEADER_BYTES = 32
export const MARKER_BYTES = 8
const PREFIX_BYTES = 4
const crcAt = MARKER_BYTES
const bodyBytesAt = 12
const rawBytesAt = 16
const recordsAt = 20
const oldestReceivedAt = 24
const DEFLATE_LEVEL = 1
/** One message alone: it would get a fifth smaller, for twice the work. */
const DEFLATE_BYTES_MIN = 256
const CHUNK_BYTES_MIN = 1024

const deflate = promisify<Buffer, object, Buffer>(deflateRaw)
const inflate = promisify<Buffer, object, Buffer>(inflateRaw)

export interface FrameHeader {
  bodyBytes: number
  /** Of the body when it is inflated. It is not deflated when they are the same. */
  rawBytes: number
  records: number
  oldestReceivedMs: number
}

/** What a frame holds, as it stands in the file. */
export interface Body {
  bytes: Buffer
  rawBytes: number
  records: number
}

/** Before they are deflated. */
export function rawBytesOf(records: readonly Buffer[]): number {
  return records.reduce((bytes, record) => bytes + PREFIX_BYTES + record.length, 0)
}

/** Each as full as a frame may be. */
export function splitIntoFrames(records: readonly Buffer[]): Buffer[][] {
  const frames: Buffer[][] = []
  let frameBytes = Number.POSITIVE_INFINITY
  for (const record of records) {
    const bytes = rawBytesOf([record])
    if (frameBytes + bytes > limits.spool.frameBytesMax) {
      frames.push([])
      frameBytes = 0
    }
    frames.at(-1)?.push(record)
    frameBytes += bytes
  }
  return frames
}

export async function encodeBody(records: readonly Buffer[]): Promise<Body> {
  const raw = Buffer.allocUnsafe(rawBytesOf(records))
  let at = 0
  for (const record of records) {
    at = raw.writeUInt32LE(record.length, at)
    at += record.copy(raw, at)
  }
  const bytes = raw.length < DEFLATE_BYTES_MIN ? raw : await deflateIfSmaller(raw)
  return { bytes, rawBytes: raw.length, records: records.length }
}

async function deflateIfSmaller(raw: Buffer): Promise<Buffer> {
  const chunkSize = Math.max(CHUNK_BYTES_MIN, raw.length)
  const deflated = await deflate(raw, { level: DEFLATE_LEVEL, chunkSize })
  return deflated.length < raw.length ? deflated : raw
}

export function encodeFrame(marker: Buffer, body: Body, oldestReceivedMs: number): Buffer {
  const frame = Buffer.allocUnsafe(HEADER_BYTES + body.bytes.length)
  marker.copy(frame)
  frame.writeUInt32LE(body.bytes.length, bodyBytesAt)
  frame.writeUInt32LE(body.rawBytes, rawBytesAt)
  frame.writeUInt32LE(body.records, recordsAt)
  frame.writeDoubleLE(oldestReceivedMs, oldestReceivedAt)
  body.bytes.copy(frame, HEADER_BYTES)
  frame.writeUInt32LE(crc32(frame.subarray(bodyBytesAt)), crcAt)
  return frame
}

/** Of at least HEADER_BYTES; undefined when no frame of this segment begins here. */
export function readHeader(marker: Buffer, bytes: Buffer): FrameHeader | undefined {
  if (marker.compare(bytes, 0, MARKER_BYTES) !== 0) return undefined
  return {
    bodyBytes: bytes.readUInt32LE(bodyBytesAt),
    rawBytes: bytes.readUInt32LE(rawBytesAt),
    records: bytes.readUInt32LE(recordsAt),
    oldestReceivedMs: bytes.readDoubleLE(oldestReceivedAt),
  }
}

/** Header and body, no more. */
export function isUndamaged(frame: Buffer): boolean {
  return frame.readUInt32LE(crcAt) === crc32(frame.subarray(bodyBytesAt))
}

/**
 * Of an undamaged frame; slices of memory of their own.
 * @throws when the body is not of the form that was written
 */
export async function recordsOf(frame: Buffer, header: FrameHeader): Promise<Buffer[]> {
  const { bodyBytes, rawBytes, records: count } = header
  const body = frame.subarray(HEADER_BYTES)
  const raw = bodyBytes === rawBytes ? Buffer.from(body) : await inflateWhole(body, rawBytes)
  const records: Buffer[] = []
  for (let at = 0; at < raw.length; ) {
    const start = at + PREFIX_BYTES
    at = start + raw.readUInt32LE(at)
    records.push(raw.subarray(start, at))
  }
  if (records.length !== count) throw new Error(`the body has ${records.length} records instead of ${count}`)
  return records
}

async function inflateWhole(body: Buffer, rawBytes: number): Promise<Buffer> {
  // A chunk that is filled to its last byte is followed by another one.
  const chunkSize = Math.max(CHUNK_BYTES_MIN, rawBytes + 1)
  const raw = await inflate(body, { chunkSize, maxOutputLength: rawBytes })
  if (raw.length !== rawBytes) throw new Error(`the body has ${raw.length} bytes instead of ${rawBytes}`)
  return raw
}
