import type { Connection } from '@telltale/infra/storage/pool'
import { type DatabaseProxy, startDatabaseProxy } from '@telltale/infra/testing/database-proxy'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { addDevice, bearer, call, signIn, startApi, type TestApi, until } from './harness.ts'
import { SseClient } from './sse-client.ts'

let api: TestApi
let proxy: DatabaseProxy
let viewer: Record<string, string>
let stream: SseClient

const ANSWER_WITHIN_MS = 5_000

beforeAll(async () => {
  api = await startApi({
    databaseThrough: async (url) => {
      proxy = await startDatabaseProxy(url)
      return proxy.url
    },
  })
  for (const id of ['kitchen', 'attic']) await addDevice(api, id)
  viewer = await signIn(api, 'viewer')
  stream = await SseClient.open(api.url('/events?devices=*,kitchen'), viewer)
})
afterAll(async () => {
  stream.close()
  proxy.pass()
  await api.stop()
  await proxy.close()
})

async function timed(line: string, headers = viewer) {
  const startedMs = performance.now()
  const { status, body, headers: answered } = await call(api, line, { headers })
  return { status, code: body?.code, body, answered, tookMs: performance.now() - startedMs }
}

const databaseCheck = async () => {
  const { checks } = (await (await fetch(`${api.origin}/readyz`)).json()) as {
    checks: { name: string; ok: boolean }[]
  }
  return checks.find(({ name }) => name === 'database')?.ok
}

it('R-SEEN-14 one silent connection, of the watch itself, refuses nobody', async () => {
  const { rows } = await api.database.pool.query<{ pid: number }>(
    "SELECT pid FROM pg_stat_activity WHERE application_name = 'telltale-watch' AND datname = current_database()",
  )
  expect(rows).toHaveLength(1)
  const backend = rows[0]?.pid as number
  const heardMs = api.deps.database.lastHeardMs
  process.kill(backend, 'SIGSTOP')
  const statuses = new Set<number>()
  try {
    await until(async () => {
      statuses.add((await timed('GET /devices')).status)
      // Longer ago than its silence was noticed.
      return api.deps.database.lastHeardMs > heardMs + 2_500
    })
  } finally {
    process.kill(backend, 'SIGCONT')
  }
  expect([...statuses]).toEqual([200])
})

it('R-SEEN-6 while the database is frozen whoever needs it is refused within 5 s, and then at once', async () => {
  // Nobody has asked anything of this one lately: nobody knows whether it is still good.
  const stranger = await bearer(api, 'viewer', 'stranger')
  proxy.freeze()
  const first = await Promise.all(
    ['GET /devices', 'GET /devices/kitchen/readings?metrics=t', 'GET /fleet/index'].map((line) =>
      timed(line),
    ),
  )
  for (const { status, code, answered, tookMs } of first) {
    expect([status, code]).toEqual([503, 'database_unavailable'])
    expect(Number(answered.get('retry-after'))).toBeGreaterThan(0)
    expect(tookMs).toBeLessThan(ANSWER_WITHIN_MS)
  }
  expect(await databaseCheck()).toBe(false)
  const again = await timed('GET /devices')
  expect(again.status).toBe(503)
  expect(again.tookMs).toBeLessThan(1_000)
  expect((await timed('GET /system', stranger)).code).toBe('database_unavailable')
  // None of them waits for a connection: nothing piles up.
  expect(api.deps.pool.waitingCount).toBe(0)
})

it('R-SEEN-7 whoever was signed in goes on: open streams stay, change their devices, and others open', async () => {
  expect((await timed('GET /session')).body.user.username).toBe('viewer')
  expect((await timed('GET /system')).status).toBe(200)
  const name = stream.of('hello')[0]?.data.stream
  const changed = await call(api, `PUT /events/${name}`, { headers: viewer, body: { devices: '*,attic' } })
  expect(changed.status).toBe(204)
  const other = await SseClient.open(api.url('/events?devices=kitchen'), viewer)
  await api.broker.reading('attic', 1, { t: 20 })
  await api.broker.reading('kitchen', 2, { t: 21 })
  await until(() => stream.of('reading').some(({ data }) => data.deviceId === 'attic'))
  await until(() => other.of('reading').length === 1)
  expect(stream.isEnded).toBe(false)
  other.close()
})

it('R-SEEN-8 when it is back everything is answered again; who signed out meanwhile elsewhere is out', async () => {
  await api.database.pool.query('DELETE FROM login_session')
  // For us it is still away: nobody can have told.
  expect((await timed('GET /session')).status).toBe(200)
  proxy.pass()
  await until(databaseCheck as () => Promise<boolean>)
  await until(() => stream.isEnded)
  expect((await timed('GET /session')).status).toBe(401)
  viewer = await signIn(api, 'viewer')
  expect((await timed('GET /devices')).status).toBe(200)
})

it('R-SEEN-15 a database that was away and then answers slowly, but in time, is there again', async () => {
  proxy.refuse()
  await until(() => api.deps.database.isAway)
  // A connection takes longer than an answer on it may.
  proxy.slow(900)
  await until(() => !api.deps.database.isAway)
  proxy.pass()
})

it('R-SEEN-16 of a database that only reads reads are answered, writes refused, and ended sessions end', async () => {
  const script = await bearer(api, 'viewer', 'script')
  const admin = await signIn(api, 'admin')
  const open = await SseClient.open(api.url('/events?devices=kitchen'), viewer)
  const { pool } = api.database
  await pool.query(`UPDATE login_session SET used_at = now() - interval '2 minutes'`)
  await pool.query(`UPDATE api_token SET used_at = now() - interval '2 minutes'`)
  const writer = await pool.connect()
  await setReadOnly(writer, 'on')
  // The first may meet the connections that are gone.
  await until(async () => (await timed('GET /devices', script)).status === 200)
  await until(async () => (await timed('GET /devices', viewer)).status === 200)
  const refused = await call(api, 'POST /tokens', {
    headers: admin,
    body: { name: 'ci', role: 'viewer' },
  })
  expect([refused.status, refused.body.code]).toEqual([503, 'database_unavailable'])
  await writer.query(
    `DELETE FROM login_session WHERE user_id = (SELECT id FROM app_user WHERE username = 'viewer')`,
  )
  await until(() => open.isEnded)
  expect((await timed('GET /devices', script)).status).toBe(200)
  await setReadOnly(writer, 'off')
  writer.release(true)
  await until(async () => {
    viewer = await signIn(api, 'viewer').catch(() => viewer)
    return (await timed('GET /devices')).status === 200
  })
})

/** For connections from now on, but not for `writer`; the API's are made anew. */
async function setReadOnly(writer: Connection, state: 'on' | 'off'): Promise<void> {
  const name = new URL(api.database.url).pathname.slice(1)
  await writer.query('SET default_transaction_read_only = off')
  await writer.query(`ALTER DATABASE "${name}" SET default_transaction_read_only = ${state}`)
  await writer.query(
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'telltale-api' AND datname = current_database()",
  )
}

it('R-SEEN-6 a database that refuses is noticed as well, and one lost connection is nothing', async () => {
  const { rowCount } = await api.database.pool.query(
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'telltale-watch' AND datname = current_database()",
  )
  expect(rowCount).toBeGreaterThan(0)
  const heardMs = api.deps.database.lastHeardMs
  await until(() => api.deps.database.lastHeardMs > heardMs || api.deps.database.isAway)
  expect(api.deps.database.isAway).toBe(false)
  proxy.refuse()
  await until(() => api.deps.database.isAway)
  expect((await timed('GET /devices')).code).toBe('database_unavailable')
  proxy.pass()
  await until(() => !api.deps.database.isAway)
})
