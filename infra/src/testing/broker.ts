import { randomBytes } from 'node:crypto'
import { mkdir, mkdtemp } from 'node:fs/promises'
import { join } from 'node:path'
import { hashSecret } from '../secrets.ts'
import type { Pool } from '../storage/pool.ts'
import { testFolder } from './folder.ts'
import { quietPorts } from './ports.ts'
import { type Launch, type Program, startProgram } from './program.ts'

export interface TestBroker {
  program: Program
  port: number
  wsPort: number
  url: string
  platformSecret: string
  /** Starts it again on the same ports, as its supervisor would. */
  restart: () => Promise<void>
}

export async function startTestBroker(
  databaseUrl: string,
  env: Record<string, string> = {},
  launch: Launch = {},
): Promise<TestBroker> {
  const [port = 0, wsPort = 0] = await quietPorts(2)
  const platformSecret = env.TELLTALE_PLATFORM_SECRET ?? randomBytes(16).toString('hex')
  await mkdir(testFolder, { recursive: true })
  const dataDir = await mkdtemp(join(testFolder, 'broker-'))
  const settings = {
    TELLTALE_DATABASE_URL: databaseUrl,
    TELLTALE_MQTT_PORT: String(port),
    TELLTALE_MQTT_WS_PORT: String(wsPort),
    TELLTALE_PLATFORM_SECRET: platformSecret,
    TELLTALE_DATA_DIR: dataDir,
    ...env,
  }
  const start = () => startProgram('broker', settings, launch)
  const broker: TestBroker = {
    program: await start(),
    port,
    wsPort,
    url: `mqtt://127.0.0.1:${port}`,
    platformSecret,
    restart: async () => {
      broker.program = await start()
    },
  }
  return broker
}

/** Registers a device whose secret is `secret-of-{id}`. */
export async function registerDevice(
  pool: Pool,
  id: string,
): Promise<{ username: string; password: string }> {
  const secret = `secret-of-${id}`
  await pool.query('INSERT INTO device (id, name) VALUES ($1, $1)', [id])
  await pool.query('INSERT INTO device_credential (device_id, hash) VALUES ($1, $2)', [
    id,
    hashSecret(secret),
  ])
  return { username: id, password: secret }
}

/** Registers an integration whose secret is `secret-of-@{name}`. */
export async function registerIntegration(
  pool: Pool,
  name: string,
  rights: { read: boolean; write: boolean } = { read: true, write: true },
): Promise<{ username: string; password: string }> {
  const username = `@${name}`
  const password = `secret-of-${username}`
  await pool.query(
    'INSERT INTO integration (name, hash, read, write, created_by) VALUES ($1, $2, $3, $4, $5)',
    [name, hashSecret(password), rights.read, rights.write, 'test'],
  )
  return { username, password }
}
