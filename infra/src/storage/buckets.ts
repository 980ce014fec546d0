import { limits } from '../limits.ts'
import type { Queryable } from './pool.ts'
import { epochMs, type ReadingsRange } from './readings.ts'
import { droppedBefore, floorTo, type Span } from './rollups.ts'
import {
  cutRange,
  type Late,
  type LatePart,
  type LateSpan,
  lateParts,
  type Piece,
  type Source,
} from './sources.ts'

export interface BucketRange extends ReadingsRange {
  bucketMs: number
  source: Source
}

/** Without names: an answer can have hundreds of thousands. `t` is the start of the bucket. */
export type BucketRow = [
  seriesId: number,
  t: number,
  avg: number,
  min: number,
  max: number,
  count: number,
  last: number,
]

/**
 * The newest `limit` buckets (of all series together) that hold a reading, aligned to the epoch and in order of time.
 * Exactly what the readings of the range would give, whichever source the buckets are made from, also where rollups
 * are behind.
 */
export async function readBuckets(db: Queryable, range: BucketRange): Promise<BucketRow[]> {
  const late = range.source === 'raw' ? NOT_LATE : await findLate(db, range)
  // Many narrow buckets asked for, the newest wanted: usually they are found in the newest part of the range.
  for (let spanMs = 2 * range.limit * range.bucketMs; ; spanMs *= 16) {
    const from = Math.max(range.from, floorTo(range.to - spanMs, range.bucketMs))
    const rows = await readPart(db, { ...range, from }, late)
    if (from === range.from || countBuckets(rows) >= range.limit) return rows
  }
}

function countBuckets(rows: BucketRow[]): number {
  return new Set(rows.map(([, t]) => t)).size
}

/**
 * The mean is made of sums in units of 2^30, or values near the largest double would overflow and PostgreSQL refuse
 * the whole query.
 */
async function readPart(db: Queryable, range: BucketRange, late: Late): Promise<BucketRow[]> {
  const values: unknown[] = []
  const param = (value: unknown) => `$${values.push(value)}`
  const width = param(range.bucketMs)
  const ids = param(range.seriesIds)
  const pieces = cutRange({ fromMs: range.from, toMs: range.to }, range.source)
  const text = `WITH bucketed AS (
      SELECT series_id, date_bin(${width} * interval '1 millisecond', at, 'epoch') AS bucket,
        sum(sum) / sum(count) * 1073741824 AS avg, min(min) AS min, max(max) AS max, sum(count)::float8 AS count,
        (array_agg(last ORDER BY at DESC))[1] AS last
      FROM (${pieces.flatMap((piece) => pieceSql(piece, { ids, late, param })).join('\n UNION ALL ')}) AS parts
      GROUP BY 1, 2
    ), kept AS (SELECT DISTINCT bucket FROM bucketed ORDER BY bucket DESC LIMIT ${param(range.limit)})
    SELECT series_id, ${epochMs('bucket')}, avg, min, max, count, last
    FROM bucketed JOIN kept USING (bucket) ORDER BY bucket`
  const { rows } = await db.query<BucketRow>({ text, values, rowMode: 'array' })
  return rows
}

const NOT_LATE: Late = { spans: [], sinceMs: Number.NEGATIVE_INFINITY }

interface PieceContext {
  ids: string
  late: Late
  param: (value: unknown) => string
}

/**
 * A query for each piece with its times as constants, not a join with a list of pieces: so the planner of both
 * engines leaves out the partitions and chunks that cannot matter.
 */
function pieceSql(piece: Piece, { ids, late, param }: PieceContext): string[] {
  if (piece.source === 'raw') return [rawSql(ids, piece, param)]
  const parts = lateParts(piece, late, limits.history.latePartsMax)
  const rollup = `SELECT series_id, bucket AS at, min, max, sum, count::bigint AS count, last
    FROM reading_${piece.source} AS rollup
    WHERE series_id = ANY(${ids}::int4[]) AND bucket >= ${param(new Date(piece.fromMs))}
      AND bucket < ${param(new Date(piece.toMs))}`
  if (parts.length === 0) return [rollup]
  return [
    `${rollup} AND NOT EXISTS (${touchedSql(parts, param)})`,
    ...parts.map((part) => rawSql(param(part.seriesIds), part, param)),
  ]
}

function rawSql(ids: string, { fromMs, toMs }: Span, param: PieceContext['param']): string {
  return `SELECT series_id, time AS at, value AS min, value AS max,
      CASE WHEN abs(value) > 1e-280 THEN value / 1073741824 ELSE 0 END AS sum, 1::bigint AS count, value AS last
    FROM reading
    WHERE series_id = ANY(${ids}::int4[]) AND time >= ${param(new Date(fromMs))} AND time < ${param(new Date(toMs))}`
}

function touchedSql(parts: LatePart[], param: PieceContext['param']): string {
  const rows = parts.flatMap(({ seriesIds, fromMs, toMs }) =>
    seriesIds.map((id) => ({ id, from: new Date(fromMs), to: new Date(toMs) })),
  )
  const column = (name: 'id' | 'from' | 'to') => param(rows.map((row) => row[name]))
  return `SELECT FROM unnest(${column('id')}::int4[], ${column('from')}::timestamptz[], ${column('to')}::timestamptz[])
    AS late (id, from_at, to_at)
    WHERE late.id = rollup.series_id AND rollup.bucket >= late.from_at AND rollup.bucket < late.to_at`
}

/**
 * Whole minutes, merged in the database: a device that brings a month of backlog notes many ranges. What retention
 * has dropped is not looked for in the readings: there rollups are all that is left.
 */
async function findLate(db: Queryable, { seriesIds, from, to }: ReadingsRange): Promise<Late> {
  const minute = (column: string) => `date_bin('1 minute', ${column}, 'epoch')`
  const { rows } = await db.query<LateSpan>(
    `SELECT series_id AS "seriesId", ${epochMs('lower(span)')} AS "fromMs", ${epochMs('upper(span)')} AS "toMs"
     FROM (
       SELECT series_id,
         unnest(range_agg(tstzrange(${minute('first_at')}, ${minute('last_at')} + interval '1 minute'))) AS span
       FROM late_reading WHERE series_id = ANY($1::int4[]) AND last_at >= $2 AND first_at < $3 GROUP BY series_id
     ) AS merged`,
    [seriesIds, new Date(from), new Date(to)],
  )
  return rows.length === 0 ? NOT_LATE : { spans: rows, sinceMs: await droppedBefore(db) }
}

/** Whether only rollups still hold readings of the beginning of this range. */
export async function isPartlyDropped(
  db: Queryable,
  { seriesIds, from, to }: ReadingsRange,
): Promise<boolean> {
  const droppedMs = await droppedBefore(db)
  if (from >= droppedMs) return false
  const { rows } = await db.query(
    'SELECT FROM reading_1d WHERE series_id = ANY($1::int4[]) AND bucket >= $2 AND bucket < $3 LIMIT 1',
    [seriesIds, new Date(floorTo(from, 86_400_000)), new Date(Math.min(to, droppedMs))],
  )
  return rows.length > 0
}
