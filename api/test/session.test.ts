import { createSignInLink } from '@telltale/infra/storage/users'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { bearer, call, cookieOf, firstRefused, PASSWORD, signIn, startApi, type TestApi } from './harness.ts'

let api: TestApi
beforeAll(async () => {
  api = await startApi()
})
afterAll(() => api.stop())

const credentials = { username: 'admin', password: PASSWORD }

it('U-SIGNIN-1 a password gives a session cookie that answers who I am', async () => {
  const answer = await fetch(api.url('/session'), {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(credentials),
  })
  const setCookie = answer.headers.getSetCookie()[0] ?? ''
  expect(setCookie).toMatch(/^telltale_session=[\w-]{43};/)
  expect(setCookie).toMatch(/HttpOnly/)
  expect(setCookie).toMatch(/SameSite=Lax/)
  expect(setCookie).toMatch(/Path=\//)
  expect(setCookie).not.toMatch(/Secure/)
  const me = await call(api, 'GET /session', { headers: { cookie: cookieOf(answer) } })
  expect(me.body).toMatchObject({ user: { username: 'admin', role: 'admin' }, mqtt: api.deps.mqtt })
  expect(Date.parse(me.body.expiresAt)).toBeGreaterThan(Date.now())
})

it('U-SIGNIN-2 under TLS the cookie is Secure', async () => {
  const answer = await call(api, 'POST /session', {
    body: credentials,
    headers: { 'x-forwarded-proto': 'https' },
  })
  expect(answer.headers.getSetCookie()[0]).toMatch(/Secure/)
  expect(answer.headers.get('strict-transport-security')).toMatch(/max-age/)
})

it('U-SIGNIN-3 a wrong password and an unknown user get the same answer', async () => {
  const wrong = await call(api, 'POST /session', { body: { ...credentials, password: 'wrong' } })
  const unknown = await call(api, 'POST /session', { body: { ...credentials, username: 'nobody' } })
  expect(wrong.status).toBe(401)
  expect({ ...unknown.body, requestId: '' }).toEqual({ ...wrong.body, requestId: '' })
})

it('U-LINK-1 a sign-in link works once, not twice, and not after its end', async () => {
  const link = await createSignInLink(api.database.pool, 'admin', 60_000)
  const first = await call(api, 'POST /session', { body: { link } })
  expect(first.body.user).toEqual({ username: 'admin', role: 'admin' })
  const second = await call(api, 'POST /session', { body: { link } })
  expect([second.status, second.body.code]).toEqual([401, 'link_used'])
  const late = await createSignInLink(api.database.pool, 'admin', -1)
  expect((await call(api, 'POST /session', { body: { link: late } })).status).toBe(401)
})

it('U-SIGNOUT-1 signing out ends the session and clears the cookie', async () => {
  const headers = await signIn(api, 'viewer')
  const out = await call(api, 'DELETE /session', { headers })
  expect(out.status).toBe(204)
  expect(out.headers.getSetCookie()[0]).toMatch(/telltale_session=;/)
  expect((await call(api, 'GET /session', { headers })).status).toBe(401)
})

it('S-FIXATION-1 signing in makes a new session and ends the one the browser came with', async () => {
  const planted = await signIn(api, 'viewer')
  const answer = await call(api, 'POST /session', { body: credentials, headers: { cookie: planted.cookie } })
  expect(cookieOf(answer as never)).not.toBe(planted.cookie)
  expect((await call(api, 'GET /session', { headers: planted })).status).toBe(401)
})

it('S-FIXATION-2 a cookie the server never made is not adopted', async () => {
  const cookie = `telltale_session=${'x'.repeat(43)}`
  const answer = await call(api, 'POST /session', { body: credentials, headers: { cookie } })
  expect(answer.headers.getSetCookie()[0]).not.toContain('xxxxx')
  expect((await call(api, 'GET /session', { headers: { cookie } })).status).toBe(401)
})

it.each([
  ['idle for 7 days', "used_at = now() - interval '7 days 1 second'"],
  ['30 days old', "expires_at = now() - interval '1 second'"],
])('U-TIMEOUT-1 a session %s is over', async (_, set) => {
  const headers = await signIn(api, 'viewer')
  await api.database.pool.query(`UPDATE login_session SET ${set}`)
  expect((await call(api, 'GET /session', { headers })).status).toBe(401)
})

it('S-CSRF-1 a change with the cookie needs the header and, if any, the own Origin', async () => {
  const { cookie } = await signIn(api, 'operator')
  const attempt = (headers: Record<string, string>) =>
    call(api, 'POST /devices', { headers: { cookie, ...headers }, body: { name: 'x' } })
  expect((await attempt({})).body.code).toBe('csrf_header_missing')
  const csrf = { 'x-telltale-csrf': '1' }
  for (const origin of ['http://evil.example', 'null', `${api.origin}.evil.example`, 'http://127.0.0.1:1'])
    expect((await attempt({ ...csrf, origin })).body.code).toBe('bad_origin')
  expect((await attempt({ ...csrf, origin: api.origin })).status).toBe(201)
  expect((await attempt(csrf)).status).toBe(201)
})

it('S-CSRF-2 nobody can be signed in from another site', async () => {
  const answer = await call(api, 'POST /session', {
    body: credentials,
    headers: { origin: 'http://evil.example' },
  })
  expect([answer.status, answer.body.code]).toEqual([403, 'bad_origin'])
  expect(answer.headers.getSetCookie()).toEqual([])
})

it('S-CSRF-3 a bearer token needs neither', async () => {
  const headers = { ...(await bearer(api, 'operator')), origin: 'http://script.example' }
  expect((await call(api, 'POST /devices', { headers, body: { name: 'x' } })).status).toBe(201)
})

it('S-BRUTE-1 guessing is slowed down, and a burst gains nothing', async () => {
  const guess = () => call(api, 'POST /session', { body: { username: 'operator', password: 'guess' } })
  const guesses = Array.from({ length: 12 }, guess)
  await firstRefused(guesses)
  // Even the right password has to wait now.
  const right = await call(api, 'POST /session', { body: { username: 'operator', password: PASSWORD } })
  expect([right.status, right.body.code]).toEqual([429, 'too_many_attempts'])
  const answers = await Promise.all(guesses)
  const statuses = answers.map(({ status }) => status).sort()
  expect(statuses).toEqual([...Array(5).fill(401), ...Array(7).fill(429)])
  const held = answers.find(({ status }) => status === 429)
  expect(Number(held?.headers.get('retry-after'))).toBeGreaterThan(0)
})

it('S-CACHE-1 no proxy keeps for others what one person may see', async () => {
  const headers = await signIn(api, 'admin')
  for (const path of ['/session', '/users', '/audit', '/devices', '/boards', '/users/none'])
    expect((await call(api, `GET ${path}`, { headers })).headers.get('cache-control')).toBe('no-store')
  const latest = await call(api, 'GET /latest?devices=*', { headers })
  expect(latest.headers.get('cache-control')).toBe('private, no-cache')
})

it('S-AUDIT-1 sign-ins are on record, failed ones too, and never a secret', async () => {
  const { rows } = await api.database.pool.query('SELECT * FROM audit_entry WHERE action = $1', [
    'session.start',
  ])
  expect(rows.some(({ actor, result }) => actor === 'admin' && result === 'ok')).toBe(true)
  expect(rows.some(({ target, result }) => target === 'nobody' && result === 'failed')).toBe(true)
  expect(JSON.stringify(rows)).not.toContain(PASSWORD)
})
