import { limits } from '../limits.ts'
import { type LateSpan, readLate, removeLate } from './late.ts'
import type { Connection, Pool } from './pool.ts'
import {
  asOnlyWorker,
  ceilTo,
  databaseNow,
  droppedBefore,
  floorTo,
  inBlock,
  LEVELS,
  type Level,
  mergeSpans,
  Pace,
  rollupProgress,
  SCALED_SUM,
  type Span,
  setRollupProgress,
} from './rollups.ts'

/** What each level is made from. Names are ours, never a device's. */
const SOURCES: Record<Level, { table: string; columns: string; time: string; width: string }> = {
  '1m': {
    table: 'reading',
    time: 'time',
    width: '1 minute',
    columns: `min(value), max(value), ${SCALED_SUM}, count(*), (array_agg(value ORDER BY time DESC))[1]`,
  },
  '1h': { table: 'rollup_1m', time: 'bucket', width: '1 hour', columns: combined() },
  '1d': { table: 'rollup_1h', time: 'bucket', width: '1 day', columns: combined() },
}

function combined(): string {
  return 'min(min), max(max), sum(sum), sum(count)::bigint, (array_agg(last ORDER BY bucket DESC))[1]'
}

/** Rolls up the rows of the series and spans that `wanted` (id, from_at, to_at) names; replaces what is there. */
function rollUpSql(level: Level, wanted: string): string {
  const { table, time, width, columns } = SOURCES[level]
  // Series by series through the key: a scan over time alone would read the whole partition.
  return `INSERT INTO rollup_${level} (series_id, bucket, min, max, sum, count, last)
    SELECT w.id, r.* FROM ${wanted} CROSS JOIN LATERAL (
      SELECT date_bin('${width}', ${time}, 'epoch'), ${columns} FROM ${table}
      WHERE series_id = w.id AND ${time} >= w.from_at AND ${time} < w.to_at GROUP BY 1
    ) AS r
    ON CONFLICT (series_id, bucket) DO UPDATE SET min = excluded.min, max = excluded.max, sum = excluded.sum,
      count = excluded.count, last = excluded.last`
}

/** Every series that can have numbers. */
const ALL_SERIES = `(SELECT id, $1::timestamptz AS from_at, $2::timestamptz AS to_at FROM series
  WHERE kind <> 'string' OR mixed) AS w`
/** A series deleted meanwhile gets no rollups again. */
const GIVEN_SERIES = `(SELECT given.* FROM unnest($1::int4[], $2::timestamptz[], $3::timestamptz[])
  AS given (id, from_at, to_at) JOIN series USING (id)) AS w`

/** The job that keeps the rollup tables of plain PostgreSQL. */
export function createRollupJob(pool: Pool): () => Promise<boolean> {
  const paces = new Map(LEVELS.map(({ level, widthMs }) => [level, new Pace(widthMs)]))
  // Of notes, not of time: some span a month.
  const notesPace = new Pace(1)

  return async () => {
    const isMore = await asOnlyWorker(pool, async (connection) => {
      await refuseConverted(connection)
      let more = false
      for (const { level, widthMs } of LEVELS) {
        const pace = paces.get(level) as Pace
        const step = (pieceMs: number) =>
          inBlock(connection, () => advance(connection, level, { widthMs, pieceMs }))
        if (await pace.time(step)) more = true
      }
      return (await notesPace.time((notes) => inBlock(connection, () => foldLate(connection, notes)))) || more
    })
    return isMore ?? false
  }
}

/** Another start has turned the readings into TimescaleDB's: what this process believes is no longer so. */
async function refuseConverted(connection: Connection): Promise<void> {
  const { rows } = await connection.query<{ kind: string }>(
    `SELECT relkind AS kind FROM pg_class WHERE oid = 'reading'::regclass`,
  )
  if (rows[0]?.kind !== 'p')
    throw new Error('the database was converted to TimescaleDB meanwhile: restart this broker')
}

/** One piece further; true when the level is still behind. */
async function advance(
  connection: Connection,
  level: Level,
  { widthMs, pieceMs }: { widthMs: number; pieceMs: number },
): Promise<boolean> {
  const progress = await rollupProgress(connection)
  const ready =
    level === '1m' ? (await databaseNow(connection)) - limits.rollups.settleMs : finer(progress, level)
  const targetMs = floorTo(ready, widthMs)
  if (!(progress[level] < targetMs)) return false
  const fromMs = Number.isFinite(progress[level])
    ? Math.max(progress[level], Math.min(targetMs, await droppedBefore(connection)))
    : floorTo((await earliest(connection, level)) ?? targetMs, widthMs)
  const toMs = Math.min(targetMs, fromMs + Math.max(pieceMs, widthMs))
  if (fromMs < toMs) await connection.query(rollUpSql(level, ALL_SERIES), [new Date(fromMs), new Date(toMs)])
  await setRollupProgress(connection, level, toMs)
  return toMs < targetMs
}

function finer(progress: Record<Level, number>, level: Level): number {
  return progress[level === '1d' ? '1h' : '1m']
}

async function earliest(connection: Connection, level: Level): Promise<number | undefined> {
  const { table, time } = SOURCES[level]
  const { rows } = await connection.query<{ ms: number | null }>(
    `SELECT (extract(epoch FROM min(first)) * 1000)::float8 AS ms FROM series s CROSS JOIN LATERAL (
       SELECT ${time} AS first FROM ${table} WHERE series_id = s.id ORDER BY ${time} LIMIT 1
     ) AS r`,
  )
  return rows[0]?.ms ?? undefined
}

/** Makes the buckets again that late readings touched; true when more of them wait. */
async function foldLate(connection: Connection, notes: number): Promise<boolean> {
  const progress = await rollupProgress(connection)
  if (!Number.isFinite(progress['1m'])) return false
  const limit = Math.min(notes, limits.rollups.lateRangesMax)
  const late = await readLate(connection, limit)
  if (late.length === 0) return false
  const fromMs = await droppedBefore(connection)
  for (const { level, widthMs } of LEVELS) {
    const ranges = bucketRanges(late, widthMs, { fromMs, toMs: progress[level] })
    if (ranges.length === 0) continue
    await connection.query(rollUpSql(level, GIVEN_SERIES), [
      ranges.map(({ seriesId }) => seriesId),
      ranges.map(({ fromMs }) => new Date(fromMs)),
      ranges.map(({ toMs }) => new Date(toMs)),
    ])
  }
  await removeLate(
    connection,
    late.map(({ id }) => id),
  )
  return late.length === limit
}

/** Whole buckets that are rolled up already, each series' spans apart from one another. */
function bucketRanges(late: LateSpan[], widthMs: number, within: Span): (Span & { seriesId: number })[] {
  const bySeries = new Map<number, Span[]>()
  for (const { seriesId, firstMs, lastMs } of late) {
    const span = {
      fromMs: Math.max(within.fromMs, floorTo(firstMs, widthMs)),
      toMs: Math.min(within.toMs, ceilTo(lastMs + 1, widthMs)),
    }
    if (span.fromMs >= span.toMs) continue
    const spans = bySeries.get(seriesId)
    if (spans) spans.push(span)
    else bySeries.set(seriesId, [span])
  }
  return [...bySeries].flatMap(([seriesId, spans]) =>
    mergeSpans(spans).map((span) => ({ seriesId, ...span })),
  )
}

/** Removes a bounded piece of one series' rows; the number removed. */
export async function removePiece(
  pool: Pool,
  { table, time }: { table: string; time: string },
  seriesId: number,
): Promise<number> {
  const { rowCount } = await pool.query(
    `DELETE FROM ${table} WHERE series_id = $1 AND ${time} <= coalesce(
       (SELECT ${time} FROM ${table} WHERE series_id = $1 ORDER BY ${time} OFFSET $2 LIMIT 1), 'infinity')`,
    [seriesId, limits.deletions.pieceRowsMax - 1],
  )
  return rowCount ?? 0
}
