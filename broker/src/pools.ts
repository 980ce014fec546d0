import { limits } from '@telltale/infra/limits'
import type { Logger } from '@telltale/infra/log'
import type { Releases } from '@telltale/infra/service'
import { createPool, type Pool } from '@telltale/infra/storage/pool'
import type { BrokerConfig } from './config.ts'
import { atMost, STOP_MS } from './stopping.ts'

/** Pools of their own, so that neither commands and sign-ins, nor telemetry, nor long jobs wait for one another. */
export function openPools(config: BrokerConfig, log: Logger, releases: Releases): Record<PoolName, Pool> {
  const url = config.TELLTALE_DATABASE_URL
  const onConnectionError = (err: Error) => log.warn({ err }, 'a database connection was lost')
  const { batchesInFlightMax } = limits.writer
  const writerPool = createPool({ url, name: 'writer', max: batchesInFlightMax + 1, onConnectionError })
  const pool = createPool({ url, name: 'broker', max: 6, onConnectionError })
  const { connectionsMax: max, statementTimeoutMs } = limits.jobs
  const jobsPool = createPool({ url, name: 'jobs', max, statementTimeoutMs, onConnectionError })
  releases.add('database pools', () => atMost(STOP_MS, Promise.all([writerPool.end(), pool.end()])))
  return { pool, writerPool, jobsPool }
}

type PoolName = 'pool' | 'writerPool' | 'jobsPool'
