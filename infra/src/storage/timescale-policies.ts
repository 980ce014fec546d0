import type { MaintainOptions } from './engine.ts'
import { advisoryLocks } from './locks.ts'
import { inTransaction, type Pool, type Queryable } from './pool.ts'
import { droppedBefore, LEVELS, type Level, rollupProgress, setDroppedBefore } from './rollups.ts'

const DAY_MS = 86_400_000

/**
 * The extension's own jobs. Refreshing is done by us as well, sooner (rollups-timescale.ts): these cover what other
 * programs write, and go on while no broker runs.
 */
interface Policy {
  kind: 'refresh' | 'columnstore' | 'retention'
  relation: string
  /** As it stands in the job's config; a job that says otherwise is replaced. */
  config: Record<string, string>
}

/** They end further back than our own refresh, which knows best how far rollups may go (limits.rollups). */
const REFRESH: Record<Level, { end: string; every: string }> = {
  '1m': { end: '15 minutes', every: '10 minutes' },
  '1h': { end: '2 hours', every: '1 hour' },
  '1d': { end: '2 days', every: '12 hours' },
}
const TABLES = ['reading', 'reading_text'] as const
/** Late readings mostly come within a day: until then their chunk stays as rows. */
const COLUMNSTORE_AFTER = '1 day'

/**
 * Makes the policies what the settings ask for. A refresh must never reach readings that retention has dropped, or
 * it would empty their rollups: it looks back as far as readings may arrive and two days more (the widest bucket and
 * room), and retention drops chunks a day older than that at the earliest.
 */
export async function keepPolicies(pool: Pool, options: MaintainOptions): Promise<void> {
  await inTransaction(pool, async (db) => {
    await db.query('SELECT pg_advisory_xact_lock($1)', [advisoryLocks.policies])
    await setPolicies(db, options)
    await keepChunkInterval(db)
  })
}

async function setPolicies(db: Queryable, options: MaintainOptions): Promise<void> {
  const { retentionDays, backfillDays, nowMs } = options
  const progress = await rollupProgress(db)
  const wantedDays = (retentionDays > 0 ? Math.min(retentionDays, backfillDays) : backfillDays) + 4
  const keptDays = retentionDays > 0 ? Math.max(retentionDays, wantedDays) + 1 : 0
  const keptSinceMs = nowMs - keptDays * DAY_MS
  // What is not rolled up yet must not go.
  const isRolledUp = LEVELS.every(({ level }) => progress[level] > keptSinceMs)
  if (keptDays > 0 && isRolledUp) await setDroppedBefore(db, keptSinceMs)
  for (const table of TABLES) {
    await keepPolicy(db, columnstorePolicy(table))
    await keepRetention(db, table, isRolledUp ? keptDays : 0)
  }
  // A retention that was shorter before has dropped more than it would now.
  const lookBackDays = Math.min(wantedDays, Math.floor((nowMs - (await droppedBefore(db))) / DAY_MS))
  for (const { level } of LEVELS) {
    // What was never rolled up lies further back than a policy looks: our own job gets there first.
    if (!(progress[level] > nowMs - (lookBackDays - 1) * DAY_MS)) return
    await keepPolicy(db, {
      kind: 'refresh',
      relation: `reading_${level}`,
      config: { start_offset: `${lookBackDays} days`, end_offset: REFRESH[level].end },
    })
    await keepPolicy(db, columnstorePolicy(`reading_${level}`))
  }
}

function columnstorePolicy(relation: string): Policy {
  return { kind: 'columnstore', relation, config: { compress_after: COLUMNSTORE_AFTER } }
}

async function keepRetention(db: Queryable, relation: string, days: number): Promise<void> {
  if (days > 0) await keepPolicy(db, { kind: 'retention', relation, config: { drop_after: `${days} days` } })
  else await db.query(`SELECT remove_retention_policy('${relation}', if_exists => true)`)
}

async function keepPolicy(db: Queryable, policy: Policy): Promise<void> {
  if (await isAsWanted(db, policy)) return
  const { kind, relation, config } = policy
  if (kind === 'retention') {
    await db.query(`SELECT remove_retention_policy('${relation}', if_exists => true)`)
    await db.query(`SELECT add_retention_policy('${relation}', INTERVAL '${config.drop_after}')`)
  } else if (kind === 'columnstore') {
    await db.query(`CALL remove_columnstore_policy('${relation}', if_exists => true)`)
    await db.query(`CALL add_columnstore_policy('${relation}', after => INTERVAL '${config.compress_after}')`)
  } else {
    const level = relation.slice('reading_'.length) as Level
    await db.query(`SELECT remove_continuous_aggregate_policy('${relation}', if_exists => true)`)
    await db.query(`SELECT add_continuous_aggregate_policy('${relation}',
      start_offset => INTERVAL '${config.start_offset}', end_offset => INTERVAL '${config.end_offset}',
      schedule_interval => INTERVAL '${REFRESH[level].every}', refresh_newest_first => false)`)
  }
}

const PROCEDURES = {
  refresh: 'policy_refresh_continuous_aggregate',
  columnstore: 'policy_compression',
  retention: 'policy_retention',
} as const

async function isAsWanted(db: Queryable, { kind, relation, config }: Policy): Promise<boolean> {
  const { rows } = await db.query<{ config: Record<string, string> }>(
    `SELECT j.config FROM timescaledb_information.jobs j
     LEFT JOIN timescaledb_information.continuous_aggregates a
       ON a.materialization_hypertable_name = j.hypertable_name
     WHERE j.proc_name = $1 AND coalesce(a.view_name, j.hypertable_name) = $2
       AND coalesce(a.view_schema, j.hypertable_schema) = current_schema()`,
    [PROCEDURES[kind], relation],
  )
  const found = rows[0]?.config
  if (!found) return false
  const { rows: same } = await db.query<{ same: boolean }>(
    'SELECT bool_and(found::interval = wanted::interval) AS same FROM unnest($1::text[], $2::text[]) AS t (found, wanted)',
    [Object.keys(config).map((key) => found[key]), Object.values(config)],
  )
  return same[0]?.same ?? false
}

/** Chunk widths that end at midnight UTC, so that no bucket spans two chunks. */
const CHUNK_HOURS = [1, 3, 6, 12, 24, 168] as const
/** A chunk this much smaller than it may be can be wider. */
const ROOM = 16

/**
 * Rows arrive at the newest chunk: it and its index should stay in memory, and a quarter of what PostgreSQL believes
 * to have (effective_cache_size) is the extension's own advice.
 */
export function nextChunkHours(hours: number, chunkBytes: number, cacheBytes: number): number {
  const place = CHUNK_HOURS.findIndex((width) => width >= hours)
  const target = cacheBytes / 4
  if (chunkBytes > target) return CHUNK_HOURS[Math.max(0, place - 1)] as number
  if (chunkBytes < target / ROOM) return CHUNK_HOURS[Math.min(CHUNK_HOURS.length - 1, place + 1)] as number
  return hours
}

/** Judged by the newest chunk of the present width that is complete and still held as rows. */
export async function keepChunkInterval(db: Queryable): Promise<void> {
  const { rows } = await db.query<{ hours: number; bytes: number; cache: number }>(
    `SELECT (extract(epoch FROM d.time_interval) / 3600)::float8 AS hours,
       pg_total_relation_size(format('%I.%I', c.chunk_schema, c.chunk_name)::regclass)::float8 AS bytes,
       pg_size_bytes(current_setting('effective_cache_size'))::float8 AS cache
     FROM timescaledb_information.dimensions d JOIN timescaledb_information.chunks c
       USING (hypertable_schema, hypertable_name)
     WHERE d.hypertable_schema = current_schema() AND d.hypertable_name = 'reading' AND NOT c.is_compressed
       AND c.range_end < now() AND c.range_end > now() - interval '2 days'
       AND c.range_end - c.range_start = d.time_interval
     ORDER BY c.range_end DESC LIMIT 1`,
  )
  const newest = rows[0]
  if (!newest) return
  const hours = nextChunkHours(newest.hours, newest.bytes, newest.cache)
  if (hours === newest.hours) return
  for (const table of TABLES)
    await db.query(`SELECT set_chunk_time_interval('${table}', INTERVAL '${hours} hours')`)
}

/**
 * Runs the columnstore and retention jobs ourselves when the extension's background workers do not (too few of them,
 * or they fail): what is due is done, whatever the reason.
 * @param seen when we ran a job last, or saw it first, by its id
 */
export async function runOverdueJobs(pool: Pool, seen: Map<number, number>, nowMs: number): Promise<void> {
  const { rows } = await pool.query<{ id: number; everyMs: number; hasFailed: boolean }>(
    `SELECT j.job_id AS id, (extract(epoch FROM j.schedule_interval) * 1000)::float8 AS "everyMs",
       coalesce(s.last_run_status = 'Failed', false) AS "hasFailed"
     FROM timescaledb_information.jobs j LEFT JOIN timescaledb_information.job_stats s USING (job_id)
     LEFT JOIN timescaledb_information.continuous_aggregates a
       ON a.materialization_hypertable_name = j.hypertable_name
     WHERE j.proc_name = ANY($1) AND coalesce(a.view_schema, j.hypertable_schema) = current_schema()
       AND s.job_status IS DISTINCT FROM 'Running' AND (s.last_run_status = 'Failed'
       OR coalesce(s.last_run_started_at, '-infinity') < now() - 2 * j.schedule_interval)`,
    [[PROCEDURES.columnstore, PROCEDURES.retention]],
  )
  const errors: unknown[] = []
  for (const { id, everyMs, hasFailed } of rows) {
    const lastMs = seen.get(id)
    if (lastMs !== undefined ? nowMs - lastMs < everyMs : !hasFailed) {
      // One that has not begun yet has its turn first.
      if (lastMs === undefined) seen.set(id, nowMs)
      continue
    }
    seen.set(id, nowMs)
    // One that fails keeps none of the others from running.
    await runJob(pool, id).catch((error: unknown) => errors.push(error))
  }
  if (errors.length > 0) throw new AggregateError(errors, 'not every job of TimescaleDB could be run')
}

async function runJob(pool: Pool, id: number): Promise<void> {
  const connection = await pool.connect()
  try {
    await connection.query(`SET statement_timeout = '1h'`)
    await connection.query('CALL run_job($1)', [id])
  } finally {
    // Its time-out is not for others.
    connection.release(true)
  }
}
