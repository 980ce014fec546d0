import { once } from 'node:events'
import { from as copyFrom } from 'pg-copy-streams'
import { encodeCopy, encodeFloat8Array, encodeInt4Array, encodeTimestamptzArray } from './binary.ts'
import { insertLate, type LateSpan } from './late.ts'
import { type Connection, inTransaction, type Pool, unfit } from './pool.ts'

/** Columns of readings, one entry a row: series id, epoch milliseconds, value. */
export interface Rows<Value> {
  seriesIds: number[]
  timesMs: number[]
  values: Value[]
}

export interface RejectedRow {
  /** A UUID; one that is there already is not stored again. */
  key: string
  deviceId: string
  receivedAtMs: number
  topic: string
  reason: string
  /** At most limits.rejected.payloadBytesKept of it. */
  payload: Buffer
  payloadBytes: number
}

export interface TelemetryBatch {
  numbers: Rows<number>
  texts: Rows<string>
  rejected: RejectedRow[]
}

export interface BatchResult {
  /** Rows that were there already. */
  duplicates: number
  /** Of those, the ones that carried another value; the first one stays. */
  conflicts: number
}

/** `copy` is the fast way and fails with 23505 when a row is there already; `merge` skips and counts such rows. */
export type StoreWay = 'copy' | 'merge'

export interface StoreOptions {
  way: StoreWay
  /** Noted with the rows: where rollups may have passed them. */
  late: LateSpan[]
}

/** Stores a batch in one commit: either all of it is stored or none. */
export async function storeBatch(
  pool: Pool,
  batch: TelemetryBatch,
  options: StoreOptions,
): Promise<BatchResult> {
  const onlyNumbers = batch.texts.values.length === 0 && batch.rejected.length === 0
  if (!onlyNumbers || options.late.length > 0 || options.way === 'merge')
    return inTransaction(pool, (connection) => storeParts(connection, batch, options))
  // A single COPY is a transaction of its own: two round trips less.
  const connection = await pool.connect()
  let broken: Error | undefined
  try {
    await copyNumbers(connection, batch.numbers)
    return { duplicates: 0, conflicts: 0 }
  } catch (error) {
    broken = unfit(error)
    throw error
  } finally {
    connection.release(broken)
  }
}

async function storeParts(
  connection: Connection,
  batch: TelemetryBatch,
  { way, late }: StoreOptions,
): Promise<BatchResult> {
  const result = { duplicates: 0, conflicts: 0 }
  await insertLate(connection, late)
  if (batch.numbers.values.length > 0) {
    if (way === 'copy') await copyNumbers(connection, batch.numbers)
    else add(result, await mergeNumbers(connection, batch.numbers))
  }
  // Text readings are rare beside numbers: always merged.
  if (batch.texts.values.length > 0) add(result, await mergeTexts(connection, batch.texts))
  if (batch.rejected.length > 0) await insertRejected(connection, batch.rejected)
  return result
}

function add(sum: BatchResult, part: BatchResult): void {
  sum.duplicates += part.duplicates
  sum.conflicts += part.conflicts
}

async function copyNumbers(connection: Connection, rows: Rows<number>): Promise<void> {
  const stream = connection.query(
    copyFrom('COPY reading (series_id, time, value) FROM STDIN (FORMAT binary)'),
  )
  const finished = once(stream, 'finish')
  stream.end(encodeCopy(rows, keyOrder(rows.seriesIds)))
  await finished
}

/** Places by (series, arrival): neighbours in the index are written together, and the first of two equals first. */
function keyOrder(seriesIds: number[]): Float64Array {
  const ARRIVAL_ROOM = 2 ** 21
  const keys = new Float64Array(seriesIds.length)
  for (let i = 0; i < keys.length; i++) keys[i] = (seriesIds[i] as number) * ARRIVAL_ROOM + i
  keys.sort()
  for (let i = 0; i < keys.length; i++) keys[i] = (keys[i] as number) % ARRIVAL_ROOM
  return keys
}

async function mergeNumbers(connection: Connection, rows: Rows<number>): Promise<BatchResult> {
  const columns = [
    encodeInt4Array(rows.seriesIds),
    encodeTimestamptzArray(rows.timesMs),
    encodeFloat8Array(rows.values),
  ]
  return merge(connection, { table: 'reading', valueType: 'float8', columns, count: rows.values.length })
}

async function mergeTexts(connection: Connection, rows: Rows<string>): Promise<BatchResult> {
  const columns = [encodeInt4Array(rows.seriesIds), encodeTimestamptzArray(rows.timesMs), rows.values]
  return merge(connection, { table: 'reading_text', valueType: 'text', columns, count: rows.values.length })
}

async function merge(
  connection: Connection,
  rows: { table: 'reading' | 'reading_text'; valueType: string; columns: unknown[]; count: number },
): Promise<BatchResult> {
  const given = `unnest($1::int4[], $2::timestamptz[], $3::${rows.valueType}[]) AS given (series_id, time, value)`
  const inserted = await connection.query(
    `INSERT INTO ${rows.table} (series_id, time, value) SELECT * FROM ${given} ON CONFLICT DO NOTHING`,
    rows.columns,
  )
  const duplicates = rows.count - (inserted.rowCount ?? 0)
  if (duplicates === 0) return { duplicates: 0, conflicts: 0 }
  const { rows: counted } = await connection.query<{ n: number }>(
    `SELECT count(*) AS n FROM ${given} JOIN ${rows.table} kept USING (series_id, time)
     WHERE kept.value IS DISTINCT FROM given.value`,
    rows.columns,
  )
  return { duplicates, conflicts: counted[0]?.n ?? 0 }
}

/** A device deleted meanwhile leaves nothing to attach the message to: such rows are passed over. */
async function insertRejected(connection: Connection, rows: RejectedRow[]): Promise<void> {
  await connection.query(
    `INSERT INTO rejected_message (key, device_id, received_at, topic, reason, payload, payload_bytes)
     SELECT r.key, r.device_id, r.received_at, r.topic, r.reason, r.payload, r.payload_bytes
     FROM unnest($1::uuid[], $2::text[], $3::timestamptz[], $4::text[], $5::text[], $6::bytea[], $7::int[])
       WITH ORDINALITY AS r (key, device_id, received_at, topic, reason, payload, payload_bytes, place)
     JOIN device d ON d.id = r.device_id ORDER BY place
     ON CONFLICT (key) DO NOTHING`,
    [
      rows.map((row) => row.key),
      rows.map((row) => row.deviceId),
      encodeTimestamptzArray(rows.map((row) => row.receivedAtMs)),
      rows.map((row) => row.topic),
      rows.map((row) => row.reason),
      rows.map((row) => row.payload),
      rows.map((row) => row.payloadBytes),
    ],
  )
}

/** In slices, so that a backlog of any size shrinks with every statement instead of timing out whole. */
const TRIM_ROWS_MAX = 5_000

/** Keeps the newest `perDeviceMax` rejected messages of each device. */
export async function trimRejected(pool: Pool, perDeviceMax: number): Promise<number> {
  let trimmed = 0
  for (;;) {
    const { rowCount } = await pool.query(
      `DELETE FROM rejected_message WHERE id IN (
         SELECT r.id FROM device d CROSS JOIN LATERAL (
           SELECT id FROM rejected_message m WHERE m.device_id = d.id ORDER BY id DESC OFFSET $1 LIMIT $2
         ) AS r LIMIT $2
       )`,
      [perDeviceMax, TRIM_ROWS_MAX],
    )
    trimmed += rowCount ?? 0
    if ((rowCount ?? 0) < TRIM_ROWS_MAX) return trimmed
  }
}
