import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { runner } from 'node-pg-migrate'
import pg from 'pg'
import { limits } from '../limits.ts'
import { repositoryDir } from '../paths.ts'
import { StartError } from '../service.ts'
import { installTimescale } from './timescale-install.ts'

/** Any number would do; it only has to be ours. Two starters wait for each other instead of failing. */
const MIGRATION_LOCK = 7_355_608

const MIGRATIONS_TABLE = 'schema_migration'

/** The oldest server the schema and queries are written for. */
const SERVER_VERSION_MIN = 150_000

/**
 * Brings the database at `url` to this version's schema. All pending migrations run in one transaction, so a start
 * killed halfway leaves the old schema; a schema newer than this code is refused.
 * Where TimescaleDB is available the readings then move into it.
 * @param say told what a person should know while it runs
 * @throws StartError when the database cannot be reached, is too old, or is newer than this version
 */
export async function migrate(url: string, say: (line: string) => void = () => {}): Promise<void> {
  const client = new pg.Client({
    connectionString: url,
    application_name: 'telltale-migrate',
    connectionTimeoutMillis: limits.database.connectTimeoutMs,
  })
  // A connection that is lost fails the query under way; unheard, its own event would end the process without a word.
  client.on('error', () => {})
  try {
    await client.connect()
  } catch (error) {
    await client.end().catch(() => {})
    throw new StartError(`cannot reach the database at ${withoutPassword(url)}: ${(error as Error).message}`)
  }
  try {
    await checkServerVersion(client)
    await client.query('SELECT pg_advisory_lock($1)', [MIGRATION_LOCK])
    await refuseNewerSchema(client)
    await applyMigrations(client)
    await installTimescale(client, say)
  } finally {
    // Ending the session releases the lock.
    await client.end()
  }
}

/** The schema as it is on plain PostgreSQL. */
export async function applyMigrations(client: pg.Client): Promise<void> {
  await runner({
    dbClient: client,
    dir: migrationsDir(),
    migrationsTable: MIGRATIONS_TABLE,
    direction: 'up',
    // Our own blocking lock around it; the library's fails at once instead of waiting.
    noLock: true,
    log: () => {},
  })
}

async function checkServerVersion(client: pg.Client): Promise<void> {
  const { rows } = await client.query<{ number: number; version: string }>(
    `SELECT current_setting('server_version_num')::int AS number, current_setting('server_version') AS version`,
  )
  const server = rows[0]
  if (server && server.number < SERVER_VERSION_MIN)
    throw new StartError(`PostgreSQL ${server.version} is too old; Telltale needs 15 or newer`)
}

async function refuseNewerSchema(client: pg.Client): Promise<void> {
  const { rows: tables } = await client.query<{ found: string | null }>('SELECT to_regclass($1) AS found', [
    MIGRATIONS_TABLE,
  ])
  if (!tables[0]?.found) return
  const known = new Set(readdirSync(migrationsDir()).map((file) => file.replace(/\.sql$/, '')))
  const { rows } = await client.query<{ name: string }>(`SELECT name FROM ${MIGRATIONS_TABLE}`)
  const unknown = rows.filter(({ name }) => !known.has(name))
  if (unknown.length > 0)
    throw new StartError(
      `the database was migrated by a newer Telltale (${unknown[0]?.name}); start that version or restore a backup`,
    )
}

function migrationsDir(): string {
  return join(repositoryDir(), 'infra', 'migrations')
}

export function withoutPassword(url: string): string {
  return url.replace(/\/\/([^:@/]*):[^@]*@/, '//$1:…@')
}
