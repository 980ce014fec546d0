import { fileURLToPath } from 'node:url'
import { limits } from '@telltale/infra/limits'
import { createLog, type Logger } from '@telltale/infra/log'
import { atMost, portInUse, type Releases, runService, StartError } from '@telltale/infra/service'
import { createPool } from '@telltale/infra/storage/pool'
import { checkDatabase } from '@telltale/infra/storage/start-check'
import { deleteExpiredSessions } from '@telltale/infra/storage/users'
import { buildApp } from './app.ts'
import { BatchRunner } from './commands/batch-runner.ts'
import { type Config, readConfig } from './config.ts'
import type { Api, Deps } from './deps.ts'
import { feedHub } from './live/feed.ts'
import { Hub } from './live/hub.ts'
import { Link } from './live/link.ts'
import { StreamPlaces } from './live/places.ts'
import { FleetTotals } from './live/totals.ts'
import { ensureAdmin } from './session/first-user.ts'
import { SessionWatch } from './session/watch.ts'
import { DatabaseWatch } from './system/database-watch.ts'
import { warnOfDurability } from './system/readiness.ts'
import { createHistoryPools } from './telemetry/pools.ts'

const DATABASE_CONNECTIONS_MAX = 12
const CLEAN_UP_MS = 3_600_000
/** A database or broker that does not answer must not keep this process: the end of it ends the connections too. */
const STOP_MS = 100

/** Addresses that mean every address. */
const EVERYWHERE = new Set(['0.0.0.0', '::'])

await runService(async (releases) => {
  const config = readConfig(process.env)
  const deps = makeDeps(config, releases)
  const { pool, log, link } = deps
  await checkDatabase(pool)
  const password = await ensureAdmin(pool, config.TELLTALE_ADMIN_PASSWORD).catch(explainDatabase)
  // Once, and as a plain line for the person who reads it: there is no other way in yet.
  if (password) console.log(`first user: admin, password: ${password}`)
  await cleanUp(deps)
  const timer = setInterval(() => void cleanUp(deps), CLEAN_UP_MS)
  releases.add('clean-up', () => clearInterval(timer))
  releases.add('broker link', () => atMost(STOP_MS, link.stop()))
  feedHub(deps)
  startBatches(deps, { config, releases })
  await warnOfDurability(deps)
  deps.database.start()
  const app = await buildApp(deps)
  releases.add('http', () => app.close())
  await listen(app, config)
  log.info({ host: config.TELLTALE_HTTP_HOST, port: config.TELLTALE_HTTP_PORT }, 'api is listening')
  return log
})

function makeDeps(config: Config, releases: Releases): Deps {
  const mqttHost = config.TELLTALE_MQTT_HOST
  const log = createLog('api', config.TELLTALE_LOG_LEVEL)
  const database = databaseOf(config, log)
  const pool = createPool({ ...database, name: 'api', max: DATABASE_CONNECTIONS_MAX, isSilenceFatal: true })
  releases.add('database pool', () => atMost(STOP_MS, pool.end()))
  const watch = new DatabaseWatch({ url: database.url, log })
  releases.add('database watch', () => atMost(STOP_MS, watch.stop()))
  const totals = new FleetTotals()
  const history = createHistoryPools({ ...database, ingestShare: () => totals.ingestShare() })
  const endHistory = () => Promise.all([history.charts.end(), history.exports.end()])
  releases.add('database pools of charts and exports', () => atMost(STOP_MS, endHistory()))
  const link = new Link({ url: config.TELLTALE_BROKER_URL, secret: config.TELLTALE_PLATFORM_SECRET, log })
  return {
    pool,
    database: watch,
    history,
    link,
    hub: new Hub(link),
    totals,
    sessions: new SessionWatch(pool, log),
    places: new StreamPlaces(),
    log,
    mqtt: { host: EVERYWHERE.has(mqttHost) ? null : mqttHost, port: config.TELLTALE_MQTT_PORT },
    // From src and from dist alike, two folders up.
    dashboardDir: fileURLToPath(new URL('../../dashboard/dist', import.meta.url)),
  }
}

function databaseOf({ TELLTALE_DATABASE_URL: url }: Config, log: Logger) {
  return { url, onConnectionError: (err: Error) => log.warn({ err }, 'a database connection was lost') }
}

function startBatches(deps: Deps, { config, releases }: { config: Config; releases: Releases }): void {
  const max = limits.commandBatches.connectionsMax
  const pool = createPool({ ...databaseOf(config, deps.log), name: 'batches', max })
  releases.add('database pool of command batches', () => atMost(STOP_MS, pool.end()))
  const runner = new BatchRunner({ ...deps, pool })
  releases.add('command batches', () => atMost(STOP_MS, runner.stop()))
  runner.start()
}

function explainDatabase(error: Error): never {
  throw new StartError(`TELLTALE_DATABASE_URL: the database cannot be used: ${error.message}`)
}

async function cleanUp({ pool, log }: Deps): Promise<void> {
  await deleteExpiredSessions(pool).catch((err: unknown) => log.warn({ err }, 'expired sessions not deleted'))
}

async function listen(app: Api, config: Config): Promise<void> {
  const { TELLTALE_HTTP_PORT: port, TELLTALE_HTTP_HOST: host } = config
  try {
    await app.listen({ port, host })
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'EADDRINUSE') throw portInUse(port, 'TELLTALE_HTTP_PORT')
    if (code === 'EADDRNOTAVAIL')
      throw new StartError(`TELLTALE_HTTP_HOST: ${host} is no address of this machine`)
    throw error
  }
}
