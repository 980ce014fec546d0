import { limits } from '../limits.ts'
import { LOCK_NOT_AVAILABLE, sqlState } from './errors.ts'
import type { Connection, Pool } from './pool.ts'
import { refreshAggregate } from './refresh.ts'
import {
  asOnlyWorker,
  ceilTo,
  databaseNow,
  droppedBefore,
  floorTo,
  LEVELS,
  type Level,
  Pace,
  rollupProgress,
  type Span,
  setRollupProgress,
} from './rollups.ts'

const HOUR_MS = 3_600_000

/**
 * Refreshes the continuous aggregates from the oldest reading to now, in order, and again where readings came late.
 * A refresh only looks at what changed since the last one, so repeating a piece after a crash costs little.
 */
export function createRefreshJob(pool: Pool): () => Promise<boolean> {
  const paces = new Map(LEVELS.map(({ level, widthMs }) => [level, new Pace(Math.max(widthMs, HOUR_MS))]))
  const latePace = new Pace(HOUR_MS)
  let restsUntilMs = 0

  return async () => {
    const work = async (connection: Connection) => {
      for (const { level, widthMs } of LEVELS) {
        const pace = paces.get(level) as Pace
        // A finer level first, whole: made from one that lags far behind, an aggregate is made from all readings.
        if (await pace.time((pieceMs) => advance(connection, level, { widthMs, pieceMs }))) return true
      }
      const startedMs = performance.now()
      if (startedMs < restsUntilMs) return false
      const isMore = await latePace.time((pieceMs) => foldLate(connection, pieceMs))
      const endedMs = performance.now()
      // The aggregate of a day reads what came in the last minutes each time, and devices that are always late would
      // have that done on and on. Notes that come meanwhile join; charts read the readings until then.
      const { longFoldMs, longFoldRests } = limits.rollups
      if (endedMs - startedMs > longFoldMs) restsUntilMs = endedMs + longFoldRests * (endedMs - startedMs)
      return isMore
    }
    try {
      return (await asOnlyWorker(pool, work)) ?? false
    } catch (error) {
      // A policy works on the same range just now: it waits until the next round, like everything behind it.
      if (sqlState(error) === LOCK_NOT_AVAILABLE) return false
      throw error
    }
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
    ? Math.max(progress[level], Math.min(targetMs, await droppedBefore(connection)))
    : floorTo((await earliestChunk(connection)) ?? targetMs - widthMs, widthMs)
  const toMs = Math.min(targetMs, fromMs + Math.max(pieceMs, widthMs))
  if (fromMs < toMs) await refresh(connection, { level, fromMs, toMs, force: false })
  await setRollupProgress(connection, level, toMs)
  return toMs < targetMs
}

async function refresh(
  connection: Connection,
  { level, fromMs, toMs, force }: Span & { level: Level; force: boolean },
): Promise<void> {
  const [from, to] = [fromMs, toMs].map((ms) => new Date(ms).toISOString()) as [string, string]
  await refreshAggregate(connection, { level, from, to, force })
}

async function earliestChunk(connection: Connection): Promise<number | undefined> {
  const { rows } = await connection.query<{ ms: number | null }>(
    `SELECT (extract(epoch FROM min(range_start)) * 1000)::float8 AS ms FROM timescaledb_information.chunks
     WHERE hypertable_schema = current_schema() AND hypertable_name = 'reading'`,
  )
  return rows[0]?.ms ?? undefined
}

/**
 * The oldest stretch that notes of late readings cover, a bounded piece of it: all series at once, for the extension
 * knows changes by their time only. Notes shrink with it. True when more is left.
 */
async function foldLate(connection: Connection, pieceMs: number): Promise<boolean> {
  const progress = await rollupProgress(connection)
  if (!Number.isFinite(progress['1m'])) return false
  const late = await firstLateStretch(connection)
  if (!late) return false
  // A refresh where retention has dropped the readings would empty their rollups.
  const oldestMs = await droppedBefore(connection)
  const fromMs = Math.max(oldestMs, floorTo(late.fromMs, HOUR_MS))
  const doneMs = Math.min(late.toMs, fromMs + pieceMs)
  for (const { level, widthMs } of LEVELS) {
    const span = {
      fromMs: Math.max(oldestMs, floorTo(fromMs, widthMs)),
      toMs: Math.min(ceilTo(doneMs, widthMs), progress[level]),
    }
    // Forced: a policy that works on the same range has taken its changes off the extension's list when it begins.
    if (span.fromMs < span.toMs) await refresh(connection, { level, ...span, force: true })
  }
  await shortenNotes(connection, late.upToId, doneMs)
  return true
}

/** The first stretch of all ripe notes together, its end not included. */
async function firstLateStretch(connection: Connection): Promise<(Span & { upToId: number }) | undefined> {
  const { rows } = await connection.query<Span & { upToId: number }>(
    `SELECT (extract(epoch FROM lower(stretch)) * 1000)::float8 AS "fromMs",
       (extract(epoch FROM upper(stretch)) * 1000)::float8 + 1 AS "toMs", "upToId"
     FROM (
       SELECT unnest(range_agg(tstzrange(first_at, last_at, '[]'))) AS stretch, max(id) AS "upToId"
       FROM late_reading WHERE noted_at < now() - $1 * interval '1 millisecond'
     ) AS merged ORDER BY stretch LIMIT 1`,
    [limits.rollups.noteRestsMs],
  )
  return rows[0]
}

/** What lies before `doneMs` is in the rollups now. */
async function shortenNotes(connection: Connection, upToId: number, doneMs: number): Promise<void> {
  const ripe = `id <= $1 AND first_at < $2 AND noted_at < now() - $3 * interval '1 millisecond'`
  const values = [upToId, new Date(doneMs), limits.rollups.noteRestsMs]
  await connection.query(`DELETE FROM late_reading WHERE ${ripe} AND last_at < $2`, values)
  await connection.query(`UPDATE late_reading SET first_at = $2 WHERE ${ripe}`, values)
}
