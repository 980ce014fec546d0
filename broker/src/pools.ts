import { limits } from '@telltale/infra/limits'
import type { Logger } from '@telltale/infra/log'
import { atMost, type Releases } from '@telltale/infra/service'
import { createPool, type Pool } from '@telltale/infra/storage/pool'
import type { BrokerConfig } from './config.ts'
import { STOP_MS } from './stopping.ts'
import { Trouble } from './trouble.ts'

/** Pools of their own, so that neither commands, nor sign-ins, nor telemetry, nor long jobs wait for one another. */
export function openPools(config: BrokerConfig, log: Logger, releases: Releases): Record<PoolName, Pool> {
  const url = config.TELLTALE_DATABASE_URL
  const trouble = new Trouble(log, 'a database connection was lost')
  const onConnectionError = (err: Error) => trouble.failed(err)
  // What a device is told depends on commits of either: of readings, of replies and status words.
  const shortWork = { url, onConnectionError, isSilenceFatal: true, isDurable: true }
  const writerPool = createPool({ ...shortWork, name: 'writer', max: WRITER_CONNECTIONS_MAX })
  const pool = createPool({ ...shortWork, name: 'broker', max: 6 })
  const { connectionsMax: promptMax, answerWithinMs } = limits.signIns
  // Whoever asks waits no longer than that for an answer, but a connection may take the time it takes: it serves those
  // who ask next. The sign of life, every few seconds, keeps one from being idle for long.
  const prompt = { statementTimeoutMs: answerWithinMs, name: 'prompt', max: promptMax }
  const promptPool = createPool({ ...shortWork, ...prompt })
  const { connectionsMax: max, statementTimeoutMs } = limits.jobs
  const jobsPool = createPool({ url, name: 'jobs', max, statementTimeoutMs, onConnectionError })
  for (const one of [writerPool, pool, promptPool, jobsPool]) one.on('connect', () => trouble.worked())
  releases.add('database pools', () =>
    atMost(STOP_MS, Promise.all([writerPool, pool, promptPool].map((one) => one.end()))),
  )
  return { pool, promptPool, writerPool, jobsPool }
}

/** Those that store, as many that fell silent and were not given up yet, the way back from the spool, and one more. */
const WRITER_CONNECTIONS_MAX = 2 * limits.writer.batchesInFlightMax + 2

type PoolName = 'pool' | 'promptPool' | 'writerPool' | 'jobsPool'
