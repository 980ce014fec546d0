/** The parts under test: the product's broker on a fresh embedded database, and mosquitto to compare with. */
import { type ChildProcess, fork, spawn } from 'node:child_process'
import { createHash, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { mkdtemp, open, readFile, rm, writeFile } from 'node:fs/promises'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { nodeFlags } from '@telltale/infra/node-flags'
import { freePort, startEmbeddedPostgres } from '@telltale/infra/postgres'
import { migrate } from '@telltale/infra/storage/migrate'
import { createPool, type Pool } from '@telltale/infra/storage/pool'
import { cpuSecondsOf, cpuSecondsOfMachine, cpuSecondsOfTree, MOSQUITTO } from './machine.ts'

const BROKER = fileURLToPath(new URL('../../broker/dist/main.js', import.meta.url))
const READY_DEADLINE_MS = 20_000
const STOP_DEADLINE_MS = 12_000

export const DEVICES = 500

export interface CpuUse {
  broker: number
  postgres: number
  /** The whole machine, these two included. */
  machine: number
}

export interface Target {
  name: 'telltale' | 'mosquitto'
  port: number
  credentialsFile: string | undefined
  cpu(): Promise<CpuUse>
}

export interface Stack {
  telltale: Target
  /** Absent when it is not installed. */
  mosquitto: Target | undefined
  pool: Pool
  postgresVersion: string
  stop(): Promise<void>
}

type Undo = () => Promise<unknown>

export async function startStack(): Promise<Stack> {
  const undo: Undo[] = []
  const stop = async () => {
    // Last in, first out; one that fails keeps none of the others from running.
    for (const release of undo.splice(0).reverse()) {
      await release().catch((error: Error) => console.error(`bench: ${error.message}`))
    }
  }
  try {
    return { ...(await startParts(undo)), stop }
  } catch (error) {
    await stop()
    throw error
  }
}

async function startParts(undo: Undo[]): Promise<Omit<Stack, 'stop'>> {
  if (!existsSync(BROKER)) throw new Error('broker/dist/main.js is missing: build first')
  const folder = await mkdtemp(join(tmpdir(), 'telltale-bench-'))
  undo.push(() => rm(folder, { recursive: true, force: true }))
  const dataDir = join(folder, 'data')
  const database = await startEmbeddedPostgres({ dataDir })
  undo.push(database.stop)
  await migrate(database.url)
  const pool = createPool({ url: database.url, name: 'bench', max: 4 })
  undo.push(() => pool.end())
  const postmasterPid = await readPostmasterPid(dataDir)

  const credentialsFile = join(folder, 'credentials.json')
  await writeFile(credentialsFile, JSON.stringify(await createDevices(pool)), { mode: 0o600 })
  const broker = await startBroker({ folder, databaseUrl: database.url, undo })
  // Measured for both: what the database still does behind mosquitto's back belongs in the table.
  const cpuWith = (brokerPid: number) => async () => ({
    broker: await cpuSecondsOf(brokerPid),
    postgres: await cpuSecondsOfTree(postmasterPid),
    machine: await cpuSecondsOfMachine(),
  })
  const mosquitto = await startMosquitto(folder, undo)
  const { rows } = await pool.query<{ server_version: string }>('SHOW server_version')
  return {
    telltale: { name: 'telltale', port: broker.port, credentialsFile, cpu: cpuWith(broker.pid) },
    mosquitto: mosquitto && {
      name: 'mosquitto',
      port: mosquitto.port,
      credentialsFile: undefined,
      cpu: cpuWith(mosquitto.pid),
    },
    pool,
    postgresVersion: rows[0]?.server_version ?? 'unknown',
  }
}

async function readPostmasterPid(dataDir: string): Promise<number> {
  const file = await readFile(join(dataDir, 'postgres', 'postmaster.pid'), 'utf8')
  return Number(file.split('\n')[0])
}

async function createDevices(pool: Pool): Promise<{ id: string; secret: string }[]> {
  const devices = Array.from({ length: DEVICES }, (_, i) => ({
    id: `bench-${i + 1}`,
    secret: randomBytes(32).toString('base64url'),
  }))
  const ids = devices.map(({ id }) => id)
  const hashes = devices.map(({ secret }) => createHash('sha256').update(secret).digest())
  await pool.query('INSERT INTO device (id, name) SELECT id, id FROM unnest($1::text[]) AS id', [ids])
  await pool.query(
    'INSERT INTO device_credential (device_id, hash) SELECT * FROM unnest($1::text[], $2::bytea[])',
    [ids, hashes],
  )
  return devices
}

async function startBroker(plan: {
  folder: string
  databaseUrl: string
  undo: Undo[]
}): Promise<{ port: number; pid: number }> {
  const port = await freePort()
  const log = await open(join(plan.folder, 'broker.log'), 'w')
  const child = fork(BROKER, {
    execArgv: nodeFlags.broker,
    stdio: ['ignore', log.fd, log.fd, 'ipc'],
    env: {
      PATH: process.env.PATH,
      TELLTALE_DATABASE_URL: plan.databaseUrl,
      TELLTALE_MQTT_PORT: String(port),
      TELLTALE_MQTT_WS_PORT: String(await freePort()),
      TELLTALE_PLATFORM_SECRET: randomBytes(32).toString('base64url'),
      TELLTALE_DATA_DIR: join(plan.folder, 'data'),
      TELLTALE_LOG_LEVEL: 'warn',
    },
  })
  plan.undo.push(() => endProcess(child).finally(() => log.close()))
  const ready = new AbortController()
  const outcome = await Promise.race([
    once(child, 'message').then(() => 'ready'),
    once(child, 'exit').then(([code]) => `exited with ${code}`),
    sleep(READY_DEADLINE_MS, 'was not ready in time', { signal: ready.signal }),
  ])
  ready.abort()
  if (outcome === 'ready' && child.pid !== undefined) return { port, pid: child.pid }
  throw new Error(`the broker ${outcome}:\n${await readFile(join(plan.folder, 'broker.log'), 'utf8')}`)
}

/** Stores nothing and asks nobody for a password: the fastest broker people run, as an upper mark. */
async function startMosquitto(
  folder: string,
  undo: Undo[],
): Promise<{ port: number; pid: number } | undefined> {
  if (!existsSync(MOSQUITTO)) return undefined
  const port = await freePort()
  const config = join(folder, 'mosquitto.conf')
  await writeFile(
    config,
    [
      `listener ${port} 127.0.0.1`,
      'allow_anonymous true',
      'persistence false',
      'set_tcp_nodelay true',
      'log_type error',
      '',
    ].join('\n'),
  )
  const child = spawn(MOSQUITTO, ['-c', config], { stdio: 'ignore' })
  undo.push(() => endProcess(child))
  await untilListening(port)
  const { pid } = child
  if (pid === undefined) throw new Error('mosquitto did not start')
  return { port, pid }
}

async function untilListening(port: number): Promise<void> {
  const deadlineMs = Date.now() + READY_DEADLINE_MS
  while (Date.now() < deadlineMs) {
    const socket = connect({ port, host: '127.0.0.1' })
    const open = await once(socket, 'connect').then(
      () => true,
      () => false,
    )
    socket.destroy()
    if (open) return
    await sleep(50)
  }
  throw new Error(`nothing listens on port ${port}`)
}

async function endProcess(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const exited = once(child, 'exit')
  child.kill('SIGTERM')
  const timer = setTimeout(() => child.kill('SIGKILL'), STOP_DEADLINE_MS)
  await exited
  clearTimeout(timer)
}
