import { limits } from '../limits.ts'
import { readLate, removeLate } from './late.ts'
import type { Connection, Pool } from './pool.ts'
import {
  asOnlyWorker,
  ceilTo,
  databaseNow,
  droppedBefore,
  floorTo,
  LEVELS,
  type Level,
  mergeSpans,
  Pace,
  rollupProgress,
  type Span,
  setRollupProgress,
} from './rollups.ts'

/**
 * Refreshes the continuous aggregates from the oldest reading to now, in order, and again where readings came late.
 * A refresh only looks at what changed since the last one, so repeating a piece after a crash costs little.
 */
export function createRefreshJob(pool: Pool): () => Promise<boolean> {
  const paces = new Map(LEVELS.map(({ level, widthMs }) => [level, new Pace(Math.max(widthMs, 3_600_000))]))

  return async () => {
    const isMore = await asOnlyWorker(pool, async (connection) => {
      let more = false
      for (const { level, widthMs } of LEVELS) {
        const pace = paces.get(level) as Pace
        const startedMs = performance.now()
        if (await advance(connection, level, { widthMs, pieceMs: pace.pieceMs })) more = true
        pace.took(performance.now() - startedMs)
      }
      return (await foldLate(connection)) || more
    })
    return isMore ?? false
  }
}

async function advance(
  connection: Connection,
  level: Level,
  { widthMs, pieceMs }: { widthMs: number; pieceMs: number },
): Promise<boolean> {
  const progress = await rollupProgress(connection)
  const finer = level === '1d' ? progress['1h'] : progress['1m']
  const ready = level === '1m' ? (await databaseNow(connection)) - limits.rollups.settleMs : finer
  const targetMs = floorTo(ready, widthMs)
  if (!(progress[level] < targetMs)) return false
  const fromMs = Number.isFinite(progress[level])
    ? progress[level]
    : floorTo((await earliestChunk(connection)) ?? targetMs - widthMs, widthMs)
  const toMs = Math.min(targetMs, fromMs + Math.max(pieceMs, widthMs))
  if (fromMs < toMs) await refresh(connection, { level, fromMs, toMs, force: false })
  await setRollupProgress(connection, level, toMs)
  return toMs < targetMs
}

/** Outside a transaction: it commits in between. */
async function refresh(
  connection: Connection,
  { level, fromMs, toMs, force }: Span & { level: Level; force: boolean },
): Promise<void> {
  const [from, to] = [fromMs, toMs].map((ms) => new Date(ms).toISOString())
  await connection.query(
    `CALL refresh_continuous_aggregate('reading_${level}', '${from}'::timestamptz, '${to}'::timestamptz, ${force})`,
  )
}

async function earliestChunk(connection: Connection): Promise<number | undefined> {
  const { rows } = await connection.query<{ ms: number | null }>(
    `SELECT (extract(epoch FROM min(range_start)) * 1000)::float8 AS ms FROM timescaledb_information.chunks
     WHERE hypertable_schema = current_schema() AND hypertable_name = 'reading'`,
  )
  return rows[0]?.ms ?? undefined
}

/** True when more late ranges wait. */
async function foldLate(connection: Connection): Promise<boolean> {
  const progress = await rollupProgress(connection)
  if (!Number.isFinite(progress['1m'])) return false
  const limit = limits.rollups.lateRangesMax
  const late = await readLate(connection, limit)
  if (late.length === 0) return false
  // A refresh where retention has dropped the readings would empty their rollups.
  const oldestMs = await droppedBefore(connection)
  for (const { level, widthMs } of LEVELS) {
    const spans = late.map(({ firstMs, lastMs }) => ({
      fromMs: Math.max(floorTo(firstMs, widthMs), oldestMs),
      toMs: Math.min(ceilTo(lastMs + 1, widthMs), progress[level]),
    }))
    // Forced: a policy that works on the same range has taken its changes off the extension's list when it begins.
    for (const span of mergeSpans(spans.filter(({ fromMs, toMs }) => fromMs < toMs)))
      await refresh(connection, { level, ...span, force: true })
  }
  await removeLate(
    connection,
    late.map(({ id }) => id),
  )
  return late.length === limit
}
