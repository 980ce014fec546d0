import type { Pool, Queryable } from './pool.ts'
import type { TimeRange } from './presence.ts'

export type SeriesKind = 'number' | 'boolean' | 'string'

export interface SeriesRecord {
  id: number
  metric: string
  kind: SeriesKind
  /** Has rows in both tables: the metric has changed its type. */
  mixed: boolean
}

/** A device's series, in the order it first sent them; only `metrics` when given. */
export async function findSeries(
  db: Queryable,
  deviceId: string,
  metrics?: string[],
): Promise<SeriesRecord[]> {
  const { rows } = await db.query<SeriesRecord>(
    `SELECT id, metric, kind, mixed FROM series
     WHERE device_id = $1 AND ($2::text[] IS NULL OR metric = ANY($2)) ORDER BY id`,
    [deviceId, metrics ?? null],
  )
  return rows
}

export interface ReadingsRange extends TimeRange {
  seriesIds: number[]
  /** Points per series, or buckets. */
  limit: number
}

export interface Point<V> {
  seriesId: number
  t: number
  value: V
}

/** Milliseconds as a double: what a chart wants, without a Date per row. */
const epochMs = (column: string) => `(extract(epoch FROM ${column}) * 1000)::float8`

function rangeValues(range: ReadingsRange): unknown[] {
  return [range.seriesIds, new Date(range.from), new Date(range.to)]
}

/** The most readings any of the series has in the range; counts no further than `limit`. */
export async function countReadings(db: Queryable, range: ReadingsRange): Promise<number> {
  const { rows } = await db.query<{ n: number | null }>(
    `SELECT max(n)::int AS n FROM unnest($1::int[]) AS s(id) CROSS JOIN LATERAL (
       SELECT count(*) AS n FROM (
         SELECT 1 FROM reading WHERE series_id = s.id AND time >= $2 AND time < $3 LIMIT $4
       ) AS first
     ) AS counted`,
    [...rangeValues(range), range.limit],
  )
  return rows[0]?.n ?? 0
}

/** The newest `limit` readings of each number or boolean series, in order of time. */
export async function readPoints(db: Queryable, range: ReadingsRange): Promise<Point<number>[]> {
  const { rows } = await db.query<Point<number>>(
    `SELECT s.id AS "seriesId", ${epochMs('r.time')} AS t, r.value
     FROM unnest($1::int[]) AS s(id) CROSS JOIN LATERAL (
       SELECT time, value FROM reading
       WHERE series_id = s.id AND time >= $2 AND time < $3 ORDER BY time DESC LIMIT $4
     ) AS r ORDER BY s.id, r.time`,
    [...rangeValues(range), range.limit],
  )
  return rows
}

/** The newest `limit` times each text series changed its value, in order of time. */
export async function readTextChanges(db: Queryable, range: ReadingsRange): Promise<Point<string>[]> {
  const { rows } = await db.query<Point<string>>(
    `SELECT s.id AS "seriesId", ${epochMs('r.time')} AS t, r.value
     FROM unnest($1::int[]) AS s(id) CROSS JOIN LATERAL (
       SELECT time, value FROM (
         SELECT time, value, lag(value) OVER (ORDER BY time) AS before FROM reading_text
         WHERE series_id = s.id AND time >= $2 AND time < $3
       ) AS seen WHERE before IS DISTINCT FROM value ORDER BY time DESC LIMIT $4
     ) AS r ORDER BY s.id, r.time`,
    [...rangeValues(range), range.limit],
  )
  return rows
}

/** The newest `limit` text readings of each series, in order of time. */
export async function readTexts(db: Queryable, range: ReadingsRange): Promise<Point<string>[]> {
  const { rows } = await db.query<Point<string>>(
    `SELECT s.id AS "seriesId", ${epochMs('r.time')} AS t, r.value
     FROM unnest($1::int[]) AS s(id) CROSS JOIN LATERAL (
       SELECT time, value FROM reading_text
       WHERE series_id = s.id AND time >= $2 AND time < $3 ORDER BY time DESC LIMIT $4
     ) AS r ORDER BY s.id, r.time`,
    [...rangeValues(range), range.limit],
  )
  return rows
}

export interface Bucket {
  seriesId: number
  t: number
  avg: number
  min: number
  max: number
  count: number
}

/**
 * The newest `limit` buckets (of all series together) that hold a reading, aligned to the epoch. The mean is summed
 * in units of 2^30, or values near the largest double would overflow and PostgreSQL refuse the whole query; values
 * below 1e-280 count as zero there, or they would underflow and be refused likewise.
 */
export async function readBuckets(
  db: Queryable,
  range: ReadingsRange & { bucketMs: number },
): Promise<Bucket[]> {
  const { rows } = await db.query<Bucket>(
    `WITH bucketed AS (
       SELECT series_id, date_bin($4 * interval '1 millisecond', time, 'epoch') AS bucket,
         sum(CASE WHEN abs(value) > 1e-280 THEN value / 1073741824 ELSE 0 END) / count(*) * 1073741824 AS avg,
         min(value) AS min, max(value) AS max, count(*)::int AS count
       FROM reading WHERE series_id = ANY($1::int[]) AND time >= $2 AND time < $3 GROUP BY 1, 2
     ), kept AS (SELECT DISTINCT bucket FROM bucketed ORDER BY bucket DESC LIMIT $5)
     SELECT series_id AS "seriesId", ${epochMs('bucket')} AS t, avg, min, max, count
     FROM bucketed JOIN kept USING (bucket) ORDER BY bucket`,
    [...rangeValues(range), range.bucketMs, range.limit],
  )
  return rows
}

export interface LatestRecord {
  deviceId: string
  metric: string
  kind: SeriesKind
  t: number
  number: number | null
  text: string | null
}

/**
 * The newest reading by event time of every series of these devices; of all devices when null. A series has rows in
 * one table, a mixed one in both; the other table is not asked, for a miss looks into every partition. In the order in
 * which a device first sent its metrics.
 */
export async function readLatest(db: Queryable, deviceIds: string[] | null): Promise<LatestRecord[]> {
  const newest = (table: string, columns: string, isHere: string) =>
    `SELECT s.id, s.device_id, s.metric, s.kind, r.* FROM series s CROSS JOIN LATERAL (
       SELECT time, ${columns} FROM ${table} WHERE series_id = s.id ORDER BY time DESC LIMIT 1
     ) AS r WHERE (${isHere} OR s.mixed) AND ($1::text[] IS NULL OR s.device_id = ANY($1))`
  const { rows } = await db.query<LatestRecord>(
    `SELECT DISTINCT ON (device_id, id)
       device_id AS "deviceId", metric, kind, ${epochMs('time')} AS t, number, text
     FROM (
       ${newest('reading', 'value AS number, NULL::text AS text', "s.kind <> 'string'")}
       UNION ALL
       ${newest('reading_text', 'NULL::float8, value', "s.kind = 'string'")}
     ) AS both_tables ORDER BY device_id, id, time DESC`,
    [deviceIds],
  )
  return rows
}

export interface ExportedPoint {
  seriesId: number
  t: number
  number: number | null
  text: string | null
}

const EXPORT_FETCH_ROWS = 2_000
/** The sort of a long range may take its time, but a reader that stalls must not hold a transaction open. */
const EXPORT_STATEMENT_TIMEOUT = '10min'
const EXPORT_IDLE_TIMEOUT = '2min'

/**
 * Every reading of the range in order of time, a chunk at a time through a cursor: the next chunk is fetched when
 * the caller asks for it. Ending the iteration early gives the connection back.
 */
export async function* exportReadings(
  pool: Pool,
  range: TimeRange & { seriesIds: number[] },
): AsyncGenerator<ExportedPoint[]> {
  const connection = await pool.connect()
  let broken: Error | undefined
  // Between two fetches nobody awaits the connection: without a listener its loss would end the process.
  const onError = (error: Error) => {
    broken = error
  }
  connection.on('error', onError)
  try {
    await connection.query('BEGIN READ ONLY')
    await connection.query(`SET LOCAL statement_timeout = '${EXPORT_STATEMENT_TIMEOUT}'`)
    await connection.query(`SET LOCAL idle_in_transaction_session_timeout = '${EXPORT_IDLE_TIMEOUT}'`)
    await connection.query(
      `DECLARE export NO SCROLL CURSOR FOR
       SELECT series_id AS "seriesId", ${epochMs('time')} AS t, number, text FROM (
         SELECT series_id, time, value AS number, NULL::text AS text FROM reading
         WHERE series_id = ANY($1::int[]) AND time >= $2 AND time < $3
         UNION ALL
         SELECT series_id, time, NULL, value FROM reading_text
         WHERE series_id = ANY($1::int[]) AND time >= $2 AND time < $3
       ) AS both_tables ORDER BY time, series_id`,
      [range.seriesIds, new Date(range.from), new Date(range.to)],
    )
    for (;;) {
      const { rows } = await connection.query<ExportedPoint>(`FETCH ${EXPORT_FETCH_ROWS} FROM export`)
      if (rows.length === 0) break
      yield rows
    }
  } finally {
    await connection.query('ROLLBACK').catch(onError)
    connection.off('error', onError)
    connection.release(broken)
  }
}
