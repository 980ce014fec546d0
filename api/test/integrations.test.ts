import { topics } from '@telltale/broker/contract'
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest'
import { bearer, call, startApi, type TestApi, until } from './harness.ts'

let api: TestApi
let admin: { authorization: string }

beforeAll(async () => {
  api = await startApi()
  admin = await bearer(api, 'admin')
})
afterAll(() => api.stop())
beforeEach(async () => {
  await api.database.pool.query('DELETE FROM integration; DELETE FROM audit_entry')
  api.broker.seen.length = 0
})

const create = (body: unknown, headers = admin) => call(api, 'POST /integrations', { headers, body })
const audited = async () => {
  const { rows } = await api.database.pool.query<{ line: string }>(
    `SELECT concat_ws(' ', actor, action, target, detail::text) AS line FROM audit_entry ORDER BY id`,
  )
  return rows.map(({ line }) => line)
}

it('S-INTEGRATION-4 an admin makes an integration; its secret is shown this once only', async () => {
  const { status, headers, body } = await create({ name: 'node-red', read: true })
  expect([status, headers.get('cache-control')]).toEqual([201, 'no-store'])
  const { secret, ...integration } = body
  expect(secret).toMatch(/^[\w-]{43}$/)
  expect(integration).toEqual({
    name: 'node-red',
    username: '@node-red',
    read: true,
    write: false,
    createdBy: 'token:test-admin',
    createdAt: expect.any(String),
    lastConnectedAt: null,
  })
  const list = await call(api, 'GET /integrations', { headers: admin })
  expect(list.body).toEqual({ items: [integration], nextCursor: null })
  expect(await audited()).toEqual([
    'token:test-admin integration.create node-red {"read": true, "write": false}',
  ])
})

it('S-INTEGRATION-5 deleting tells the broker; the name can be used again, with another secret', async () => {
  const first = await create({ name: 'telegraf', write: true })
  const again = await create({ name: 'telegraf', write: true })
  expect([again.status, again.body.code]).toEqual([409, 'integration_exists'])
  const remove = () => call(api, 'DELETE /integrations/telegraf', { headers: admin })
  expect((await remove()).status).toBe(204)
  const topic = topics.platform('revoked', '@telegraf')
  await until(() => api.broker.seen.some((seen) => seen.topic === topic && seen.qos === 1))
  const gone = await remove()
  expect([gone.status, gone.body.code]).toEqual([404, 'integration_not_found'])
  const second = await create({ name: 'telegraf', read: true })
  expect(second.status).toBe(201)
  expect(second.body.secret).not.toBe(first.body.secret)
  expect(await audited()).toContain('token:test-admin integration.revoke telegraf')
})

it.each([
  [{ name: 'x' }, 'body'],
  [{ name: 'x', read: false, write: false }, 'body'],
  [{ name: '@x', read: true }, 'body/name'],
  [{ name: '.x', read: true }, 'body/name'],
  [{ name: 'a/b', read: true }, 'body/name'],
  [{ name: 'x'.repeat(65), read: true }, 'body/name'],
  [{ name: '', read: true }, 'body/name'],
  [{ name: 'x', read: 'yes' }, 'body/read'],
  [{ name: 'x', read: true, admin: true }, 'body/admin'],
])('S-INTEGRATION-6 %j is refused, and the wrong field named', async (body, path) => {
  const answer = await create(body)
  expect([answer.status, answer.body.code]).toEqual([400, 'invalid_request'])
  expect(answer.body.errors.map((error: { path: string }) => error.path)).toContain(path)
  expect((await call(api, 'GET /integrations', { headers: admin })).body.items).toEqual([])
})

it('S-INTEGRATION-7 nobody but an admin sees, makes or deletes one', async () => {
  await create({ name: 'kept', read: true })
  for (const role of ['viewer', 'operator'] as const) {
    const headers = await bearer(api, role)
    for (const line of ['GET /integrations', 'POST /integrations', 'DELETE /integrations/kept']) {
      const body = line.startsWith('POST') ? { name: `of-${role}`, read: true } : undefined
      const answer = await call(api, line, { headers, body })
      expect([role, line, answer.status, answer.body.code]).toEqual([role, line, 403, 'forbidden'])
    }
  }
  const { body } = await call(api, 'GET /integrations', { headers: admin })
  expect(body.items.map(({ name }: { name: string }) => name)).toEqual(['kept'])
})

it('S-INTEGRATION-8 pages of integrations neither repeat nor skip', async () => {
  for (const name of ['e', 'B', 'a', 'd', 'c']) await create({ name, read: true })
  const seen: string[] = []
  for (let cursor = ''; ; ) {
    const { body } = await call(api, `GET /integrations?limit=2${cursor}`, { headers: admin })
    seen.push(...body.items.map(({ name }: { name: string }) => name))
    if (body.nextCursor === null) break
    cursor = `&cursor=${body.nextCursor}`
  }
  expect([...seen].sort()).toEqual(['B', 'a', 'c', 'd', 'e'])
})
