import { setTimeout as sleep } from 'node:timers/promises'
import { limits } from '../limits.ts'
import { StartError } from '../service.ts'
import { advisoryLocks } from '../storage/locks.ts'
import { listTables, relationOf } from './catalogue.ts'
import { sourceOfMove } from './ledger.ts'
import type { Side } from './side.ts'

/** How long the session of a move that was just killed may take to end. */
const LOCK_TIMEOUT = '10s'
/** A broker that missed two heartbeats is taken for dead. */
const BROKER_SILENT_MS = 3 * limits.cluster.heartbeatMs
const POLL_MS = 500
/** Programs that write; pg_stat_activity knows them by these names. */
const WRITERS = ['telltale-writer', 'telltale-broker', 'telltale-api', 'telltale-up']
/** Tables that have rows once Telltale has run; migrations put rows into some others. */
const USED = ['broker', 'app_user', 'device', 'reading', 'reading_text']

/** @throws StartError when the source is not a whole Telltale database */
export async function refuseForeignSource({ client, name }: Side): Promise<void> {
  const { rows } = await client.query<{ migrated: boolean; converting: boolean }>(
    `SELECT to_regclass('schema_migration') IS NOT NULL AS migrated,
       to_regclass('reading_plain') IS NOT NULL OR to_regclass('reading_text_plain') IS NOT NULL AS converting`,
  )
  if (!rows[0]?.migrated) throw new StartError(`${name} holds no Telltale; check --from`)
  if (rows[0].converting)
    throw new StartError(
      `${name} is being turned into TimescaleDB; let Telltale start on it once, then stop it`,
    )
}

/** @throws StartError when the database is neither new nor a half-done move from this source */
export async function refuseForeignTarget(target: Side, source: Side): Promise<void> {
  if (target.identity === source.identity) throw new StartError('--from and --to are the same database')
  const halfDone = await sourceOfMove(target)
  if (halfDone === source.identity) return
  const anotherDatabase = 'move into an empty database instead'
  if (halfDone !== undefined)
    throw new StartError(`${target.name} holds a half-done move from another database; ${anotherDatabase}`)
  const tables = await listTables(target)
  const { rows } = await target.client.query(`SELECT to_regclass('schema_migration') AS found`)
  if (!rows[0]?.found && tables.length > 0)
    throw new StartError(
      `${target.name} holds tables of something else (${tables[0]?.name}); ${anotherDatabase}`,
    )
  for (const table of tables.filter(({ name }) => USED.includes(name)))
    if (await hasRows(target, table.name))
      throw new StartError(`${target.name} is not empty (${table.name} has rows); ${anotherDatabase}`)
}

async function hasRows(side: Side, table: string): Promise<boolean> {
  const { rowCount } = await side.client.query(`SELECT FROM ${await relationOf(side, table)} LIMIT 1`)
  return (rowCount ?? 0) > 0
}

/** Both must have this version's schema; the target was just migrated. @throws StartError */
export async function refuseOtherSchema(source: Side, target: Side): Promise<void> {
  const [theirs, ours] = await Promise.all([source, target].map(readMigrations))
  const unknown = theirs?.find((name) => !ours?.includes(name))
  if (unknown)
    throw new StartError(`${source.name} was migrated by a newer Telltale (${unknown}); use that version`)
  const missing = ours?.find((name) => !theirs?.includes(name))
  if (missing)
    throw new StartError(
      `${source.name} has an older schema (without ${missing}); start this version on it once, then stop it`,
    )
}

async function readMigrations({ client }: Side): Promise<string[]> {
  const { rows } = await client.query<{ name: string }>('SELECT name FROM schema_migration ORDER BY id')
  return rows.map(({ name }) => name)
}

/** @throws StartError when a program of Telltale works on the database */
export async function refuseWhileRunning(side: Side, say: (line: string) => void): Promise<void> {
  const running = (what: string) =>
    new StartError(`${what} works on ${side.name}; stop Telltale there, then run this again`)
  const { rows } = await side.client.query<{ name: string }>(
    `SELECT application_name AS name FROM pg_stat_activity
     WHERE datname = current_database() AND application_name = ANY ($1::text[]) LIMIT 1`,
    [WRITERS],
  )
  if (rows[0]) throw running(rows[0].name)
  // Sessions of other users may be hidden from us; a broker's heartbeat is not. One that just ended left a fresh one.
  for (let first: number | undefined; ; await sleep(POLL_MS)) {
    const newest = await newestHeartbeat(side)
    if (!newest || newest.ageMs > BROKER_SILENT_MS) return
    if (first === undefined)
      say(`the broker ${newest.id} was there a moment ago; waiting to see whether it is gone`)
    else if (newest.atMs !== first) throw running(`the broker ${newest.id}`)
    first = newest.atMs
  }
}

async function newestHeartbeat({
  client,
}: Side): Promise<{ id: string; atMs: number; ageMs: number } | undefined> {
  const { rows: found } = await client.query(`SELECT to_regclass('broker') AS name`)
  if (!found[0]?.name) return undefined
  const { rows } = await client.query<{ id: string; atMs: number; ageMs: number }>(
    `SELECT id, extract(epoch FROM seen_at)::float8 * 1000 AS "atMs",
       extract(epoch FROM clock_timestamp() - seen_at)::float8 * 1000 AS "ageMs"
     FROM broker ORDER BY seen_at DESC LIMIT 1`,
  )
  return rows[0]
}

/** Also waits for the last breath of a move that was killed: its transaction must not end behind our back. */
export async function lockMove({ client, name }: Side): Promise<void> {
  await client.query(`SET lock_timeout = '${LOCK_TIMEOUT}'`)
  try {
    await client.query('SELECT pg_advisory_lock($1)', [advisoryLocks.move])
  } catch {
    throw new StartError(`another storage:move writes into ${name}`)
  }
  await client.query('SET lock_timeout = 0')
}
