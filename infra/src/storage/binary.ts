/**
 * PostgreSQL's binary formats for what the hot path sends: COPY … (FORMAT binary) and one-dimensional arrays.
 * Formats: PostgreSQL documentation, COPY "Binary Format"; arrays as in array_recv, src/backend/utils/adt/arrayfuncs.c.
 */

const INT4_OID = 23
const FLOAT8_OID = 701
const TIMESTAMPTZ_OID = 1184

/** timestamptz counts microseconds from 2000-01-01 UTC. */
const POSTGRES_EPOCH_MS = 946_684_800_000
const TWO_32 = 2 ** 32

const COPY_HEADER = Buffer.from('PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0', 'latin1')
/** Field count, then (length, value) of int4, timestamptz, float8. */
const COPY_ROW_BYTES = 2 + (4 + 4) + (4 + 8) + (4 + 8)

function writeTimestamp(buffer: Buffer, timeMs: number, offset: number): void {
  // Below 2^53 for all of PostgreSQL's range that devices may use, so plain arithmetic is exact.
  const micros = (timeMs - POSTGRES_EPOCH_MS) * 1000
  const high = Math.floor(micros / TWO_32)
  buffer.writeInt32BE(high, offset)
  buffer.writeUInt32BE(micros - high * TWO_32, offset + 4)
}

/** A whole COPY of (int4, timestamptz, float8) rows; `order` gives the row to write at each place. */
export function encodeCopy(
  rows: { seriesIds: number[]; timesMs: number[]; values: number[] },
  order: Float64Array,
): Buffer {
  const buffer = Buffer.allocUnsafe(COPY_HEADER.length + order.length * COPY_ROW_BYTES + 2)
  COPY_HEADER.copy(buffer)
  let at = COPY_HEADER.length
  for (let place = 0; place < order.length; place++) {
    const row = order[place] as number
    buffer.writeInt16BE(3, at)
    buffer.writeInt32BE(4, at + 2)
    buffer.writeInt32BE(rows.seriesIds[row] as number, at + 6)
    buffer.writeInt32BE(8, at + 10)
    writeTimestamp(buffer, rows.timesMs[row] as number, at + 14)
    buffer.writeInt32BE(8, at + 22)
    buffer.writeDoubleBE(rows.values[row] as number, at + 26)
    at += COPY_ROW_BYTES
  }
  buffer.writeInt16BE(-1, at)
  return buffer
}

/** An array parameter of fixed-size elements; node-postgres sends a Buffer as a binary parameter. */
function encodeArray(
  values: number[],
  element: { oid: number; bytes: number; write: (buffer: Buffer, value: number, offset: number) => void },
): Buffer {
  const HEADER_BYTES = 20
  const buffer = Buffer.allocUnsafe(HEADER_BYTES + values.length * (4 + element.bytes))
  buffer.writeInt32BE(1, 0) // dimensions
  buffer.writeInt32BE(0, 4) // no nulls
  buffer.writeInt32BE(element.oid, 8)
  buffer.writeInt32BE(values.length, 12)
  buffer.writeInt32BE(1, 16) // lower bound
  let at = HEADER_BYTES
  for (const value of values) {
    buffer.writeInt32BE(element.bytes, at)
    element.write(buffer, value, at + 4)
    at += 4 + element.bytes
  }
  return buffer
}

export const encodeInt4Array = (values: number[]): Buffer =>
  encodeArray(values, {
    oid: INT4_OID,
    bytes: 4,
    write: (buffer, value, at) => buffer.writeInt32BE(value, at),
  })

export const encodeFloat8Array = (values: number[]): Buffer =>
  encodeArray(values, {
    oid: FLOAT8_OID,
    bytes: 8,
    write: (buffer, value, at) => buffer.writeDoubleBE(value, at),
  })

export const encodeTimestamptzArray = (timesMs: number[]): Buffer =>
  encodeArray(timesMs, { oid: TIMESTAMPTZ_OID, bytes: 8, write: writeTimestamp })
