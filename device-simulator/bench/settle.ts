/** Brings a loaded database to where the product would have it after that time: rolled up, compressed, vacuumed. */
import { setTimeout as sleep } from 'node:timers/promises'
import { type Engine, type EngineDescription, openEngine } from '@telltale/infra/storage/engine'
import type { Pool } from '@telltale/infra/storage/pool'
import { rollupProgress } from '@telltale/infra/storage/rollups'
import type { Database } from './servers.ts'

export interface Settled {
  rollUpSeconds: number
  /** 0 where there is no columnstore. */
  compressSeconds: number
  /** With everything still held as rows. */
  asRows: EngineDescription
  now: EngineDescription
}

/** The broker's default. */
const BACKFILL_DAYS = 30

export async function settle({ pool }: Database, log: (line: string) => void): Promise<Settled> {
  const engine = await openEngine(pool)
  await pool.query('ANALYZE')
  const rollUpSeconds = await timed(() => rollUpAll(engine, pool, log))
  const asRows = await engine.describe()
  await engine.maintain({ nowMs: Date.now(), retentionDays: 0, backfillDays: BACKFILL_DAYS })
  const compressSeconds = engine.name === 'timescale' ? await timed(() => compressAll(pool)) : 0
  // As autovacuum would have by now.
  await pool.query('VACUUM (ANALYZE)')
  log(`rolled up in ${rollUpSeconds.toFixed(1)} s, compressed in ${compressSeconds.toFixed(1)} s`)
  return { rollUpSeconds, compressSeconds, asRows, now: await engine.describe() }
}

export async function timed(work: () => Promise<unknown>): Promise<number> {
  const startMs = performance.now()
  await work()
  return (performance.now() - startMs) / 1_000
}

const ROLL_UP_DEADLINE_MS = 900_000
const SAY_EVERY_MS = 15_000

/** @throws Error when they take so long that the bench would seem to hang */
async function rollUpAll(engine: Engine, pool: Pool, log: (line: string) => void): Promise<void> {
  const deadlineMs = Date.now() + ROLL_UP_DEADLINE_MS
  for (let sayAtMs = Date.now() + SAY_EVERY_MS; await engine.rollUp(); ) {
    if (Date.now() < sayAtMs) continue
    sayAtMs = Date.now() + SAY_EVERY_MS
    const progress = Object.entries(await rollupProgress(pool))
    const reached = progress.map(
      ([level, ms]) => `${level} ${Number.isFinite(ms) ? new Date(ms).toISOString() : '–'}`,
    )
    log(`rolling up: ${reached.join(', ')}`)
    if (Date.now() > deadlineMs)
      throw new Error(`rollups did not catch up in ${ROLL_UP_DEADLINE_MS / 1_000} s`)
  }
}

/** By the columnstore's own jobs: which chunks, and how, is the product's choice. */
async function compressAll(pool: Pool): Promise<void> {
  const { rows } = await pool.query<{ id: number }>(
    `SELECT job_id AS id FROM timescaledb_information.jobs WHERE proc_name = 'policy_compression' ORDER BY 1`,
  )
  for (const { id } of rows) await pool.query('CALL run_job($1)', [id])
}

const QUIET_POLLS = 5
const POLL_MS = 200
const QUIET_DEADLINE_MS = 120_000

/** Waits until no program and no job of the database works in it. */
export async function untilQuiet(pool: Pool): Promise<void> {
  const deadlineMs = Date.now() + QUIET_DEADLINE_MS
  for (let quiet = 0; quiet < QUIET_POLLS && Date.now() < deadlineMs; ) {
    await sleep(POLL_MS)
    const { rowCount } = await pool.query(
      `SELECT FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()
         AND state <> 'idle' LIMIT 1`,
    )
    quiet = rowCount === 0 ? quiet + 1 : 0
  }
}
