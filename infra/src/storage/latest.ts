import { encodeInt4Array, encodeTimestamptzArray } from './binary.ts'
import type { Queryable } from './pool.ts'

/** The newest reading of a series. */
export interface LatestRow {
  seriesId: number
  timeMs: number
  value: number | string
}

/** Keeps, for each series, whichever is newer by event time: what is there or what is given. */
export async function saveLatest(db: Queryable, rows: LatestRow[]): Promise<void> {
  await db.query(
    `INSERT INTO latest_reading AS kept (series_id, time, number, text)
     SELECT * FROM unnest($1::int4[], $2::timestamptz[], $3::float8[], $4::text[])
       AS given (series_id, time, number, text) ORDER BY series_id
     ON CONFLICT (series_id) DO UPDATE SET time = excluded.time, number = excluded.number, text = excluded.text
       WHERE kept.time < excluded.time`,
    [
      encodeInt4Array(rows.map(({ seriesId }) => seriesId)),
      encodeTimestamptzArray(rows.map(({ timeMs }) => timeMs)),
      rows.map(({ value }) => (typeof value === 'number' ? value : null)),
      rows.map(({ value }) => (typeof value === 'string' ? value : null)),
    ],
  )
}

/** Series looked at by one statement of a repair. */
const REPAIR_SERIES = 1_000

/**
 * Compares with the readings themselves, which are right: what a broker had not yet saved when it was killed, what
 * another program wrote, and all of it after an upgrade. Looks only behind what is known, series by series.
 */
export async function repairLatest(db: Queryable): Promise<void> {
  for (let after = 0; ; ) {
    const { rows } = await db.query<{ id: number }>(
      'SELECT id FROM series WHERE id > $1 ORDER BY id LIMIT $2',
      [after, REPAIR_SERIES],
    )
    const ids = rows.map(({ id }) => id)
    await repairSeries(db, ids)
    if (ids.length < REPAIR_SERIES) return
    after = ids.at(-1) as number
  }
}

export async function repairSeries(db: Queryable, seriesIds: number[]): Promise<void> {
  const newest = (table: string, columns: string, isHere: string) =>
    `SELECT s.id, r.* FROM series s LEFT JOIN latest_reading l ON l.series_id = s.id CROSS JOIN LATERAL (
       SELECT time, ${columns} FROM ${table}
       WHERE series_id = s.id AND time >= coalesce(l.time, '-infinity') ORDER BY time DESC LIMIT 1
     ) AS r WHERE s.id = ANY($1::int4[]) AND (${isHere} OR s.mixed)`
  await db.query(
    `INSERT INTO latest_reading AS kept (series_id, time, number, text)
     SELECT DISTINCT ON (id) * FROM (
       ${newest('reading', 'value AS number, NULL::text AS text', "s.kind <> 'string'")}
       UNION ALL
       ${newest('reading_text', 'NULL::float8, value', "s.kind = 'string'")}
     ) AS found ORDER BY id, time DESC
     ON CONFLICT (series_id) DO UPDATE SET time = excluded.time, number = excluded.number, text = excluded.text
       WHERE kept.time <= excluded.time
         AND (kept.number, kept.text) IS DISTINCT FROM (excluded.number, excluded.text)`,
    [seriesIds],
  )
}
