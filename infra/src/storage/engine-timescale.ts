import type { Engine, EngineDescription, EngineJob } from './engine.ts'
import type { Pool } from './pool.ts'
import { LEVELS } from './rollups.ts'
import { createRefreshJob } from './rollups-timescale.ts'
import { materializedTable } from './timescale-install.ts'
import { keepPolicies, runOverdueJobs } from './timescale-policies.ts'

/** Hypertables, columnstore and continuous aggregates. */
export function createTimescaleEngine(pool: Pool): Engine {
  const refresh = createRefreshJob(pool)
  const jobsSeen = new Map<number, number>()
  return {
    name: 'timescale',
    // Chunks are made by the extension.
    cover: async () => {},
    forget: () => {},
    makeRoom: async () => {},
    async maintain(options) {
      await keepPolicies(pool, options)
      await runOverdueJobs(pool, jobsSeen, options.nowMs)
    },
    rollUp: refresh,
    async removeSeries(seriesIds) {
      let readings = 0
      const rollups = await Promise.all(LEVELS.map(({ level }) => materializedTable(pool, level)))
      // Series by series and by nothing but the series: whole batches of the columnstore go without being unpacked.
      for (const seriesId of seriesIds) {
        for (const table of ['reading', 'reading_text']) readings += await removeAll(pool, table, seriesId)
        for (const table of rollups) await removeAll(pool, table, seriesId)
      }
      return { readings, done: true }
    },
    describe: () => describe(pool),
  }
}

/** A year of one series at 1 Hz is 30,000 batches: seconds, so the usual time-out does not apply. */
const REMOVE_TIMEOUT = '10min'

async function removeAll(pool: Pool, table: string, seriesId: number): Promise<number> {
  const connection = await pool.connect()
  let broken: Error | undefined
  try {
    await connection.query(`BEGIN; SET LOCAL statement_timeout = '${REMOVE_TIMEOUT}'`)
    const { rowCount } = await connection.query(`DELETE FROM ${table} WHERE series_id = $1`, [seriesId])
    await connection.query('COMMIT')
    return rowCount ?? 0
  } catch (error) {
    broken = error as Error
    throw error
  } finally {
    connection.release(broken)
  }
}

async function describe(pool: Pool): Promise<EngineDescription> {
  const { rows } = await pool.query<{ version: string; readings: number; rollups: number }>(
    `SELECT (SELECT extversion FROM pg_extension WHERE extname = 'timescaledb') AS version,
       (hypertable_size('reading') + hypertable_size('reading_text'))::float8 AS readings,
       (SELECT sum(hypertable_size(format('%I.%I', materialization_hypertable_schema, materialization_hypertable_name)
          ::regclass)) FROM timescaledb_information.continuous_aggregates)::float8 AS rollups`,
  )
  return {
    extensionVersion: rows[0]?.version ?? null,
    bytes: { readings: rows[0]?.readings ?? 0, rollups: rows[0]?.rollups ?? 0 },
    compression: await describeColumnstore(pool),
    oldestReadingMs: await oldestReading(pool),
    jobs: await listJobs(pool),
  }
}

async function describeColumnstore(pool: Pool): Promise<EngineDescription['compression']> {
  const { rows } = await pool.query<NonNullable<EngineDescription['compression']>>(
    `SELECT coalesce(sum(before_compression_total_bytes), 0)::float8 AS "beforeBytes",
       coalesce(sum(after_compression_total_bytes), 0)::float8 AS "afterBytes",
       coalesce(sum(total_chunks), 0)::int AS chunks,
       coalesce(sum(number_compressed_chunks), 0)::int AS "chunksCompressed"
     FROM unnest(ARRAY['reading', 'reading_text']::regclass[]) AS t (name), hypertable_columnstore_stats(t.name)`,
  )
  return rows[0] ?? null
}

/** In the oldest chunk: its columnstore knows the smallest time of each batch. */
async function oldestReading(pool: Pool): Promise<number | null> {
  const { rows: chunks } = await pool.query<{ name: string }>(
    `SELECT format('%I.%I', chunk_schema, chunk_name) AS name FROM timescaledb_information.chunks
     WHERE hypertable_schema = current_schema() AND hypertable_name = 'reading' ORDER BY range_start LIMIT 3`,
  )
  for (const { name } of chunks) {
    const { rows } = await pool.query<{ ms: number | null }>(
      `SELECT (extract(epoch FROM min(time)) * 1000)::float8 AS ms FROM ${name}`,
    )
    if (rows[0]?.ms != null) return rows[0].ms
  }
  return null
}

async function listJobs(pool: Pool): Promise<EngineJob[]> {
  const { rows } = await pool.query<EngineJob>(
    `SELECT format('%s %s', regexp_replace(j.proc_name, '^policy_', ''), coalesce(a.view_name, j.hypertable_name)) AS name,
       CASE WHEN isfinite(s.last_successful_finish)
         THEN (extract(epoch FROM s.last_successful_finish) * 1000)::float8 END AS "lastSuccessMs",
       s.last_run_status IS DISTINCT FROM 'Failed' AS ok
     FROM timescaledb_information.jobs j
     LEFT JOIN timescaledb_information.job_stats s USING (job_id)
     LEFT JOIN timescaledb_information.continuous_aggregates a
       ON a.materialization_hypertable_name = j.hypertable_name
     WHERE j.hypertable_name IS NOT NULL ORDER BY j.job_id`,
  )
  return rows
}
