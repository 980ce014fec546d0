import { topics } from '@telltale/broker/contract'
import { type GatheredProblem, recordProblems } from '@telltale/infra/storage/problems'
import type { Role } from '@telltale/infra/storage/users'
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest'
import { addDevice, bearer, call, startApi, type TestApi, until } from './harness.ts'

let api: TestApi
let as: Record<Role, { authorization: string }>

beforeAll(async () => {
  api = await startApi()
  as = {
    viewer: await bearer(api, 'viewer'),
    operator: await bearer(api, 'operator'),
    admin: await bearer(api, 'admin'),
  }
  await addDevice(api, 'kitchen')
  await addDevice(api, 'cellar')
})
afterAll(() => api.stop())
beforeEach(() => api.database.pool.query('DELETE FROM connection_problem'))

/** What a broker notes; the newest is the first given. */
function note(...problems: Partial<GatheredProblem>[]): Promise<void> {
  const now = Date.now()
  const common = { code: 'wrong_secret', deviceId: 'kitchen', address: '10.0.0.7', clientId: 'c', detail: '' }
  return recordProblems(
    api.database.pool,
    problems.map((problem, i) => {
      const at = new Date(now - i * 1_000)
      return { ...common, limit: null, count: 1, firstAt: at, lastAt: at, ...problem }
    }),
  )
}
const get = (path: string, role: Role) => call(api, `GET ${path}`, { headers: as[role] })

it('O-DIAG-13 a device tells what went wrong last, with time, address, limit, and the cause in words', async () => {
  const limit = { name: 'messages in a second', value: 5_210, allowed: 5_000 }
  const detail = '<img src=x onerror=alert(1)>'
  await note(
    { code: 'limit_messages', limit, count: 7, firstAt: new Date(Date.now() - 60_000) },
    { detail, clientId: null, address: null },
    { deviceId: 'cellar' },
  )
  const { status, body } = await get('/devices/kitchen/diagnostics', 'viewer')
  expect(status).toBe(200)
  expect(body.items).toEqual([
    {
      id: expect.any(String),
      at: expect.any(String),
      firstAt: expect.any(String),
      count: 7,
      code: 'limit_messages',
      cause: expect.stringMatching(/slowed down\. Send several readings in one message\.$/),
      detail: '',
      address: '10.0.0.7',
      clientId: 'c',
      limit,
    },
    expect.objectContaining({ code: 'wrong_secret', detail, address: null, clientId: null }),
  ])
  expect(body.items[1]).not.toHaveProperty('limit')
  expect(Date.parse(body.items[0].at)).toBeGreaterThan(Date.parse(body.items[0].firstAt))
  expect((await get('/devices/cellar/diagnostics', 'operator')).body.items).toHaveLength(1)
})

it('O-DIAG-14 only an admin learns of ids that are not registered', async () => {
  await note({ deviceId: 'stranger', code: 'unknown_device' })
  for (const role of ['viewer', 'operator'] as const)
    for (const id of ['stranger', 'nobody']) {
      const { status, body } = await get(`/devices/${id}/diagnostics`, role)
      expect([role, id, status, body.code]).toEqual([role, id, 404, 'device_not_found'])
    }
  const seen = await get('/devices/stranger/diagnostics', 'admin')
  expect(seen.body.items).toMatchObject([{ code: 'unknown_device' }])
  expect((await get('/devices/nobody/diagnostics', 'admin')).status).toBe(404)
  expect((await get('/devices/cellar/diagnostics', 'viewer')).body).toEqual({ items: [] })
})

it('O-DIAG-15 an admin sees those of all clients, newest first, in pages that neither repeat nor skip', async () => {
  await note(
    { deviceId: null, code: 'not_mqtt', clientId: null },
    { deviceId: '@node-red' },
    { deviceId: 'stranger/#', code: 'unknown_device' },
    {},
    { code: 'of_a_newer_broker' },
  )
  const seen: { deviceId: string | null; registered: boolean; code: string; cause: string }[] = []
  for (let cursor = ''; ; ) {
    const { body } = await get(`/diagnostics?limit=2${cursor}`, 'admin')
    seen.push(...body.items)
    if (body.nextCursor === null) break
    cursor = `&cursor=${body.nextCursor}`
  }
  expect(seen.map(({ deviceId, registered, code }) => [deviceId, registered, code])).toEqual([
    [null, false, 'not_mqtt'],
    ['@node-red', false, 'wrong_secret'],
    ['stranger/#', false, 'unknown_device'],
    ['kitchen', true, 'wrong_secret'],
    ['kitchen', true, 'of_a_newer_broker'],
  ])
  for (const { cause } of seen) expect(cause).toMatch(/\. .+\.$/)
  for (const role of ['viewer', 'operator'] as const)
    expect((await get('/diagnostics', role)).body.code).toBe('forbidden')
  for (const key of [['0000-01-01T00:00:00.000Z', 1], ['2026-01-01T00:00:00.000Z', -1], 1]) {
    const cursor = Buffer.from(JSON.stringify(key)).toString('base64url')
    expect((await get(`/diagnostics?cursor=${cursor}`, 'admin')).body.code).toBe('invalid_cursor')
  }
})

it('O-METRICS-2 metrics count connection problems by code, and dropped messages, never by device', async () => {
  const totals = { messagesTotal: 0, readingsTotal: 0, rejectedTotal: 0, pendingRows: 0, busyShare: 0 }
  const payload = { brokerId: 'b', startedAt: 1, connections: 0, ...totals }
  const scrape = async () => (await fetch(`${api.origin}/metrics`)).text()
  const say = (more: object) => api.broker.say(topics.platform('totals', 'b'), { ...payload, ...more })
  await say({ problems: { wrong_secret: 12, mqtt5: 1 }, droppedTotal: 3 })
  const line = /^telltale_connection_problems_total\{code="(\w+)",broker="b"\} (\d+)$/gm
  const counts = async () => Object.fromEntries([...(await scrape()).matchAll(line)].map((m) => [m[1], m[2]]))
  await until(async () => (await counts()).wrong_secret === '12')
  expect(await counts()).toEqual({ wrong_secret: '12', mqtt5: '1' })
  expect(await scrape()).toContain('\ntelltale_messages_dropped_total{broker="b"} 3\n')
  await say({ problems: { wrong_secret: 13, mqtt5: 1 } })
  await until(async () => (await counts()).wrong_secret === '13')
  // A broker of the version before has none.
  await say({})
  await until(async () => Object.keys(await counts()).length === 0)
})
