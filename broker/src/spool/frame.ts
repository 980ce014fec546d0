import { crc32 } from 'node:zlib'
import { limits } from '@telltale/infra/limits'

/**
 * One group of records, written and synced at once. Little endian:
 *
 *     marker of the segment 8 · CRC-32 of all that follows 4 · bytes of the body 4 · records 4 · oldest received (ms) 8
 *     body: per record its length 4, then its bytes
 *
 * The marker is random and stands in the segment's name. So nothing that a device sends, and no block that a deleted
 * file left on the disk, is ever taken for a frame.
 */
export const HEADER_BYTES = 28
export const MARKER_BYTES = 8
const PREFIX_BYTES = 4
const crcAt = MARKER_BYTES
const bodyBytesAt = 12
const recordsAt = 16
const oldestReceivedAt = 20

export interface FrameHeader {
  bodyBytes: number
  records: number
  oldestReceivedMs: number
}

export function bodyBytesOf(records: readonly Buffer[]): number {
  return records.reduce((bytes, record) => bytes + PREFIX_BYTES + record.length, 0)
}

/** Each as full as a frame may be. */
export function splitIntoFrames(records: readonly Buffer[]): Buffer[][] {
  const frames: Buffer[][] = []
  let frameBytes = Number.POSITIVE_INFINITY
  for (const record of records) {
    const bytes = bodyBytesOf([record])
    if (frameBytes + bytes > limits.spool.frameBytesMax) {
      frames.push([])
      frameBytes = 0
    }
    frames.at(-1)?.push(record)
    frameBytes += bytes
  }
  return frames
}

export function encodeFrame(marker: Buffer, records: readonly Buffer[], oldestReceivedMs: number): Buffer {
  const bodyBytes = bodyBytesOf(records)
  const frame = Buffer.allocUnsafe(HEADER_BYTES + bodyBytes)
  marker.copy(frame)
  frame.writeUInt32LE(bodyBytes, bodyBytesAt)
  frame.writeUInt32LE(records.length, recordsAt)
  frame.writeDoubleLE(oldestReceivedMs, oldestReceivedAt)
  let at = HEADER_BYTES
  for (const record of records) {
    at = frame.writeUInt32LE(record.length, at)
    at += record.copy(frame, at)
  }
  frame.writeUInt32LE(crc32(frame.subarray(bodyBytesAt)), crcAt)
  return frame
}

/** Of at least HEADER_BYTES; undefined when no frame of this segment begins here. */
export function readHeader(marker: Buffer, bytes: Buffer): FrameHeader | undefined {
  if (marker.compare(bytes, 0, MARKER_BYTES) !== 0) return undefined
  return {
    bodyBytes: bytes.readUInt32LE(bodyBytesAt),
    records: bytes.readUInt32LE(recordsAt),
    oldestReceivedMs: bytes.readDoubleLE(oldestReceivedAt),
  }
}

/** Header and body, no more. */
export function isUndamaged(frame: Buffer): boolean {
  return frame.readUInt32LE(crcAt) === crc32(frame.subarray(bodyBytesAt))
}

/** Slices of the frame, which must be undamaged. */
export function recordsOf(frame: Buffer): Buffer[] {
  const records: Buffer[] = []
  for (let at = HEADER_BYTES; at < frame.length; ) {
    const start = at + PREFIX_BYTES
    at = start + frame.readUInt32LE(at)
    records.push(frame.subarray(start, at))
  }
  return records
}
