import type { Engine, EngineDescription } from './engine.ts'
import type { Pool } from './pool.ts'
import { LEVELS, type Level, rollupProgress } from './rollups.ts'

/** Settings whose wrong value loses acknowledged readings when the machine fails. */
const DURABILITY_SETTINGS = ['fsync', 'full_page_writes', 'synchronous_commit']

export interface StorageReport extends EngineDescription {
  engine: Engine['name']
  serverVersion: string
  durability: Record<string, string>
  databaseBytes: number
  newestReadingMs: number | null
  /** Up to where each level is rolled up; null before the first time. */
  rollups: { level: Level; doneUntilMs: number | null }[]
  /** Ranges of late readings that rollups do not hold yet. */
  lateRanges: number
  /** Deleted devices whose readings are still being removed. */
  deletionsOpen: number
}

/** What an operator wants to know of the storage. Takes some 10 ms, more with thousands of chunks: ask seldom. */
export async function reportStorage(pool: Pool, engine: Engine): Promise<StorageReport> {
  const { rows: settings } = await pool.query<{ name: string; setting: string }>(
    'SELECT name, setting FROM pg_settings WHERE name = ANY($1)',
    [['server_version', ...DURABILITY_SETTINGS]],
  )
  const setting = new Map(settings.map(({ name, setting: value }) => [name, value]))
  const { rows } = await pool.query<{
    databaseBytes: number
    newestReadingMs: number | null
    lateRanges: number
    deletionsOpen: number
  }>(
    `SELECT pg_database_size(current_database())::float8 AS "databaseBytes",
       (SELECT (extract(epoch FROM max(time)) * 1000)::float8 FROM latest_reading) AS "newestReadingMs",
       (SELECT count(*)::int FROM late_reading) AS "lateRanges",
       (SELECT count(*)::int FROM device_deletion WHERE finished_at IS NULL) AS "deletionsOpen"`,
  )
  const progress = await rollupProgress(pool)
  return {
    engine: engine.name,
    serverVersion: setting.get('server_version') ?? '',
    durability: Object.fromEntries(DURABILITY_SETTINGS.map((name) => [name, setting.get(name) ?? ''])),
    ...(rows[0] ?? { databaseBytes: 0, newestReadingMs: null, lateRanges: 0, deletionsOpen: 0 }),
    rollups: LEVELS.map(({ level }) => ({
      level,
      doneUntilMs: Number.isFinite(progress[level]) ? progress[level] : null,
    })),
    ...(await engine.describe()),
  }
}
