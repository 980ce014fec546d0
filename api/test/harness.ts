import { once } from 'node:events'
import { type AddressInfo, createServer, type Server } from 'node:net'
import { topics } from '@telltale/broker/contract'
import { createLog } from '@telltale/infra/log'
import { Releases } from '@telltale/infra/service'
import { createDevice } from '@telltale/infra/storage/devices'
import { openEngine } from '@telltale/infra/storage/engine'
import { lateSpans } from '@telltale/infra/storage/late'
import { createPool } from '@telltale/infra/storage/pool'
import { resolveSeries } from '@telltale/infra/storage/series'
import { storeBatch } from '@telltale/infra/storage/telemetry'
import { createToken } from '@telltale/infra/storage/tokens'
import { createUser, type Role } from '@telltale/infra/storage/users'
import { createTestDatabase, type TestDatabase } from '@telltale/infra/testing/database'
import { letNotesRest } from '@telltale/infra/testing/storage'
import { Aedes } from 'aedes'
import { buildApp } from '../src/app.ts'
import type { Api, Deps } from '../src/deps.ts'
import { feedHub } from '../src/live/feed.ts'
import { Hub } from '../src/live/hub.ts'
import { Link } from '../src/live/link.ts'
import { StreamPlaces } from '../src/live/places.ts'
import { FleetTotals } from '../src/live/totals.ts'
import { hashPassword } from '../src/session/passwords.ts'
import { SessionWatch } from '../src/session/watch.ts'
import { DatabaseWatch } from '../src/system/database-watch.ts'
import { createHistoryPools } from '../src/telemetry/pools.ts'

export const PASSWORD = 'correct horse battery'

/** A real MQTT broker that forwards anything: what the platform's own broker says, the tests say. */
class TestBroker {
  readonly seen: { topic: string; qos: number }[] = []
  #port = 0
  #aedes: Aedes | undefined
  #server: Server | undefined

  /** Started again, it is on the same port. */
  async start(): Promise<number> {
    const aedes = await Aedes.createBroker()
    aedes.on('publish', ({ topic, qos }, client) => {
      if (client) this.seen.push({ topic, qos })
    })
    const server = createServer(aedes.handle)
    server.listen(this.#port, '127.0.0.1')
    await once(server, 'listening')
    this.#aedes = aedes
    this.#server = server
    this.#port = (server.address() as AddressInfo).port
    return this.#port
  }

  async say(topic: string, message: unknown): Promise<void> {
    const payload = Buffer.from(JSON.stringify(message))
    const packet = { cmd: 'publish', topic, payload, qos: 0, retain: false, dup: false } as const
    await new Promise<void>((resolve, reject) => {
      this.#aedes?.publish(packet, (error) => (error ? reject(error) : resolve()))
    })
  }

  reading(deviceId: string, ts: number, values: unknown): Promise<void> {
    return this.say(topics.telemetry(deviceId), { ts, values })
  }

  async stop(): Promise<void> {
    const closed = this.#server && once(this.#server, 'close')
    this.#server?.close()
    await new Promise<void>((resolve) => {
      if (this.#aedes) this.#aedes.close(() => resolve())
      else resolve()
    })
    await closed
  }
}

export interface TestApi {
  app: Api
  deps: Deps
  database: TestDatabase
  broker: TestBroker
  origin: string
  url: (path: string) => string
  stop: () => Promise<void>
}

/** The API on a free port with a database and a broker of its own, and one user per role. */
export async function startApi(
  options: {
    dashboardDir?: string
    limits?: Parameters<typeof buildApp>[1]
    /** Puts something between the API and its broker; answers with its port. */
    linkThrough?: (brokerPort: number) => Promise<number>
    /** Puts something between the API and its database; answers with its URL. */
    databaseThrough?: (databaseUrl: string) => Promise<string>
  } = {},
): Promise<TestApi> {
  const releases = new Releases()
  const database = await createTestDatabase()
  releases.add('database', () => database.drop())
  const engine = await openEngine(database.pool)
  await engine.maintain({ nowMs: Date.now(), retentionDays: 0, backfillDays: 30 })
  const broker = new TestBroker()
  const brokerPort = await broker.start()
  releases.add('broker', () => broker.stop())
  const log = createLog('api', 'fatal')
  const linkPort = (await options.linkThrough?.(brokerPort)) ?? brokerPort
  const link = new Link({ url: `mqtt://127.0.0.1:${linkPort}`, secret: 'platform-secret', log })
  releases.add('link', () => link.stop())
  const databaseUrl = (await options.databaseThrough?.(database.url)) ?? database.url
  const history = createHistoryPools({ url: databaseUrl, ingestShare: () => 0 })
  releases.add('charts', () => history.charts.end())
  releases.add('exports', () => history.exports.end())
  const pool = createPool({ url: databaseUrl, name: 'api', max: 8, isSilenceFatal: true })
  releases.add('pool', () => pool.end())
  const watch = new DatabaseWatch({ url: databaseUrl, log })
  releases.add('database watch', () => watch.stop())
  watch.start()
  const deps: Deps = {
    pool,
    database: watch,
    history,
    link,
    hub: new Hub(link),
    totals: new FleetTotals(),
    sessions: new SessionWatch(pool, log),
    places: new StreamPlaces(),
    log,
    mqtt: { host: '127.0.0.1', port: brokerPort },
    dashboardDir: options.dashboardDir ?? '/nowhere',
  }
  feedHub(deps)
  const app = await buildApp(deps, options.limits)
  releases.add('app', () => app.close())
  const origin = await app.listen({ port: 0, host: '127.0.0.1' })
  await addUsers(database)
  await until(() => link.isUp)
  const url = (path: string) => `${origin}${path.startsWith('/api') ? path : `/api/v1${path}`}`
  return { app, deps, database, broker, origin, url, stop: () => releases.run() }
}

const roles: Role[] = ['viewer', 'operator', 'admin']
const passwordHash = hashPassword(PASSWORD)

async function addUsers({ pool }: TestDatabase): Promise<void> {
  for (const role of roles) await createUser(pool, { username: role, passwordHash: await passwordHash, role })
}

/** Waits for a condition; fails by the test's own timeout. */
export async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await condition())) await new Promise((resolve) => setTimeout(resolve, 5))
}

/** Refused unread, so before those that are looked at are answered: a hold of a second has just begun. */
export async function firstRefused(answers: Promise<{ status: number }>[]): Promise<void> {
  const refused = async (answer: Promise<{ status: number }>) => {
    if ((await answer).status !== 429) throw new Error('not refused')
  }
  await Promise.any(answers.map(refused))
}

/** Headers of a signed-in dashboard. */
export async function signIn(
  api: TestApi,
  username: Role,
): Promise<{ cookie: string; 'x-telltale-csrf': '1' }> {
  const answer = await fetch(api.url('/session'), {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ username, password: PASSWORD }),
  })
  if (answer.status !== 200) throw new Error(`sign-in failed: ${await answer.text()}`)
  return { cookie: cookieOf(answer), 'x-telltale-csrf': '1' }
}

export function cookieOf(answer: Response): string {
  return answer.headers.getSetCookie()[0]?.split(';')[0] ?? ''
}

/** Headers of a script. */
export async function bearer(
  api: TestApi,
  role: Role,
  name = `test-${role}`,
): Promise<{ authorization: string }> {
  const { token } = await createToken(api.database.pool, { name, role, createdBy: 'test' })
  return { authorization: `Bearer ${token}` }
}

export async function addDevice(api: TestApi, id: string, name = id): Promise<void> {
  await createDevice(api.database.pool, { id, name, type: null, tags: [] })
}

export interface Answer {
  status: number
  headers: Headers
  // biome-ignore lint/suspicious/noExplicitAny: tests look into answers of every shape
  body: any
}

/** One request with a JSON body, and its parsed answer. */
export async function call(
  api: TestApi,
  line: string,
  { headers = {}, body }: { headers?: Record<string, string>; body?: unknown } = {},
): Promise<Answer> {
  const [method = 'GET', path = '/'] = line.split(' ')
  const init: RequestInit = { method, headers }
  if (body !== undefined) {
    init.headers = { 'content-type': 'application/json', ...headers }
    init.body = typeof body === 'string' ? body : JSON.stringify(body)
  }
  const answer = await fetch(api.url(path), init)
  const text = await answer.text()
  return { status: answer.status, headers: answer.headers, body: parse(text) }
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return text
  }
}

/** Stores numbers, booleans or text as the broker would. */
export async function store(
  api: TestApi,
  deviceId: string,
  { metric, points }: { metric: string; points: [time: number, value: number | boolean | string][] },
): Promise<void> {
  const first = points[0]?.[1]
  const kind = typeof first as 'number' | 'boolean' | 'string'
  const { pool } = api.database
  const engine = await openEngine(pool)
  const times = points.map(([time]) => time)
  await engine.cover(times)
  const [series] = await resolveSeries(pool, [{ deviceId, metric, kind }])
  const rows = <V>(values: V[]) => ({
    seriesIds: values.map(() => series?.id ?? -1),
    timesMs: values.length === 0 ? [] : times,
    values,
  })
  const values = points.map(([, value]) => value)
  const isText = kind === 'string'
  const batch = {
    numbers: rows(isText ? [] : values.map(Number)),
    texts: rows(isText ? values.map(String) : []),
    rejected: [],
  }
  await storeBatch(pool, batch, { way: 'merge', late: lateSpans(batch.numbers, Date.now()) })
  await letNotesRest(pool)
}
