import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { addDevice, bearer, call, signIn, startApi, type TestApi, until } from './harness.ts'

let api: TestApi
let routes: { method: string; path: string; role: string }[]

beforeAll(async () => {
  api = await startApi()
  await addDevice(api, 'kitchen')
  routes = api.app.routeIndex
    .filter(({ url, method }) => url.startsWith('/api/v1') && method !== 'HEAD')
    .map(({ method, url, role = '' }) => ({ method, role, path: url.replace(/:(\w+)/g, fill) }))
})
afterAll(() => api.stop())

/** Ids that exist or could: a guard that looks things up first would answer 404 instead. */
function fill(_: string, name: string): string {
  return name === 'id' ? 'kitchen' : randomUUID()
}

const isPublic = ({ role }: { role: string }) => role === 'public'

it('S-GUARD-1 the walk sees the whole API', () => {
  expect(routes.length).toBeGreaterThan(20)
  const publicRoutes = routes.filter(isPublic).map(({ method, path }) => `${method} ${path}`)
  // The socket checks at the upgrade, with close codes; see socket.test.ts.
  expect(publicRoutes.sort()).toEqual(['GET /api/v1/socket', 'POST /api/v1/session'])
})

it('S-GUARD-2 without credentials, with a wrong cookie and with a wrong token every route answers 401', async () => {
  const proofs = [{}, { cookie: 'telltale_session=wrong' }, { authorization: 'Bearer tt_wrong' }]
  for (const { method, path } of routes.filter((route) => !isPublic(route)))
    for (const headers of proofs) {
      const { status, body } = await call(api, `${method} ${path}`, { headers })
      expect([method, path, status, body.code]).toEqual([method, path, 401, 'not_signed_in'])
    }
})

it('S-GUARD-3 no write of the API is open to a viewer, and no admin route to an operator', async () => {
  const viewer = await signIn(api, 'viewer')
  const operator = await bearer(api, 'operator')
  for (const { method, path, role } of routes.filter((route) => !isPublic(route))) {
    // One's own sessions, password and boards, and what one's own stream carries.
    const isOwn = /^\/api\/v1\/(sessions?|boards|events)(\/|$)/.test(path)
    if (method !== 'GET' && !isOwn) expect([method, path, role]).not.toEqual([method, path, 'viewer'])
    if (role === 'viewer') continue
    const asViewer = await call(api, `${method} ${path}`, { headers: viewer })
    expect([method, path, asViewer.status, asViewer.body.code]).toEqual([method, path, 403, 'forbidden'])
    if (role !== 'admin') continue
    const asOperator = await call(api, `${method} ${path}`, { headers: operator })
    expect([method, path, asOperator.status]).toEqual([method, path, 403])
  }
})

it('S-HEADERS-1 every answer carries the security headers, errors too', async () => {
  for (const path of ['/api/v1/devices', '/livez', '/no/such/page']) {
    const { headers } = await fetch(api.origin + path)
    expect(headers.get('content-security-policy')).toBe(
      "default-src 'self';script-src 'self';style-src 'self' 'unsafe-inline';img-src 'self' data:;" +
        "connect-src 'self';frame-ancestors 'none';base-uri 'none';form-action 'self'",
    )
    expect(headers.get('x-content-type-options')).toBe('nosniff')
    expect(headers.get('x-frame-options')).toBe('DENY')
    expect(headers.get('strict-transport-security')).toBeNull()
  }
})

it('S-ERRORS-1 errors are problems with a code, a request id and every wrong path', async () => {
  const headers = await bearer(api, 'operator')
  const body = { name: '', tags: ['a b'], unknown: 1 }
  const answer = await call(api, 'POST /devices', { headers, body })
  expect(answer.status).toBe(400)
  expect(answer.headers.get('content-type')).toMatch('application/problem+json')
  expect(answer.body).toMatchObject({ code: 'invalid_request', status: 400, requestId: expect.any(String) })
  const paths = answer.body.errors.map(({ path }: { path: string }) => path)
  expect(paths).toEqual(expect.arrayContaining(['body/name', 'body/tags/0', 'body/unknown']))
})

it.each([
  ['GET /nowhere', 404, 'not_found'],
  ['PUT /devices', 405, 'method_not_allowed'],
  ['GET /devices/%00', 404, 'not_found'],
  ['GET /devices/%E0%A4%A', 400, 'invalid_request'],
  ['GET /devices?limit=0', 400, 'invalid_request'],
  ['GET /devices?cursor=bm9wZQ', 400, 'invalid_cursor'],
  ['GET /devices?q=%00', 422, 'unstorable_text'],
])('S-ERRORS-2 %s → %i %s', async (line, status, code) => {
  const answer = await call(api, line, { headers: await bearer(api, 'viewer') })
  expect([answer.status, answer.body.code]).toEqual([status, code])
})

const cursor = (key: unknown) => Buffer.from(JSON.stringify(key)).toString('base64url')

it.each([
  ['/tokens', ['0000-01-01T00:00:00.000Z', randomUUID()]],
  ['/tokens', ['2026-01-01T00:00:00.000+23:59', randomUUID()]],
  ['/devices/kitchen/commands', ['0000-01-01T00:00:00.000Z', randomUUID()]],
  ['/devices/kitchen/rejected', 1e20],
  ['/devices/kitchen/rejected', 2 ** 63],
])('S-ERRORS-5 a cursor of %s that is out of range is no cursor: %j', async (path, key) => {
  const headers = await bearer(api, 'admin')
  const answer = await call(api, `GET ${path}?cursor=${cursor(key)}`, { headers })
  expect([answer.status, answer.body.code]).toEqual([400, 'invalid_cursor'])
})

it('S-ERRORS-6 half a surrogate pair in the parameters of a command cannot be stored', async () => {
  const headers = { ...(await bearer(api, 'operator')), 'content-type': 'application/json' }
  for (const params of ['{"a":"\\ud800"}', '{"\\udc00":1}', '{"a":"\\u0000"}']) {
    const body = `{"name":"x","params":${params}}`
    const answer = await call(api, 'POST /devices/kitchen/commands', { headers, body })
    expect([answer.status, answer.body.code]).toEqual([422, 'unstorable_text'])
  }
})

it('S-ERRORS-7 a query the database gave up says so, and what to do', async () => {
  const headers = await bearer(api, 'viewer')
  const { pool } = api.database
  const blocker = await pool.connect()
  await blocker.query('BEGIN; LOCK TABLE series')
  const waiting = call(api, 'GET /devices/kitchen/readings', { headers })
  // What the statement timeout does, without its 15 s.
  await until(async () => {
    const { rows } = await pool.query<{ done: boolean }>(
      `SELECT pg_cancel_backend(pid) AS done FROM pg_stat_activity
       WHERE datname = current_database() AND wait_event_type = 'Lock'`,
    )
    return rows.some(({ done }) => done)
  })
  const { status, body } = await waiting
  await blocker.query('ROLLBACK')
  blocker.release()
  expect([status, body.code]).toEqual([503, 'query_timeout'])
  expect(body.detail).toMatch(/shorter range/)
})

it('S-FLOOD-1 requests that prove nothing count for their address, and are refused above its limit', async () => {
  const other = await startApi({ limits: { addressRequestsPer10sMax: 50 } })
  try {
    const wrong = { headers: { authorization: 'Bearer tt_wrong' } }
    const answers = await Promise.all(Array.from({ length: 60 }, () => call(other, 'GET /devices', wrong)))
    const codes = answers.map(({ body }) => body.code)
    expect(codes.filter((code) => code === 'not_signed_in')).toHaveLength(50)
    const refused = answers.filter(({ status }) => status === 429)
    expect(refused).toHaveLength(10)
    expect(refused[0]?.headers.get('content-type')).toMatch('application/problem+json')
    expect(Number(refused[0]?.headers.get('retry-after'))).toBeGreaterThan(0)
    expect(refused[0]?.body).toMatchObject({ status: 429, code: 'too_many_requests' })
  } finally {
    await other.stop()
  }
})

it.each([
  ['cut off', 400, 'invalid_json', '{'],
  ['too large', 413, 'body_too_large', `{"name":"${'x'.repeat(300_000)}"}`],
  ['after the prototype', 400, 'invalid_json', '{"name":"x","__proto__":{"admin":true}}'],
  ['of the wrong type', 400, 'invalid_request', '{"name":5}'],
  ['deep', 400, 'invalid_json', '['.repeat(100_000)],
])('S-ERRORS-3 a body that is %s → %i %s', async (_, status, code, body) => {
  const answer = await call(api, 'POST /devices', { headers: await bearer(api, 'operator'), body })
  expect([answer.status, answer.body.code]).toEqual([status, code])
})

it('S-ERRORS-4 a JSON content type without a body is no error where none is needed', async () => {
  const headers = { ...(await bearer(api, 'operator')), 'content-type': 'application/json' }
  expect((await call(api, 'GET /devices', { headers })).status).toBe(200)
  expect((await call(api, 'POST /devices/kitchen/credentials', { headers })).status).toBe(201)
  const missing = await call(api, 'POST /devices', { headers })
  expect([missing.status, missing.body.code]).toEqual([400, 'invalid_request'])
})

it('U-TOKEN-1 a token is shown once, works until revoked, and is never listed', async () => {
  const headers = await signIn(api, 'admin')
  const created = await call(api, 'POST /tokens', { headers, body: { name: 'ci', role: 'viewer' } })
  expect(created.status).toBe(201)
  expect(created.body.token).toMatch(/^tt_[\w-]{43}$/)
  const use = { headers: { authorization: `Bearer ${created.body.token}` } }
  expect((await call(api, 'GET /session', use)).body.user).toEqual({ username: 'token:ci', role: 'viewer' })
  const list = await call(api, 'GET /tokens', { headers })
  expect(JSON.stringify(list.body)).not.toContain(created.body.token)
  // Nobody waits for the note.
  await until(async () => {
    const { items } = (await call(api, 'GET /tokens', { headers })).body
    return items.find(({ id }: { id: string }) => id === created.body.id).usedAt !== null
  })
  expect((await call(api, `DELETE /tokens/${created.body.id}`, { headers })).status).toBe(204)
  expect((await call(api, 'GET /session', use)).status).toBe(401)
})

it('U-TOKEN-2 a token past its end no longer works, and none can be made with one', async () => {
  const headers = await bearer(api, 'viewer')
  await api.database.pool.query("UPDATE api_token SET expires_at = now() WHERE name = 'test-viewer'")
  expect((await call(api, 'GET /devices', { headers })).status).toBe(401)
  const past = { name: 'x', role: 'viewer', expiresAt: '2020-01-01T00:00:00Z' }
  const refused = await call(api, 'POST /tokens', { headers: await signIn(api, 'admin'), body: past })
  expect(refused.body.errors).toEqual([{ path: 'body/expiresAt', message: 'must be in the future' }])
})

it('U-TOKEN-3 pages of tokens neither repeat nor skip', async () => {
  const headers = await signIn(api, 'admin')
  for (let i = 0; i < 5; i++) await bearer(api, 'viewer', `page-${i}`)
  const seen: string[] = []
  for (let cursor = ''; ; ) {
    const { body } = await call(api, `GET /tokens?limit=2${cursor}`, { headers })
    seen.push(...body.items.map(({ id }: { id: string }) => id))
    if (body.nextCursor === null) break
    cursor = `&cursor=${body.nextCursor}`
  }
  expect(new Set(seen).size).toBe(seen.length)
  expect(seen.length).toBeGreaterThanOrEqual(5)
})
