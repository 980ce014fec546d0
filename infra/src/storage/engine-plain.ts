import { limits } from '../limits.ts'
import type { Engine, EngineDescription } from './engine.ts'
import { LOCK_NOT_AVAILABLE, sqlState } from './errors.ts'
import { firstLate } from './late.ts'
import { advisoryLocks } from './locks.ts'
import { inTransaction, type Pool } from './pool.ts'
import { rollupProgress, setDroppedBefore } from './rollups.ts'
import { createRollupJob, removePiece } from './rollups-plain.ts'

const DAY_MS = 86_400_000
/** A partition a week: few enough for the planner over years, small enough for retention to be exact to days. */
const PARTITION_MS = 7 * DAY_MS
/** 1970-01-05 was a Monday: partitions start on Mondays, UTC. */
const FIRST_MONDAY_MS = 4 * DAY_MS
const PARTITIONED = ['reading', 'reading_text'] as const
/** Where a series has rows, and the column that orders them. */
const TABLES = [
  { table: 'reading', time: 'time' },
  { table: 'reading_text', time: 'time' },
  { table: 'rollup_1m', time: 'bucket' },
  { table: 'rollup_1h', time: 'bucket' },
  { table: 'rollup_1d', time: 'bucket' },
] as const

/** Native range partitions of plain PostgreSQL, made before rows need them; rollup tables kept by a job. */
export function createPlainEngine(pool: Pool): Engine {
  const known = new Set<number>()

  async function cover(timesMs: number[]): Promise<void> {
    // Only what rows need: two rows a century apart are two partitions.
    const missing = new Set<number>()
    for (const time of timesMs) {
      const start = partitionStart(time)
      if (!known.has(start)) missing.add(start)
    }
    if (missing.size === 0) return
    await inTransaction(pool, async (connection) => {
      await connection.query('SELECT pg_advisory_xact_lock($1)', [advisoryLocks.partition])
      for (const start of missing)
        for (const table of PARTITIONED) {
          const name = partitionName(table, start)
          const { rows } = await connection.query('SELECT to_regclass($1) AS found', [name])
          if (rows[0].found) continue
          // Made apart and attached: unlike CREATE … PARTITION OF, this does not wait for running queries.
          await connection.query(`CREATE TABLE ${name} (LIKE ${table} INCLUDING ALL)`)
          await connection.query(`ALTER TABLE ${table} ATTACH PARTITION ${name}
            FOR VALUES FROM ('${isoDate(start)} 00:00+00') TO ('${isoDate(start + PARTITION_MS)} 00:00+00')`)
        }
    })
    for (const start of missing) known.add(start)
  }

  async function dropBefore(oldMs: number): Promise<void> {
    // What is not rolled up yet must not go.
    const limitMs = Math.min(oldMs, (await rollupProgress(pool))['1m'], await firstLate(pool))
    for (const name of await partitions(pool)) {
      const start = partitionStartOf(name)
      if (start === undefined || start + PARTITION_MS > limitMs) continue
      await setDroppedBefore(pool, start + PARTITION_MS)
      if (!(await dropPartition(pool, name))) return
      known.delete(start)
    }
  }

  return {
    name: 'plain',
    cover,
    forget: () => known.clear(),
    makeRoom: (nowMs) => cover([nowMs, nowMs + PARTITION_MS, nowMs + 2 * PARTITION_MS]),
    async maintain({ nowMs, retentionDays }) {
      if (retentionDays > 0) await dropBefore(nowMs - retentionDays * DAY_MS)
    },
    rollUp: createRollupJob(pool),
    async removeSeries(seriesIds) {
      let removed = 0
      let readings = 0
      for (const seriesId of seriesIds)
        for (const place of TABLES) {
          const rows = await removePiece(pool, place, seriesId)
          removed += rows
          if (place.time === 'time') readings += rows
          if (removed >= limits.deletions.pieceRowsMax) return { readings, done: false }
        }
      return { readings, done: true }
    },
    describe: () => describe(pool),
  }
}

/** Everybody who needs the table waits behind whoever waits to drop it: during a backup, say, it is left for later. */
const DROP_LOCK_TIMEOUT = '1s'

async function dropPartition(pool: Pool, name: string): Promise<boolean> {
  try {
    await inTransaction(pool, async (connection) => {
      await connection.query(`SET LOCAL lock_timeout = '${DROP_LOCK_TIMEOUT}'`)
      await connection.query(`DROP TABLE IF EXISTS ${name}`)
    })
    return true
  } catch (error) {
    if (sqlState(error) === LOCK_NOT_AVAILABLE) return false
    throw error
  }
}

async function partitions(pool: Pool): Promise<string[]> {
  const { rows } = await pool.query<{ name: string }>(
    `SELECT c.relname AS name FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
     WHERE i.inhparent = ANY($1::regclass[]) ORDER BY c.relname`,
    [PARTITIONED],
  )
  return rows.map(({ name }) => name)
}

async function describe(pool: Pool): Promise<EngineDescription> {
  const names = await partitions(pool)
  const { rows } = await pool.query<{ readings: number; rollups: number }>(
    `SELECT (SELECT coalesce(sum(pg_total_relation_size(name::regclass)), 0)
         FROM unnest($1::text[]) AS p (name))::float8 AS readings,
       (SELECT sum(pg_total_relation_size(name::regclass)) FROM unnest($2::text[]) AS r (name))::float8 AS rollups`,
    [names, ['rollup_1m', 'rollup_1h', 'rollup_1d']],
  )
  return {
    extensionVersion: null,
    bytes: rows[0] ?? { readings: 0, rollups: 0 },
    compression: null,
    oldestReadingMs: await oldestReading(pool, names),
    jobs: [],
  }
}

/** In the oldest partition that has a row. */
async function oldestReading(pool: Pool, names: string[]): Promise<number | null> {
  const numbers = names.filter((name) => name.startsWith('reading_p'))
  for (const name of numbers) {
    const { rows } = await pool.query<{ ms: number | null }>(
      `SELECT (extract(epoch FROM min(first)) * 1000)::float8 AS ms FROM series s CROSS JOIN LATERAL (
         SELECT time AS first FROM ${name} WHERE series_id = s.id ORDER BY time LIMIT 1
       ) AS r`,
    )
    if (rows[0]?.ms != null) return rows[0].ms
  }
  return null
}

function partitionStart(timeMs: number): number {
  return Math.floor((timeMs - FIRST_MONDAY_MS) / PARTITION_MS) * PARTITION_MS + FIRST_MONDAY_MS
}

/** Names are made from numbers only: nothing of a device ever becomes part of an SQL identifier. */
function partitionName(table: string, startMs: number): string {
  return `${table}_p${isoDate(startMs).replaceAll('-', '')}`
}

function partitionStartOf(name: string): number | undefined {
  const match = /_p(\d{4})(\d{2})(\d{2})$/.exec(name)
  return match ? Date.UTC(Number(match[1]), Number(match[2]) - 1, Number(match[3])) : undefined
}

function isoDate(timeMs: number): string {
  return new Date(timeMs).toISOString().slice(0, 10)
}
