import { runner } from 'node-pg-migrate'
import pg from 'pg'
import { limits } from '../limits.ts'
import { retry } from '../retry.ts'
import { StartError } from '../service.ts'
import { isTransient, isUnfinished } from './errors.ts'
import { advisoryLocks } from './locks.ts'
import { checkServer, compareSchema, MIGRATIONS_TABLE, migrationsDir, newerSchema } from './start-check.ts'
import { installTimescale } from './timescale-install.ts'

export interface MigrateOptions {
  /** Told what a person should know while it runs. */
  say?: (line: string) => void
  /** A move into this database goes on. */
  isMoveTarget?: boolean
  /** A database that is away, or still starting, is asked again for so long. */
  waitMs?: number
}

/**
 * Brings the database at `url` to this version's schema. All pending migrations run in one transaction, so a start
 * killed halfway leaves the old schema; a schema newer than this code is refused.
 * Where TimescaleDB is available the readings then move into it.
 * @throws StartError when the database cannot be reached or goes away, is too old, is newer than this version, or half
 * moved
 */
export async function migrate(url: string, options: MigrateOptions = {}): Promise<void> {
  const { say = () => {}, isMoveTarget = false, waitMs = 0 } = options
  const client = await connect(url, { say, waitMs })
  try {
    await checkServer(client)
    await client.query('SELECT pg_advisory_lock($1)', [advisoryLocks.migration])
    await refuseNewerSchema(client)
    if (!isMoveTarget) await refuseHalfMoved(client)
    await applyMigrations(client)
    await installTimescale(client, say)
  } catch (error) {
    if (error instanceof StartError || !isUnfinished(error)) throw error
    const reason = (error as Error).message
    throw new StartError(`the database at ${withoutPassword(url)} did not take its schema: ${reason}`)
  } finally {
    // Ending the session releases the lock.
    await client.end()
  }
}

async function connect(
  url: string,
  { say, waitMs }: { say: (line: string) => void; waitMs: number },
): Promise<pg.Client> {
  const untilMs = performance.now() + waitMs
  const problem = (error: unknown) =>
    `cannot reach the database at ${withoutPassword(url)}: ${(error as Error).message}`
  const mayComeBack = (error: unknown, attempt: number) => {
    if (!isTransient(error) || performance.now() >= untilMs) return false
    if (attempt === 0) say(`${problem(error)}; trying again for ${waitMs / 1_000} s`)
    return true
  }
  try {
    return await retry(() => connectOnce(url), { ...limits.database.startRetry, isRetryable: mayComeBack })
  } catch (error) {
    throw new StartError(problem(error))
  }
}

async function connectOnce(url: string): Promise<pg.Client> {
  const client = new pg.Client({
    connectionString: url,
    application_name: 'telltale-migrate',
    connectionTimeoutMillis: limits.database.connectTimeoutMs,
  })
  // A connection that is lost fails the query under way; unheard, its own event would end the process without a word.
  client.on('error', () => {})
  try {
    await client.connect()
    return client
  } catch (error) {
    await client.end().catch(() => {})
    throw error
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

/** Its devices would come back to a database that lacks their history, and the move could not go on. */
async function refuseHalfMoved(client: pg.Client): Promise<void> {
  const { rows } = await client.query<{ found: string | null }>(`SELECT to_regclass('storage_move') AS found`)
  if (rows[0]?.found)
    throw new StartError('a storage:move into this database was not finished; run it again, then start')
}

async function refuseNewerSchema(client: pg.Client): Promise<void> {
  const { unknown } = await compareSchema(client)
  if (unknown !== undefined) throw newerSchema(unknown)
}

/** For people and logs. What comes after the path may hold secrets as well, `?password=` for one. */
export function withoutPassword(url: string): string {
  const unreadable = '(an address that cannot be read)'
  if (!URL.canParse(url)) return unreadable
  const { protocol, username, password, host, pathname, hash } = new URL(url)
  // Here ends up a password with a `/` or `#` that is not escaped.
  if (`${pathname}${hash}`.includes('@')) return unreadable
  const user = username + (password ? ':…' : '')
  return `${protocol}//${user ? `${user}@` : ''}${host}${pathname}`
}
