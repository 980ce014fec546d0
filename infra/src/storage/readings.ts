import { limits } from '../limits.ts'
import type { Queryable } from './pool.ts'
import type { TimeRange } from './presence.ts'

export type SeriesKind = 'number' | 'boolean' | 'string'

export interface SeriesRecord {
  id: number
  deviceId: string
  metric: string
  kind: SeriesKind
  /** Has rows in both tables: the metric has changed its type. */
  mixed: boolean
}

export interface SeriesFilter {
  deviceIds: string[]
  /** All of them when absent. */
  metrics?: string[] | undefined
  limit: number
}

/** The series of these devices, in the order they were first sent. */
export async function findSeries(db: Queryable, filter: SeriesFilter): Promise<SeriesRecord[]> {
  const { rows } = await db.query<SeriesRecord>(
    `SELECT id, device_id AS "deviceId", metric, kind, mixed FROM series
     WHERE device_id = ANY($1::text[]) AND ($2::text[] IS NULL OR metric = ANY($2)) ORDER BY id LIMIT $3`,
    [filter.deviceIds, filter.metrics ?? null, filter.limit],
  )
  return rows
}

export interface ReadingsRange extends TimeRange {
  seriesIds: number[]
  /** Points per series, or buckets. */
  limit: number
}

/** Without names: an answer can have hundreds of thousands. */
export type Point<V> = [seriesId: number, t: number, value: V]

/** Whole milliseconds: what a chart wants, without a Date per row. */
export const epochMs = (column: string) => `(date_part('epoch', ${column}) * 1000)::bigint`

function rangeValues(range: ReadingsRange): unknown[] {
  return [range.seriesIds, new Date(range.from), new Date(range.to)]
}

/** Whether one of the series has more than `limit` readings in the range; counts no further. */
export async function exceeds(db: Queryable, range: ReadingsRange): Promise<boolean> {
  const { rows } = await db.query(
    `SELECT FROM unnest($1::int4[]) AS s(id) CROSS JOIN LATERAL (
       SELECT count(*) AS n FROM (
         SELECT FROM reading WHERE series_id = s.id AND time >= $2 AND time < $3 LIMIT $4 + 1
       ) AS first
     ) AS counted WHERE n > $4 LIMIT 1`,
    [...rangeValues(range), range.limit],
  )
  return rows.length > 0
}

/** The newest `limit` readings of each number or boolean series, in order of time. */
export function readPoints(db: Queryable, range: ReadingsRange): Promise<Point<number>[]> {
  return newest<number>(db, 'reading', range)
}

/** The newest `limit` text readings of each series, in order of time. */
export function readTexts(db: Queryable, range: ReadingsRange): Promise<Point<string>[]> {
  return newest<string>(db, 'reading_text', range)
}

async function newest<V>(
  db: Queryable,
  table: 'reading' | 'reading_text',
  range: ReadingsRange,
): Promise<Point<V>[]> {
  const text = `SELECT s.id, ${epochMs('r.time')}, r.value
    FROM unnest($1::int4[]) AS s(id) CROSS JOIN LATERAL (
      SELECT time, value FROM ${table}
      WHERE series_id = s.id AND time >= $2 AND time < $3 ORDER BY time DESC LIMIT $4
    ) AS r ORDER BY s.id, r.time`
  const { rows } = await db.query<Point<V>>({
    text,
    values: [...rangeValues(range), range.limit],
    rowMode: 'array',
  })
  return rows
}

export interface Changes<V> {
  points: Point<V>[]
  /** So many readings that the older ones were not looked at. */
  bounded: boolean
}

/** The newest `limit` times each text series changed its value, in order of time. */
export function readTextChanges(db: Queryable, range: ReadingsRange): Promise<Changes<string>> {
  return changes<string>(db, 'reading_text', range)
}

/** The same of boolean series; 0 is false. */
export function readBooleanChanges(db: Queryable, range: ReadingsRange): Promise<Changes<number>> {
  return changes<number>(db, 'reading', range)
}

/**
 * Backwards from the newest reading, one after the other in the order of the index: ends as soon as there are
 * enough. The oldest reading looked at counts as a change.
 */
async function changes<V>(
  db: Queryable,
  table: 'reading' | 'reading_text',
  range: ReadingsRange,
): Promise<Changes<V>> {
  const readingsMax = Math.ceil(limits.history.stateReadingsMax / Math.max(1, range.seriesIds.length))
  const text = `SELECT s.id, ${epochMs('r.time')}, r.value, r.n
    FROM unnest($1::int4[]) AS s(id) CROSS JOIN LATERAL (
      SELECT time, value, n FROM (
        SELECT time, value, lead(value) OVER older AS before, row_number() OVER older AS n FROM (
          SELECT time, value FROM ${table}
          WHERE series_id = s.id AND time >= $2 AND time < $3 ORDER BY time DESC LIMIT $5
        ) AS newest WINDOW older AS (ORDER BY time DESC)
      ) AS seen WHERE before IS DISTINCT FROM value ORDER BY time DESC LIMIT $4
    ) AS r ORDER BY s.id, r.time`
  const { rows } = await db.query<[...Point<V>, number]>({
    text,
    values: [...rangeValues(range), range.limit, readingsMax],
    rowMode: 'array',
  })
  return {
    points: rows.map(([id, t, value]) => [id, t, value]),
    bounded: rows.some(([, , , n]) => n >= readingsMax),
  }
}
