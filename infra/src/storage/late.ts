import { limits } from '../limits.ts'
import { encodeInt4Array, encodeTimestamptzArray } from './binary.ts'
import type { Queryable } from './pool.ts'
import type { Span } from './rollups.ts'
import type { Rows } from './telemetry.ts'

/** Readings older than this when they arrive are late: rollups may have passed them already. */
export function lateBeforeMs(databaseNowMs: number): number {
  return databaseNowMs - limits.rollups.lateAfterMs
}

/**
 * Notes where rollups have to be made again: one range for each series that has rows before `beforeMs`. Belongs into
 * the transaction that stores the rows.
 */
export async function noteLate(db: Queryable, rows: Rows<unknown>, beforeMs: number): Promise<void> {
  const spans = new Map<number, Span>()
  for (const [i, timeMs] of rows.timesMs.entries()) {
    if (timeMs >= beforeMs) continue
    const seriesId = rows.seriesIds[i] as number
    const span = spans.get(seriesId)
    if (!span) spans.set(seriesId, { fromMs: timeMs, toMs: timeMs })
    else if (timeMs < span.fromMs) span.fromMs = timeMs
    else if (timeMs > span.toMs) span.toMs = timeMs
  }
  if (spans.size === 0) return
  const values = [...spans.values()]
  await db.query(
    `INSERT INTO late_reading (series_id, first_at, last_at)
     SELECT * FROM unnest($1::int4[], $2::timestamptz[], $3::timestamptz[])`,
    [
      encodeInt4Array([...spans.keys()]),
      encodeTimestamptzArray(values.map(({ fromMs }) => fromMs)),
      encodeTimestamptzArray(values.map(({ toMs }) => toMs)),
    ],
  )
}

export interface LateRange {
  id: number
  seriesId: number
  firstMs: number
  lastMs: number
}

/** The oldest `limit` entries. */
export async function readLate(db: Queryable, limit: number): Promise<LateRange[]> {
  const { rows } = await db.query<LateRange>(
    `SELECT id, series_id AS "seriesId", (extract(epoch FROM first_at) * 1000)::float8 AS "firstMs",
       (extract(epoch FROM last_at) * 1000)::float8 AS "lastMs"
     FROM late_reading ORDER BY id LIMIT $1`,
    [limit],
  )
  return rows
}

export async function removeLate(db: Queryable, ids: number[]): Promise<void> {
  await db.query('DELETE FROM late_reading WHERE id = ANY($1::bigint[])', [ids])
}
