import { randomBytes } from 'node:crypto'
import { createToken } from '../storage/tokens.ts'
import type { TestBroker } from './broker.ts'
import type { TestDatabase } from './database.ts'
import { quietPort } from './ports.ts'
import { type Launch, type Program, startProgram } from './program.ts'

export interface TestApiProgram {
  program: Program
  port: number
  url: string
  /** Of an operator. */
  token: string
  /** One request with a JSON body, and its parsed answer. */
  call: (line: string, body?: unknown) => Promise<{ status: number; body: unknown }>
  /** Starts it again on the same port, as its supervisor would. */
  restart: () => Promise<void>
}

/** The API as built, beside a test's broker and database. */
export async function startTestApi(
  database: TestDatabase,
  broker: TestBroker,
  env: Record<string, string> = {},
  launch: Launch = {},
): Promise<TestApiProgram> {
  const port = await quietPort()
  const settings = {
    TELLTALE_DATABASE_URL: database.url,
    TELLTALE_HTTP_PORT: String(port),
    TELLTALE_BROKER_URL: broker.url,
    TELLTALE_MQTT_PORT: String(broker.port),
    TELLTALE_PLATFORM_SECRET: broker.platformSecret,
    TELLTALE_ADMIN_PASSWORD: randomBytes(12).toString('hex'),
    ...env,
  }
  const start = () => startProgram('api', settings, launch)
  const url = `http://127.0.0.1:${port}`
  const { token } = await createToken(database.pool, { name: 'test', role: 'operator', createdBy: 'test' })
  const call: TestApiProgram['call'] = async (line, body) => {
    const [method = 'GET', path = '/'] = line.split(' ')
    const answer = await fetch(`${url}/api/v1${path}`, {
      method,
      headers: {
        authorization: `Bearer ${token}`,
        ...(body !== undefined && { 'content-type': 'application/json' }),
      },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    })
    return { status: answer.status, body: await answer.json() }
  }
  const api: TestApiProgram = {
    ...{ program: await start(), port, url, token, call },
    restart: async () => {
      api.program = await start()
    },
  }
  return api
}
