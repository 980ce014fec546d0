import pg from 'pg'
import { limits } from '../limits.ts'

export type Pool = pg.Pool
export type Connection = pg.PoolClient
/** What a query needs: a pool, or one connection inside a transaction. */
export type Queryable = pg.Pool | pg.PoolClient

/** bigint columns are row ids and counts here: far below 2^53. */
const BIGINT_OID = 20
pg.types.setTypeParser(BIGINT_OID, Number)

/**
 * A bounded pool. `name` shows in pg_stat_activity. A lost idle connection is replaced on next use, so its error
 * event is only a notice.
 */
export function createPool(options: {
  url: string
  name: string
  max: number
  onConnectionError?: (error: Error) => void
}): Pool {
  const pool = new pg.Pool({
    connectionString: options.url,
    application_name: `telltale-${options.name}`,
    max: options.max,
    connectionTimeoutMillis: limits.database.connectTimeoutMs,
    statement_timeout: limits.database.statementTimeoutMs,
    keepAlive: true,
  })
  const onError = options.onConnectionError ?? (() => {})
  pool.on('error', onError)
  // A connection lost while it is checked out tells its user by failing the query; its own event has to be heard too.
  pool.on('connect', (client) => client.on('error', onError))
  return pool
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
    // A connection that cannot roll back is not given back to the pool.
    await connection.query('ROLLBACK').catch((rollbackError: Error) => {
      broken = rollbackError
    })
    throw error
  } finally {
    connection.release(broken)
  }
}
