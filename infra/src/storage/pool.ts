import { Socket } from 'node:net'
import pg from 'pg'
import { limits } from '../limits.ts'
import { verdictOf } from './errors.ts'

export type Pool = pg.Pool
export type Connection = pg.PoolClient
/** What a query needs: a pool, or one connection inside a transaction. */
export type Queryable = pg.Pool | pg.PoolClient

/** bigint columns are row ids and counts here: far below 2^53. */
const BIGINT_OID = 20
pg.types.setTypeParser(BIGINT_OID, Number)

/**
 * Late readings and their redeliveries meet the columnstore; by default TimescaleDB refuses to unpack more than
 * 100,000 rows for a statement, and the batch would be tried again for ever. Means nothing to plain PostgreSQL.
 */
const UNPACK_ALL = '-c timescaledb.max_tuples_decompressed_per_dml_transaction=0'
/** A process that froze or lost its host in a transaction must not hold up others: its locks go soon. */
const LET_GO = [
  '-c idle_in_transaction_session_timeout=30s',
  '-c tcp_keepalives_idle=30',
  '-c tcp_keepalives_interval=10',
  '-c tcp_keepalives_count=3',
]
/** How long a connection is kept that nobody uses. */
const IDLE_MS = 10_000
const EVERY_SESSION = [UNPACK_ALL, ...LET_GO]
/** For what may take long: one core a query, and no compiling of plans that read hundreds of partitions. */
const HISTORY_SESSION = ['-c max_parallel_workers_per_gather=0', '-c jit=off']

/**
 * A bounded pool. `name` shows in pg_stat_activity. A lost idle connection is replaced on next use, so its error
 * event is only a notice.
 */
export function createPool(options: {
  url: string
  name: string
  max: number
  statementTimeoutMs?: number
  /** How long a query waits for a free connection. */
  waitMs?: number
  /** Charts and exports. */
  isForHistory?: boolean
  /** For short work: a server that says nothing for longer than a statement may take is given up. */
  isSilenceFatal?: boolean
  /** A server set to answer commits before they are on disk does so to others only. */
  isDurable?: boolean
  onConnectionError?: (error: Error) => void
}): Pool {
  const statementTimeoutMs = options.statementTimeoutMs ?? limits.database.statementTimeoutMs
  const pool = new pg.Pool({
    connectionString: options.url,
    application_name: `telltale-${options.name}`,
    max: options.max,
    connectionTimeoutMillis: options.waitMs ?? limits.database.connectTimeoutMs,
    idleTimeoutMillis: Math.min(IDLE_MS, statementTimeoutMs + limits.database.silentBeyondStatementMs - 500),
    statement_timeout: statementTimeoutMs,
    ...(options.isDurable && { onConnect: makeDurable }),
    ...(options.isSilenceFatal && { stream: () => mortal(statementTimeoutMs) }),
    options: (options.isForHistory ? [...EVERY_SESSION, ...HISTORY_SESSION] : EVERY_SESSION).join(' '),
    keepAlive: true,
  })
  const onError = options.onConnectionError ?? (() => {})
  pool.on('error', onError)
  // A connection lost while it is checked out tells its user by failing the query; its own event has to be heard too.
  pool.on('connect', (client) => client.on('error', onError))
  return pool
}

/** What else it may be set to waits for this server's disk, or for more. */
async function makeDurable(client: pg.ClientBase): Promise<void> {
  await client.query(
    `SELECT set_config('synchronous_commit', 'on', false) WHERE current_setting('synchronous_commit') = 'off'`,
  )
}

/** Idle connections leave the pool before that, so that this tells of none but silent ones. */
function mortal(statementTimeoutMs: number): Socket {
  const socket = new Socket()
  socket.setTimeout(statementTimeoutMs + limits.database.silentBeyondStatementMs, () =>
    socket.destroy(Object.assign(new Error('the database says nothing'), { code: 'ETIMEDOUT' })),
  )
  return socket
}

/**
 * What has to be mended may be the session itself: that it only reads, or as whom. It keeps that for its life, so it is
 * not given back to the pool.
 */
export function unfit(error: unknown): Error | undefined {
  return verdictOf(error) === 'mend' ? (error as Error) : undefined
}

/** Runs `work` inside one transaction on one connection; rolls back when it throws. */
export async function inTransaction<T>(pool: Pool, work: (connection: Connection) => Promise<T>): Promise<T> {
  const connection = await pool.connect()
  let broken: Error | undefined
  try {
    await connection.query('BEGIN')
    const result = await work(connection)
    await connection.query('COMMIT')
    return result
  } catch (error) {
    broken = unfit(error)
    // A connection that cannot roll back is not given back to the pool.
    await connection.query('ROLLBACK').catch((rollbackError: Error) => {
      broken = rollbackError
    })
    throw error
  } finally {
    connection.release(broken)
  }
}
