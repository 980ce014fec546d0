import type { Engine, EngineDescription } from './engine.ts'
import type { Pool, Queryable } from './pool.ts'
import { LEVELS, type Level, rollupProgress } from './rollups.ts'

/** Settings whose wrong value loses acknowledged readings when the machine fails. */
const DURABILITY_SETTINGS = ['fsync', 'full_page_writes', 'synchronous_commit'] as const

export interface DurabilitySetting {
  name: string
  value: string
  /** What this value promises or puts at risk, as a sentence. */
  means: string
  /** False: what was acknowledged can be lost when the machine fails. */
  holds: boolean
  /** It holds, but is worth a warning all the same. */
  isUnusual: boolean
}

type Judgement = Omit<DurabilitySetting, 'name' | 'value'>

const holds = (means: string): Judgement => ({ means, holds: true, isUnusual: false })
const breaks = (means: string): Judgement => ({ means, holds: false, isUnusual: false })

/** By setting and value. Standbys matter to whoever fails over to one: this server's own disk has it in each case. */
const JUDGEMENTS: Record<string, Record<string, Judgement>> = {
  fsync: {
    on: holds('What is committed is on disk.'),
    off: breaks('A crash of the machine or a power cut can lose or corrupt everything stored.'),
  },
  full_page_writes: {
    on: holds('A page that a power cut left half written is mended.'),
    off: breaks(
      'A power cut can leave half-written pages that nothing mends, unless the file system itself never does (ZFS).',
    ),
  },
  synchronous_commit: {
    on: holds(
      'A commit waits for this server’s disk, and for that of a synchronous standby if there is one.',
    ),
    remote_apply: holds('A commit waits for this server’s disk, and until a synchronous standby shows it.'),
    remote_write: holds(
      'A commit waits for this server’s disk; a synchronous standby may still have it in memory only.',
    ),
    local: holds('A commit waits for this server’s disk, not for a standby: a failover can miss the newest.'),
    off: {
      ...holds(
        'The server does not wait for its disk unless asked to. Telltale asks: its commits of readings wait all the same.',
      ),
      isUnusual: true,
    },
  },
}

/** A setting or value we do not know is not taken for safe. */
export function judgeDurability(settings: Record<string, string>): DurabilitySetting[] {
  return Object.entries(settings).map(([name, value]) => ({
    name,
    value,
    ...(JUDGEMENTS[name]?.[value] ??
      breaks('Nothing is known of this value: acknowledged readings may be lost.')),
  }))
}

/** The server's own values: what a session of ours asks for beyond them does not count. */
export async function readDurability(db: Queryable): Promise<Record<string, string>> {
  const { rows } = await db.query<{ name: string; setting: string }>(
    'SELECT name, reset_val AS setting FROM pg_settings WHERE name = ANY($1)',
    [DURABILITY_SETTINGS],
  )
  const setting = new Map(rows.map(({ name, setting: value }) => [name, value]))
  return Object.fromEntries(DURABILITY_SETTINGS.map((name) => [name, setting.get(name) ?? '']))
}

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
  const { rows: versions } = await pool.query<{ server_version: string }>('SHOW server_version')
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
    serverVersion: versions[0]?.server_version ?? '',
    durability: await readDurability(pool),
    ...(rows[0] ?? { databaseBytes: 0, newestReadingMs: null, lateRanges: 0, deletionsOpen: 0 }),
    rollups: LEVELS.map(({ level }) => ({
      level,
      doneUntilMs: Number.isFinite(progress[level]) ? progress[level] : null,
    })),
    ...(await engine.describe()),
  }
}
