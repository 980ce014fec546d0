/** Reads what the database holds of one device, a stretch of time after the other: memory does not grow with it. */
import type { Pool } from '@telltale/infra/storage/pool'
import { deviceIdOf, type Script } from './messages.ts'

export interface Row {
  metric: string
  timeMs: number
  value: number | string
}

/** Of one device; a stretch of so many messages holds some 30 MB at most. */
const MESSAGES_AT_ONCE = 100_000
const ROW_BYTES = 20
/** PostgreSQL counts microseconds from here. */
const EPOCH_2000_MS = 946_684_800_000

/** Visits every reading of the device, those nobody can have sent included. `end` is above its highest number. */
export async function eachRow(
  pool: Pool,
  script: Script,
  { device, end }: { device: number; end: number },
  visit: (row: Row) => void,
): Promise<void> {
  const { rows } = await pool.query<{ id: number; metric: string }>(
    'SELECT id, metric FROM series WHERE device_id = $1',
    [deviceIdOf(device)],
  )
  const metrics = new Map(rows.map(({ id, metric }) => [id, metric]))
  for (const stretch of stretchesOf(script, end)) {
    await eachNumber(pool, metrics, stretch, visit)
    await eachText(pool, metrics, stretch, visit)
  }
}

/** From the beginning of time to its end; null where there is none. */
function stretchesOf({ baseMs, strideMs }: Script, end: number): [number | null, number | null][] {
  const bounds: (number | null)[] = [null, baseMs]
  for (let n = MESSAGES_AT_ONCE; n < end; n += MESSAGES_AT_ONCE) bounds.push(baseMs + n * strideMs)
  bounds.push(null)
  return bounds.slice(1).map((until, i) => [bounds[i] ?? null, until])
}

const WHERE = `series_id = ANY($1)
  AND time >= coalesce(to_timestamp($2 / 1000.0), '-infinity') AND time < coalesce(to_timestamp($3 / 1000.0), 'infinity')`

/** In one piece: a row object for each reading would take ten times as long. */
async function eachNumber(
  pool: Pool,
  metrics: ReadonlyMap<number, string>,
  [from, until]: readonly [number | null, number | null],
  visit: (row: Row) => void,
): Promise<void> {
  const { rows } = await pool.query<{ bytes: Buffer | null }>(
    `SELECT string_agg(int4send(series_id) || timestamptz_send(time) || float8send(value), '') AS bytes
     FROM reading WHERE ${WHERE}`,
    [[...metrics.keys()], from, until],
  )
  const bytes = rows[0]?.bytes ?? Buffer.alloc(0)
  for (let at = 0; at < bytes.length; at += ROW_BYTES) {
    const microseconds = bytes.readInt32BE(at + 4) * 2 ** 32 + bytes.readUInt32BE(at + 8)
    visit({
      metric: metrics.get(bytes.readInt32BE(at)) as string,
      timeMs: EPOCH_2000_MS + microseconds / 1_000,
      value: bytes.readDoubleBE(at + 12),
    })
  }
}

async function eachText(
  pool: Pool,
  metrics: ReadonlyMap<number, string>,
  [from, until]: readonly [number | null, number | null],
  visit: (row: Row) => void,
): Promise<void> {
  const { rows } = await pool.query<{ id: number; ms: number; value: string }>(
    `SELECT series_id AS id, (extract(epoch FROM time) * 1000)::float8 AS ms, value FROM reading_text WHERE ${WHERE}`,
    [[...metrics.keys()], from, until],
  )
  for (const { id, ms, value } of rows) visit({ metric: metrics.get(id) as string, timeMs: ms, value })
}

export interface Rejected {
  device: string
  payload: string
  reason: string
  topic: string
}

/** Visits every rejected message of all devices. */
export async function eachRejected(pool: Pool, visit: (rejected: Rejected) => void): Promise<void> {
  const PAGE = 10_000
  for (let after = 0; ; ) {
    const { rows } = await pool.query<Omit<Rejected, 'payload'> & { id: number; payload: Buffer }>(
      `SELECT id, device_id AS device, payload, reason, topic FROM rejected_message
       WHERE id > $1 ORDER BY id LIMIT $2`,
      [after, PAGE],
    )
    for (const row of rows) visit({ ...row, payload: row.payload.toString() })
    if (rows.length < PAGE) return
    after = rows[rows.length - 1]?.id ?? after
  }
}

/** Readings of anybody else. */
export async function countStrangers(pool: Pool, ids: readonly string[]): Promise<number> {
  const { rows } = await pool.query<{ n: number }>(
    `SELECT count(*) AS n FROM series s WHERE s.device_id <> ALL($1)
     AND (EXISTS (SELECT FROM reading r WHERE r.series_id = s.id)
       OR EXISTS (SELECT FROM reading_text r WHERE r.series_id = s.id))`,
    [ids],
  )
  return rows[0]?.n ?? 0
}
