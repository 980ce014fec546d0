import { createServer } from 'node:net'
import { join, resolve } from 'node:path'
import { holdDataDir, keepSecret } from './data-dir.ts'
import { prepareFirstDevice, prepareSimulatorToken, printBlock } from './first-minutes.ts'
import { limits } from './limits.ts'
import { nodeFlags } from './node-flags.ts'
import { repositoryDir } from './paths.ts'
import { startEmbeddedPostgres } from './postgres.ts'
import { newSecret } from './secrets.ts'
import { portInUse, type Releases, runService, StartError } from './service.ts'
import { urlHost } from './settings.ts'
import { migrate } from './storage/migrate.ts'
import { createPool } from './storage/pool.ts'
import { hasUsers } from './storage/users.ts'
import { Supervised } from './supervisor.ts'
import { type UpConfig, upConfig } from './up-config.ts'

/** The fleet `npm start` shows: small enough for a laptop, large enough to look alive. */
const DEMO_DEVICES = 8

/**
 * What `npm start` runs: database, schema, broker, API with the dashboard, a small simulated fleet; each a process
 * of its own, supervised, stopped in the opposite order.
 */
await runService(async (releases) => {
  const config = upConfig(process.argv.slice(2), process.env)
  const dataDir = resolve(config.TELLTALE_DATA_DIR)
  holdDataDir(dataDir, releases)
  await checkPorts(config)
  const say = (line: string) => console.error(`telltale: ${line}`)
  const databaseUrl = config.TELLTALE_DATABASE_URL ?? (await openEmbedded(dataDir, say, releases))
  await migrate(databaseUrl, { say, waitMs: limits.database.startWaitMs })
  const pool = createPool({ url: databaseUrl, name: 'up', max: 2 })
  releases.add('database pool', () => pool.end())

  const isFirstStart = !(await hasUsers(pool))
  const password = config.TELLTALE_ADMIN_PASSWORD ?? newSecret().slice(0, 16)
  const env = {
    ...programEnv(config, { databaseUrl, dataDir }),
    TELLTALE_PLATFORM_SECRET: await keepSecret(dataDir, 'platform-secret', newSecret),
    TELLTALE_ADMIN_PASSWORD: password,
  }
  await supervise({ name: 'broker', args: [], env }, { dataDir, say, releases })
  await supervise({ name: 'api', args: [], env }, { dataDir, say, releases })
  const device = await prepareFirstDevice(pool, { dataDir, isFirstStart })
  if (config.demo) {
    const TELLTALE_TOKEN = await prepareSimulatorToken(pool, dataDir)
    const demoEnv = { ...env, TELLTALE_TOKEN }
    await supervise(
      { name: 'device-simulator', args: demoArgs(config), env: demoEnv },
      { dataDir, say, releases },
    )
  }
  const wasGenerated = isFirstStart && config.TELLTALE_ADMIN_PASSWORD === undefined
  await printBlock(pool, config, { device, firstPassword: wasGenerated ? password : undefined })
  return undefined
})

async function openEmbedded(
  dataDir: string,
  say: (line: string) => void,
  releases: Releases,
): Promise<string> {
  const database = await startEmbeddedPostgres({ dataDir, releases })
  let isMending = false
  const timer = setInterval(() => {
    if (isMending) return
    isMending = true
    database
      .ensureRunning()
      .catch((error: Error) => say(`the embedded PostgreSQL does not start again: ${error.message}`))
      .finally(() => {
        isMending = false
      })
  }, limits.service.databaseCheckMs)
  releases.add('database check', () => clearInterval(timer))
  return database.url
}

function programEnv(
  config: UpConfig,
  { databaseUrl, dataDir }: { databaseUrl: string; dataDir: string },
): Record<string, string> {
  // Their own arguments are ours to give: what a person set for one of these was read above.
  const { TELLTALE_DATABASE_URL: _ours, TELLTALE_ADMIN_PASSWORD: _once, demo: _demo, ...shared } = config
  const env = Object.fromEntries(Object.entries(shared).map(([name, value]) => [name, String(value)]))
  return {
    ...env,
    TELLTALE_DATABASE_URL: databaseUrl,
    TELLTALE_DATA_DIR: dataDir,
    TELLTALE_BROKER_URL: `mqtt://${urlHost(config.TELLTALE_MQTT_HOST)}:${config.TELLTALE_MQTT_PORT}`,
  }
}

function demoArgs(config: UpConfig): string[] {
  return [
    ...['--devices', String(DEMO_DEVICES), '--interval', '2s', '--profile', 'mixed', '--seed', '7'],
    ...['--api', `http://${urlHost(config.TELLTALE_HTTP_HOST)}:${config.TELLTALE_HTTP_PORT}`],
    ...['--url', `mqtt://${urlHost(config.TELLTALE_MQTT_HOST)}:${config.TELLTALE_MQTT_PORT}`],
  ]
}

async function supervise(
  program: { name: 'broker' | 'api' | 'device-simulator'; args: string[]; env: Record<string, string> },
  { dataDir, say, releases }: { dataDir: string; say: (line: string) => void; releases: Releases },
): Promise<void> {
  const supervised = new Supervised(
    {
      ...program,
      nodeFlags: nodeFlags[program.name],
      stopDeadlineMs: limits.service.programStopDeadlineMs[program.name],
      script: join(repositoryDir(), program.name, 'dist', 'main.js'),
      logFile: join(dataDir, 'logs', `${program.name}.log`),
      isPlatform: program.name !== 'device-simulator',
    },
    say,
  )
  releases.add(program.name, () => supervised.stop())
  await supervised.start()
}

/** All at once, before anything is started: one clear line for each port that is taken. */
async function checkPorts(config: UpConfig): Promise<void> {
  const wanted = [
    ['TELLTALE_HTTP_PORT', config.TELLTALE_HTTP_HOST],
    ['TELLTALE_MQTT_PORT', config.TELLTALE_MQTT_HOST],
    ['TELLTALE_MQTT_WS_PORT', config.TELLTALE_MQTT_HOST],
    ['TELLTALE_MQTTS_PORT', config.TELLTALE_MQTTS_HOST],
  ] as const
  const problems = await Promise.all(
    wanted.map(async ([variable, host]) => {
      const port = config[variable]
      const problem = port !== undefined && (await bindProblem(host, port))
      if (!port || !problem) return undefined
      if (problem === 'EADDRINUSE') return portInUse(port, variable).message
      return `cannot listen on ${host}:${port} (${problem}); change ${variable} or its _HOST`
    }),
  )
  const found = problems.filter((problem) => problem !== undefined)
  if (found.length > 0) throw new StartError(found.join('\ntelltale: '))
}

function bindProblem(host: string, port: number): Promise<string | undefined> {
  return new Promise((resolveProblem) => {
    const probe = createServer()
    probe.once('error', (error: NodeJS.ErrnoException) => resolveProblem(error.code ?? error.message))
    probe.listen(port, host, () => probe.close(() => resolveProblem(undefined)))
  })
}
