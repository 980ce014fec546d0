import { limits } from '@telltale/infra/limits'
import { createPool, inTransaction, type Pool, type Queryable } from '@telltale/infra/storage/pool'
import { ProblemError } from '../problems.ts'
import { Turns } from './turns.ts'

/** Database connections of their own for what may take long: it must not keep the rest of the API waiting. */
export interface HistoryPools {
  charts: Pool
  exports: Pool
  turns: Turns
}

export function createHistoryPools(options: {
  url: string
  ingestShare: () => number
  onConnectionError?: (error: Error) => void
}): HistoryPools {
  const { history, exports } = limits
  return {
    turns: new Turns(options.ingestShare),
    charts: createPool({
      ...options,
      name: 'charts',
      max: history.connectionsMax,
      statementTimeoutMs: history.statementTimeoutMs,
      isForHistory: true,
    }),
    exports: createPool({
      ...options,
      name: 'exports',
      max: exports.connectionsMax,
      statementTimeoutMs: exports.statementTimeoutMs,
      waitMs: exports.waitMs,
      isForHistory: true,
    }),
  }
}

/** What pg-pool says when every connection stayed busy. */
const NO_CONNECTION_FREE = 'timeout exceeded when trying to connect'
const RETRY_AFTER_S = 5

/** Several queries that see the same readings, however many are stored meanwhile. */
export async function inSnapshot<T>(pool: Pool, work: (db: Queryable) => Promise<T>): Promise<T> {
  try {
    return await inTransaction(pool, async (db) => {
      await db.query('SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY')
      return work(db)
    })
  } catch (error) {
    if ((error as Error).message !== NO_CONNECTION_FREE) throw error
    throw new ProblemError('history_busy', { retryAfterS: RETRY_AFTER_S })
  }
}
