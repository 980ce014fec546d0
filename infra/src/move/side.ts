import pg from 'pg'
import { limits } from '../limits.ts'
import { StartError } from '../service.ts'
import { withoutPassword } from '../storage/migrate.ts'
import { timescaleState } from '../storage/timescale-install.ts'

/** One of the two databases, on one session: what a session holds (locks, settings) ends with the process. */
export interface Side {
  client: pg.Client
  /** For people: the address without its password. */
  name: string
  engine: 'plain' | 'timescale'
  /** The same database has the same one, whatever address it is reached by. */
  identity: string
}

/**
 * @param program shows in pg_stat_activity
 * @throws StartError when it cannot be reached
 */
export async function openSide(
  url: string,
  { program, readOnly }: { program: 'move' | 'backup' | 'restore'; readOnly: boolean },
): Promise<Side> {
  const client = new pg.Client({
    connectionString: url,
    application_name: `telltale-${program}`,
    connectionTimeoutMillis: limits.database.connectTimeoutMs,
    keepAlive: true,
  })
  // A connection that is lost fails the query under way; the event itself needs a listener all the same.
  client.on('error', () => {})
  const name = withoutPassword(url)
  try {
    await client.connect()
  } catch (error) {
    await client.end().catch(() => {})
    throw new StartError(`cannot reach the database at ${name}: ${(error as Error).message}`)
  }
  await client.query(`SET timezone = 'UTC'; SET statement_timeout = 0; SET idle_in_transaction_session_timeout = 0;
    SET default_transaction_read_only = ${readOnly ? 'on' : 'off'}`)
  const { rows } = await client.query<{ identity: string }>(
    `SELECT format('%s/%s', system_identifier, (SELECT oid FROM pg_database WHERE datname = current_database()))
       AS identity
     FROM pg_control_system()`,
  )
  return { client, name, engine: await engineOf(client), identity: rows[0]?.identity ?? name }
}

export async function engineOf(client: pg.Client): Promise<Side['engine']> {
  return (await timescaleState(client)).isInstalled ? 'timescale' : 'plain'
}
