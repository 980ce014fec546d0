/** The programs under test: the product's broker and API on a database of the bench's own, and mosquitto beside. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { hashSecret, newSecret } from '@telltale/infra/secrets'
import type { Releases } from '@telltale/infra/service'
import type { Pool } from '@telltale/infra/storage/pool'
import { startTestApi, type TestApiProgram } from '@telltale/infra/testing/api'
import { startTestBroker, type TestBroker } from '@telltale/infra/testing/broker'
import { quietPort } from '@telltale/infra/testing/ports'
import { processesOf } from '@telltale/infra/testing/processes'
import type { Launch } from '@telltale/infra/testing/program'
import { startTestRedis } from '@telltale/infra/testing/redis'
import { waitFor } from '@telltale/infra/testing/wait'
import type { Credential } from './generator.ts'
import { cpuSecondsOf, cpuSecondsOfMachine, cpuSecondsOfTree, MOSQUITTO } from './machine.ts'
import type { Database } from './servers.ts'

const READY_DEADLINE_MS = 20_000
const STOP_DEADLINE_MS = 12_000

/** A broker that answers `ask`; otherwise it runs as built. */
export const PROBE: Launch = { flags: ['--import', new URL('./probe.js', import.meta.url).href] }

/** Devices that the load generator plays, apart from all others in a database. */
export const LOAD_DEVICE_PREFIX = 'bench-'

/** CPU seconds used so far. */
export interface CpuUse {
  programs: Record<string, number>
  /** Everything on this machine, the programs included. */
  machine: number
}

/** A broker or several that are one, and the CPU of all that works for them. */
export interface Target {
  name: string
  /** Of each broker. */
  ports: readonly number[]
  credentialsFile: string | undefined
  cpu(): Promise<CpuUse>
}

export interface Product {
  broker: TestBroker
  target: Target
}

/** The broker, and devices for a load generator. */
export async function startBroker(
  database: Database,
  plan: { devices: number; releases: Releases },
): Promise<Product> {
  return startBrokerFor(await makeLoadDevices(database, plan), database, plan)
}

/** A file with the secrets of devices for a load generator. */
export async function makeLoadDevices(
  database: Database,
  { devices, releases }: { devices: number; releases: Releases },
): Promise<string> {
  return makeDevices(database, { prefix: LOAD_DEVICE_PREFIX, devices, releases })
}

/** Registers `{prefix}1` to `{prefix}{devices}`; a file with their secrets. */
export async function makeDevices(
  database: Database,
  { prefix, devices, releases }: { prefix: string; devices: number; releases: Releases },
): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'telltale-bench-'))
  releases.add('credentials', () => rm(folder, { recursive: true, force: true }))
  const credentialsFile = join(folder, 'credentials.json')
  const credentials = Array.from({ length: devices }, (_, i) => newCredential(`${prefix}${i + 1}`))
  await registerDevices(database.pool, credentials)
  await writeFile(credentialsFile, JSON.stringify(credentials), { mode: 0o600 })
  return credentialsFile
}

/** A broker for the devices of `credentialsFile`, started as `env` and `launch` say. */
export async function startBrokerFor(
  credentialsFile: string,
  database: Database,
  { releases, env, launch }: { releases: Releases; env?: Record<string, string>; launch?: Launch },
): Promise<Product> {
  const broker = await startTestBroker(database.url, env, launch)
  releases.add('broker', () => broker.program.stop())
  const cpu = cpuOf(database, { broker: broker.program.process })
  return { broker, target: { name: 'telltale', ports: [broker.port], credentialsFile, cpu } }
}

export interface Redis {
  url: string
  /** For the CPU table. */
  process: { pid: number }
}

/** An empty Redis that stores nothing on disk; ask `hasRedis` first. */
export async function startRedis(releases: Releases): Promise<Redis> {
  const { url, port, stop } = await startTestRedis()
  releases.add('Redis', stop)
  const title = `redis-server 127.0.0.1:${port}`
  const { pid } = await waitFor('Redis to set its title', async () => (await processesOf(title))[0])
  return { url, process: { pid } }
}

/** The API as well; its CPU stands in the table, and that of the bench, which plays the people who look. */
export async function startProduct(
  database: Database,
  plan: { devices: number; releases: Releases },
): Promise<Product & { api: TestApiProgram }> {
  const { broker, target } = await startBroker(database, plan)
  const api = await startTestApi(database, broker)
  plan.releases.add('api', () => api.program.stop())
  const children = { broker: broker.program.process, api: api.program.process, viewers: process }
  return { broker, api, target: { ...target, cpu: cpuOf(database, children) } }
}

export function cpuOf(database: Database, children: Record<string, { pid?: number | undefined }>) {
  return async (): Promise<CpuUse> => {
    const used = Object.entries(children).map(
      async ([name, { pid }]): Promise<[string, number]> => [name, await cpuSecondsOf(pid as number)],
    )
    // For mosquitto too: what the database still does behind its back belongs in the table.
    const postgres = await cpuSecondsOfTree(database.postmasterPid)
    const programs = { ...Object.fromEntries(await Promise.all(used)), postgres }
    return { programs, machine: await cpuSecondsOfMachine() }
  }
}

export function newCredential(id: string): Credential {
  return { id, secret: newSecret() }
}

export async function registerDevices(pool: Pool, devices: Credential[]): Promise<void> {
  const ids = devices.map(({ id }) => id)
  await pool.query(
    'INSERT INTO device (id, name) SELECT id, id FROM unnest($1::text[]) AS id ON CONFLICT DO NOTHING',
    [ids],
  )
  await pool.query(
    'INSERT INTO device_credential (device_id, hash) SELECT * FROM unnest($1::text[], $2::bytea[])',
    [ids, devices.map(({ secret }) => hashSecret(secret))],
  )
}

/** Stores nothing and asks nobody for a password: the fastest broker people run, as an upper mark. */
export async function startMosquitto(database: Database, releases: Releases): Promise<Target | undefined> {
  if (!existsSync(MOSQUITTO)) return undefined
  const folder = await mkdtemp(join(tmpdir(), 'telltale-bench-'))
  releases.add('mosquitto.conf', () => rm(folder, { recursive: true, force: true }))
  const port = await quietPort()
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
  releases.add('mosquitto', () => endProcess(child))
  await untilListening(port)
  if (child.pid === undefined) throw new Error('mosquitto did not start')
  const cpu = cpuOf(database, { broker: child })
  return { name: 'mosquitto', ports: [port], credentialsFile: undefined, cpu }
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
