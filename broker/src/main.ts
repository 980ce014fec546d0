import { limits } from '@telltale/infra/limits'
import { createLog, type Logger } from '@telltale/infra/log'
import { type Releases, runService } from '@telltale/infra/service'
import { findRevoked } from '@telltale/infra/storage/credentials'
import { openEngine } from '@telltale/infra/storage/engine'
import { createPool, type Pool } from '@telltale/infra/storage/pool'
import { Broker } from './broker.ts'
import { CommandDispatcher } from './commands.ts'
import { type BrokerConfig, brokerConfig, timeWindow } from './config.ts'
import { type PlatformKind, topics } from './contract/index.ts'
import { LatestReadings } from './latest-readings.ts'
import { listenTcp, listenWebSocket } from './listeners.ts'
import { Presence } from './presence.ts'
import { repeat } from './repeat.ts'
import { SeriesCache } from './series-cache.ts'
import { StorageJobs } from './storage-jobs.ts'
import { TelemetryWriter } from './telemetry-writer.ts'
import { Totals } from './totals.ts'

await runService(async (releases) => {
  const config = brokerConfig(process.env)
  const log = createLog('broker', config.TELLTALE_LOG_LEVEL)
  const { pool, writerPool, jobsPool } = openPools(config, log, releases)
  const engine = await openEngine(writerPool)
  const totals = new Totals()
  const series = new SeriesCache()
  const latest = new LatestReadings(pool, log)
  const writer = new TelemetryWriter({ pool: writerPool, engine, series, latest, totals, log })
  const tellApi = (about: PlatformKind, id: string, message: unknown) =>
    broker.publish(topics.platform(about, id), Buffer.from(JSON.stringify(message)))
  const brokerId = config.TELLTALE_BROKER_ID
  const presence = new Presence({
    pool,
    brokerId,
    log,
    publish: (change) => tellApi('presence', change.deviceId, change),
  })
  const commands = new CommandDispatcher({
    pool,
    log,
    publish: (record) => tellApi('commands', record.deviceId, record),
  })
  const broker: Broker = new Broker({
    pool,
    writer,
    presence,
    commands,
    log,
    platformSecret: config.TELLTALE_PLATFORM_SECRET,
    window: timeWindow(config),
    onRevoked: () => void disconnectRevoked().catch((err) => log.warn({ err }, 'revocation check failed')),
  })
  async function disconnectRevoked(): Promise<void> {
    for (const deviceId of await findRevoked(pool, [...broker.credentialsInUse()]))
      broker.disconnect(deviceId, 'revoked')
  }
  const jobs = new StorageJobs({ pool: jobsPool, engine: await openEngine(jobsPool), config, log })

  // Released last-in-first-out: stop listening, store and acknowledge what was read, close, write the last rows.
  releases.add('presence', () => presence.stop())
  releases.add('commands', () => commands.stop())
  releases.add('latest readings', () => latest.stop())
  await engine.makeRoom(Date.now())
  await broker.start()
  releases.add('connections', () => broker.close())
  releases.add('open batches', () => {
    broker.stopReading()
    return writer.idle()
  })
  // What an earlier life of this broker left connected.
  for (const deviceId of await presence.start())
    broker.publish(topics.status(deviceId), Buffer.from('offline'), { retain: true })
  commands.start()
  latest.start()
  jobs.start(releases)
  const { revocationCheckMs, totalsMs } = limits.broker
  repeat(releases, log, { what: 'revocation check', everyMs: revocationCheckMs, work: disconnectRevoked })
  const tellTotals = async () => {
    const { pendingRows, pendingBytes } = writer
    const busyShare = writer.takeBusyShare()
    const now = { brokerId, connections: broker.deviceCount, pendingRows, pendingBytes, busyShare }
    tellApi('totals', brokerId, totals.take(now))
  }
  repeat(releases, log, { what: 'totals', everyMs: totalsMs, work: tellTotals })

  const host = config.TELLTALE_MQTT_HOST
  await listenTcp(broker, { host, port: config.TELLTALE_MQTT_PORT }, releases)
  await listenWebSocket(broker, { host, port: config.TELLTALE_MQTT_WS_PORT }, releases)
  log.info({ host, port: config.TELLTALE_MQTT_PORT, engine: engine.name }, 'broker is listening')
  return log
})

/** Pools of their own, so that neither commands and sign-ins, nor telemetry, nor long jobs wait for one another. */
function openPools(config: BrokerConfig, log: Logger, releases: Releases): Record<PoolName, Pool> {
  const url = config.TELLTALE_DATABASE_URL
  const onConnectionError = (err: Error) => log.warn({ err }, 'a database connection was lost')
  const { batchesInFlightMax } = limits.writer
  const writerPool = createPool({ url, name: 'writer', max: batchesInFlightMax + 1, onConnectionError })
  const pool = createPool({ url, name: 'broker', max: 6, onConnectionError })
  const { connectionsMax: max, statementTimeoutMs } = limits.jobs
  const jobsPool = createPool({ url, name: 'jobs', max, statementTimeoutMs, onConnectionError })
  releases.add('database pools', () => Promise.all([writerPool.end(), pool.end()]))
  return { pool, writerPool, jobsPool }
}

type PoolName = 'pool' | 'writerPool' | 'jobsPool'
