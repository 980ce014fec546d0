import { randomBytes } from 'node:crypto'
import { freePort } from '../postgres.ts'
import { hashSecret } from '../secrets.ts'
import type { Pool } from '../storage/pool.ts'
import { type Program, startProgram } from './program.ts'

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
): Promise<TestBroker> {
  const port = await freePort()
  const wsPort = await freePort()
  const platformSecret = randomBytes(16).toString('hex')
  const start = () =>
    startProgram('broker', {
      TELLTALE_DATABASE_URL: databaseUrl,
      TELLTALE_MQTT_PORT: String(port),
      TELLTALE_MQTT_WS_PORT: String(wsPort),
      TELLTALE_PLATFORM_SECRET: platformSecret,
      ...env,
    })
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
