import type { Client } from 'pg'
import { advisoryLocks } from './locks.ts'
import type { Queryable } from './pool.ts'
import { refreshAggregate } from './refresh.ts'
import { LEVELS, SCALED_SUM } from './rollups.ts'

/** The oldest extension whose columnstore and continuous aggregates do what we need. */
const VERSION_MIN = [2, 20] as const

/**
 * At first; the width of reading chunks follows their size. Rollups go to the columnstore chunk by chunk as well, so
 * those of a minute must not wait for a wide chunk to end: as rows they are larger than what they are made from.
 */
const CHUNK = { reading: '1 day', '1m': '1 day', '1h': '7 days', '1d': '100 days' } as const

export interface TimescaleState {
  /** The readings of this database are hypertables. */
  isInstalled: boolean
  extensionVersion: string | null
}

export async function timescaleState(db: Queryable | Client): Promise<TimescaleState> {
  const { rows } = await db.query<{ version: string }>(
    `SELECT extversion AS version FROM pg_extension WHERE extname = 'timescaledb'`,
  )
  const version = rows[0]?.version ?? null
  if (version === null) return { isInstalled: false, extensionVersion: null }
  const found = await db.query(
    `SELECT FROM timescaledb_information.hypertables
     WHERE hypertable_schema = current_schema() AND hypertable_name = 'reading'`,
  )
  return { isInstalled: found.rowCount === 1, extensionVersion: version }
}

/**
 * Turns the readings of a migrated database into hypertables with continuous aggregates where TimescaleDB is
 * available; a database that has readings already is converted partition by partition, each in a transaction of its
 * own, so that a start killed halfway goes on where it was. Does nothing where the extension is missing.
 * @param say told what a person should know: why TimescaleDB is not used, and how far a conversion is
 */
export async function installTimescale(client: Client, say: (line: string) => void): Promise<void> {
  const { isInstalled } = await timescaleState(client)
  if (!isInstalled) {
    const obstacle = await findObstacle(client)
    if (obstacle === 'absent') return
    if (obstacle) return say(`${obstacle}; readings are kept in plain PostgreSQL`)
    // A broker that still runs may be rolling up; afterwards it finds the tables changed and stops doing so.
    await client.query('SELECT pg_advisory_lock($1)', [advisoryLocks.rollup])
    await inTransaction(client, () => createHypertables(client))
  }
  await createTimeIndex(client)
  await moveOldReadings(client, say)
}

/** Why TimescaleDB cannot be used here; `absent` when there is no sign of it. */
async function findObstacle(client: Client): Promise<string | undefined> {
  const { rows } = await client.query<{
    available: string | null
    installed: string | null
    preloaded: boolean
  }>(
    `SELECT default_version AS available, installed_version AS installed,
       current_setting('timescaledb.disable_load', true) IS NOT NULL AS preloaded
     FROM pg_available_extensions WHERE name = 'timescaledb'`,
  )
  const found = rows[0]
  if (!found?.available) return 'absent'
  if (!found.preloaded) return 'TimescaleDB is available but missing in shared_preload_libraries'
  const version = found.installed ?? found.available
  if (isOlder(version)) return `TimescaleDB ${version} is older than ${VERSION_MIN.join('.')}`
  try {
    await client.query('CREATE EXTENSION IF NOT EXISTS timescaledb')
  } catch (error) {
    return `TimescaleDB is available but cannot be added to this database (${(error as Error).message})`
  }
  const license = await client.query<{ timescaledb: string }>(
    `SELECT current_setting('timescaledb.license') AS timescaledb`,
  )
  // Builds under the Apache licence alone have neither columnstore nor continuous aggregates.
  if (license.rows[0]?.timescaledb !== 'timescale')
    return 'this build of TimescaleDB has no columnstore and no continuous aggregates (timescaledb.license)'
  return undefined
}

function isOlder(version: string): boolean {
  const [major = 0, minor = 0] = version.split('.').map(Number)
  return major < VERSION_MIN[0] || (major === VERSION_MIN[0] && minor < VERSION_MIN[1])
}

async function createHypertables(client: Client): Promise<void> {
  await client.query('DROP VIEW reading_1d, reading_1h, reading_1m')
  for (const table of ['reading', 'reading_text']) {
    const type = table === 'reading' ? 'double precision' : 'text'
    await client.query(`ALTER TABLE ${table} RENAME TO ${table}_plain`)
    await client.query(`ALTER TABLE ${table}_plain RENAME CONSTRAINT ${table}_series_id_time_key
      TO ${table}_plain_series_id_time_key`)
    await client.query(`CREATE TABLE ${table} (
      series_id integer NOT NULL, time timestamptz NOT NULL, value ${type} NOT NULL, UNIQUE (series_id, time))`)
    await client.query(
      `SELECT create_hypertable('${table}', by_range('time', INTERVAL '${CHUNK.reading}'), create_default_indexes => false)`,
    )
    await client.query(`ALTER TABLE ${table} SET (timescaledb.enable_columnstore,
      timescaledb.segmentby = 'series_id', timescaledb.orderby = 'time DESC')`)
  }
  await createAggregates(client)
}

/**
 * A refresh asks for a stretch of time of all series, each minute: without this it reads the newest chunk's whole key
 * for it. Readings come nearly in the order of their times, so the smallest and largest of each 2 MiB are enough: a
 * few kilobytes a chunk, where a B-tree would be as large as the key and cost every insert as much.
 */
async function createTimeIndex(client: Client): Promise<void> {
  // IF NOT EXISTS looks after it has locked: each start would wait for whoever writes, and hold up who comes then.
  const { rows } = await client.query(`SELECT to_regclass('reading_time') AS found`)
  if (rows[0]?.found) return
  await client.query(`CREATE INDEX reading_time ON reading
    USING brin (time) WITH (pages_per_range = 256, autosummarize = on)`)
}

async function createAggregates(client: Client): Promise<void> {
  const combined = 'min(min) AS min, max(max) AS max, sum(sum) AS sum, sum(count)::bigint AS count'
  const parts = {
    '1m': [
      '1 minute',
      'time',
      `min(value) AS min, max(value) AS max, ${SCALED_SUM} AS sum, count(*) AS count,
      last(value, time) AS last FROM reading`,
    ],
    '1h': ['1 hour', 'bucket', `${combined}, last(last, bucket) AS last FROM reading_1m`],
    '1d': ['1 day', 'bucket', `${combined}, last(last, bucket) AS last FROM reading_1h`],
  } as const
  for (const { level } of LEVELS) {
    const [width, time, columns] = parts[level]
    await client.query(`CREATE MATERIALIZED VIEW reading_${level}
      WITH (timescaledb.continuous, timescaledb.materialized_only = false) AS
      SELECT series_id, time_bucket('${width}', ${time}) AS bucket, ${columns} GROUP BY 1, 2 WITH NO DATA`)
    const table = await materializedTable(client, level)
    await client.query(`SELECT set_chunk_time_interval('${table}', INTERVAL '${CHUNK[level]}')`)
    await client.query(`ALTER MATERIALIZED VIEW reading_${level} SET (timescaledb.enable_columnstore,
      timescaledb.segmentby = 'series_id', timescaledb.orderby = 'bucket DESC')`)
  }
  // Rolled up again from the hypertable; what is older than any reading is carried over below.
  await client.query(`UPDATE rollup_progress SET done_until = '-infinity'`)
}

/** What plain PostgreSQL held, oldest first; nothing when that is done. */
async function moveOldReadings(client: Client, say: (line: string) => void): Promise<void> {
  for (const table of ['reading', 'reading_text']) {
    const exists = await client.query('SELECT to_regclass($1) AS found', [`${table}_plain`])
    if (!exists.rows[0]?.found) continue
    const { rows } = await client.query<{ name: string }>(
      `SELECT c.relname AS name FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
       WHERE i.inhparent = $1::regclass ORDER BY c.relname`,
      [`${table}_plain`],
    )
    for (const [i, { name }] of rows.entries()) {
      say(`moving ${name} into TimescaleDB (${i + 1} of ${rows.length})`)
      await inTransaction(client, async () => {
        await client.query(`INSERT INTO ${table} SELECT series_id, time, value FROM ${name}
          ORDER BY series_id, time ON CONFLICT DO NOTHING`)
        await client.query(`DROP TABLE ${name}`)
      })
    }
    if (table === 'reading') await carryRollups(client)
    await client.query(`DROP TABLE ${table}_plain`)
  }
}

/**
 * Rollups whose readings retention has dropped: they exist nowhere else. For the extension that time must count as
 * refreshed before they are put there, or its next refresh would find no readings and empty it.
 */
async function carryRollups(client: Client): Promise<void> {
  const { rows: oldest } = await client.query<{ day: Date | null }>(
    `SELECT min(range_start) AS day FROM timescaledb_information.chunks
     WHERE hypertable_schema = current_schema() AND hypertable_name = 'reading'`,
  )
  const day = oldest[0]?.day?.toISOString()
  for (const { level } of LEVELS) {
    if (day) await refreshAggregate(client, { level, from: null, to: day })
    const table = await materializedTable(client, level)
    await inTransaction(client, async () => {
      await client.query(
        `INSERT INTO ${table} (series_id, bucket, min, max, sum, count, last)
         SELECT series_id, bucket, min, max, sum, count, last FROM rollup_${level}
         WHERE bucket < coalesce($1::timestamptz, 'infinity')`,
        [day ?? null],
      )
      await client.query(`TRUNCATE rollup_${level}`)
    })
  }
}

/** The table behind a continuous aggregate, quoted. */
export async function materializedTable(db: Queryable | Client, level: string): Promise<string> {
  const { rows } = await db.query<{ name: string }>(
    `SELECT format('%I.%I', materialization_hypertable_schema, materialization_hypertable_name) AS name
     FROM timescaledb_information.continuous_aggregates
     WHERE view_schema = current_schema() AND view_name = $1`,
    [`reading_${level}`],
  )
  if (!rows[0]) throw new Error(`there is no continuous aggregate reading_${level}`)
  return rows[0].name
}

async function inTransaction(client: Client, work: () => Promise<void>): Promise<void> {
  await client.query('BEGIN')
  try {
    await work()
    await client.query('COMMIT')
  } catch (error) {
    await client.query('ROLLBACK').catch(() => {})
    throw error
  }
}
