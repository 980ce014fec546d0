import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import type { Logger } from '../log.ts'
import { repositoryDir } from '../paths.ts'
import { StartError } from '../service.ts'
import type { Queryable } from './pool.ts'
import { judgeDurability, readDurability } from './report.ts'

export const MIGRATIONS_TABLE = 'schema_migration'

/** The oldest server the schema and queries are written for. */
const SERVER_VERSION_MIN = 150_000

export function migrationsDir(): string {
  return join(repositoryDir(), 'infra', 'migrations')
}

/**
 * Whether a program of this version can work on that database, asked before it does anything: its schema must be this
 * version's, neither newer nor older, and it must take writes. Some milliseconds.
 * @throws StartError that says what to do
 */
export async function checkDatabase(db: Queryable): Promise<void> {
  await checkServer(db).catch(explain)
  const { missing, unknown } = await compareSchema(db).catch(explain)
  if (unknown !== undefined) throw newerSchema(unknown)
  if (missing !== undefined)
    throw new StartError(
      `the database lacks ${missing}, which this version needs: run the migration (node infra/dist/migrate.js) first`,
    )
}

/** A server that may forget what it has committed is used all the same; nobody shall say it was not told. */
export async function warnOfDurability(db: Queryable, log: Logger): Promise<void> {
  for (const { name, value, means, holds, isUnusual } of judgeDurability(await readDurability(db)))
    if (!holds || isUnusual)
      log.warn({ setting: name, value }, `${name} is ${value} in the database: ${means}`)
}

/** @throws StartError when the server is too old, or takes no writes */
export async function checkServer(db: Pick<Queryable, 'query'>): Promise<void> {
  const { rows } = await db.query<{ number: number; version: string; standby: boolean; readOnly: boolean }>(
    `SELECT current_setting('server_version_num')::int AS number, current_setting('server_version') AS version,
       pg_is_in_recovery() AS standby, current_setting('transaction_read_only')::boolean AS "readOnly"`,
  )
  const server = rows[0]
  if (!server) return
  if (server.number < SERVER_VERSION_MIN)
    throw new StartError(`PostgreSQL ${server.version} is too old; Telltale needs 15 or newer`)
  if (server.standby)
    throw new StartError('the database is a standby, which takes no writes; give the address of the primary')
  if (server.readOnly)
    throw new StartError(
      'the database is read-only; set default_transaction_read_only to off, for its user too',
    )
}

export function newerSchema(migration: string): StartError {
  return new StartError(
    `the database was migrated by a newer Telltale (${migration}); start that version or restore a backup`,
  )
}

/** The first migration that the database lacks, and the first one that this version does not know. */
export async function compareSchema(
  db: Pick<Queryable, 'query'>,
): Promise<{ missing: string | undefined; unknown: string | undefined }> {
  const known = readdirSync(migrationsDir())
    .filter((file) => file.endsWith('.sql'))
    .map((file) => file.replace(/\.sql$/, ''))
    .sort()
  const { rows: tables } = await db.query<{ found: string | null }>('SELECT to_regclass($1) AS found', [
    MIGRATIONS_TABLE,
  ])
  if (!tables[0]?.found) return { missing: known[0], unknown: undefined }
  const { rows } = await db.query<{ name: string }>(`SELECT name FROM ${MIGRATIONS_TABLE} ORDER BY name`)
  const applied = rows.map(({ name }) => name)
  return {
    missing: known.find((name) => !applied.includes(name)),
    unknown: applied.find((name) => !known.includes(name)),
  }
}

function explain(error: Error): never {
  if (error instanceof StartError) throw error
  throw new StartError(`TELLTALE_DATABASE_URL: the database cannot be used: ${error.message}`)
}
