import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest'
import { type Answer, call, cookieOf, PASSWORD, signIn, startApi, type TestApi, until } from './harness.ts'
import { SseClient } from './sse-client.ts'

let api: TestApi
let admin: Record<string, string>

beforeAll(async () => {
  api = await startApi()
})
afterAll(() => api.stop())
beforeEach(async () => {
  await api.database.pool.query(`UPDATE app_user SET disabled_at = NULL, role = username
    WHERE username IN ('viewer', 'operator', 'admin')`)
  admin = await signIn(api, 'admin')
})

const csrf = { 'x-telltale-csrf': '1' }
let made = 0

/** A new user, and what its link gives. */
async function invite(role: string, username = `person-${made++}`): Promise<Answer> {
  return call(api, 'POST /users', { headers: admin, body: { username, role } })
}

async function enter(body: unknown): Promise<{ answer: Answer; headers: Record<string, string> }> {
  const answer = await call(api, 'POST /session', { body })
  return { answer, headers: { cookie: cookieOf(answer as unknown as Response), ...csrf } }
}

const tokenOf = (answer: Answer): string => answer.body.link.path.split('#link=')[1]
const change = (id: string, body: unknown, headers = admin) =>
  call(api, `PATCH /users/${id}`, { headers, body })
const me = (headers: Record<string, string>) => call(api, 'GET /session', { headers })

async function idOf(username: string): Promise<string> {
  const { body } = await call(api, 'GET /users?limit=200', { headers: admin })
  return body.items.find((user: { username: string }) => user.username === username).id
}

it('U-ADMIN-1 a user made without a password gets a link that works once, and nobody else knows the password', async () => {
  const created = await invite('viewer', 'rosa')
  expect(created.status).toBe(201)
  expect(created.headers.get('cache-control')).toBe('no-store')
  expect(created.body).toMatchObject({ username: 'rosa', role: 'viewer', hasPassword: false, sessions: 0 })
  expect(created.body.link.path).toMatch(/^\/sign-in#link=[\w-]{43}$/)
  expect(Date.parse(created.body.linkUntil)).toBeGreaterThan(Date.now())
  for (const password of ['', 'null', 'undefined'])
    expect((await call(api, 'POST /session', { body: { username: 'rosa', password } })).status).not.toBe(200)
  const { answer, headers } = await enter({ link: tokenOf(created) })
  expect(answer.body).toMatchObject({ user: { username: 'rosa', role: 'viewer' }, passwordState: 'missing' })
  expect((await enter({ link: tokenOf(created) })).answer.body.code).toBe('link_used')
  const chosen = await call(api, 'PUT /session/password', {
    headers,
    body: { password: 'seven quiet herons' },
  })
  expect(chosen.status).toBe(204)
  expect((await me(headers)).body.passwordState).toBe('set')
  const again = await enter({ username: 'ROSA', password: 'seven quiet herons' })
  expect(again.answer.body.passwordState).toBe('set')
  const list = await call(api, 'GET /users', { headers: admin })
  const rosa = list.body.items.find(({ username }: { username: string }) => username === 'rosa')
  expect(rosa).toMatchObject({ hasPassword: true, sessions: 2, linkUntil: null, disabledAt: null })
  expect(Date.parse(rosa.signedInAt)).toBeGreaterThan(Date.now() - 60_000)
  expect(JSON.stringify(list.body)).not.toMatch(/hash|argon/)
})

it('U-ADMIN-2 a password may be given instead, by the same rules; names are unique in whatever case', async () => {
  const body = { username: 'Otto', role: 'operator', password: 'a boat on a lake' }
  const created = await call(api, 'POST /users', { headers: admin, body })
  expect([created.status, created.body.link, created.body.hasPassword]).toEqual([201, null, true])
  expect((await enter({ username: 'otto', password: body.password })).answer.status).toBe(200)
  const taken = await invite('viewer', 'OTTO')
  expect([taken.status, taken.body.code]).toEqual([409, 'user_exists'])
  const weak = await call(api, 'POST /users', {
    headers: admin,
    body: { ...body, username: 'otto2', password: 'Password1234' },
  })
  expect([weak.status, weak.body.code, weak.body.errors[0].path]).toEqual([
    422,
    'weak_password',
    'body/password',
  ])
})

it.each([
  '',
  ' ',
  'a b',
  '-',
  '.hidden',
  'token:ci',
  'x'.repeat(65),
  'x'.repeat(200),
  '<img src=x onerror=alert(1)>',
  'ad\u202emin',
  'аdmin',
  'sam😀',
  'سام',
  'sam\u0000',
])('U-ADMIN-3 %j is no user name, and is refused at its field', async (username) => {
  const refused = await invite('viewer', username)
  expect([refused.status, refused.body.code]).toEqual([400, 'invalid_request'])
  expect(refused.body.errors[0].path).toBe('body/username')
})

it.each(['a', 'x'.repeat(64), 'sam.hill@example.org', 'night-shift_2+on'])(
  'U-ADMIN-4 %s is one',
  async (username) => {
    expect((await invite('viewer', username)).status).toBe(201)
  },
)

it('U-ADMIN-5 pages of users neither repeat nor skip, in whatever case their names are', async () => {
  for (const name of ['Zoe', 'zack', 'Zed']) await invite('viewer', name)
  const seen: string[] = []
  for (let cursor = ''; ; ) {
    const { body } = await call(api, `GET /users?limit=3${cursor}`, { headers: admin })
    seen.push(...body.items.map(({ username }: { username: string }) => username))
    if (body.nextCursor === null) break
    cursor = `&cursor=${body.nextCursor}`
  }
  expect(new Set(seen).size).toBe(seen.length)
  expect(seen.slice(-3)).toEqual(['zack', 'Zed', 'Zoe'])
})

it('U-ROLE-1 another role counts at once, without signing in again, and ends open streams', async () => {
  const headers = await signIn(api, 'viewer')
  const stream = await SseClient.open(api.url('/events?devices=*'), { cookie: headers.cookie })
  const refused = await call(api, 'POST /devices', { headers, body: { name: 'x' } })
  expect(refused.status).toBe(403)
  const startedAt = Date.now()
  expect((await change(await idOf('viewer'), { role: 'operator' })).body.role).toBe('operator')
  expect((await call(api, 'POST /devices', { headers, body: { name: 'x' } })).status).toBe(201)
  await until(() => stream.isEnded)
  expect(Date.now() - startedAt).toBeLessThan(3_000)
})

it('U-DISABLE-1 disabling ends sessions and streams at once; enabling brings the password back, no session', async () => {
  const headers = await signIn(api, 'viewer')
  const stream = await SseClient.open(api.url('/events?devices=*'), { cookie: headers.cookie })
  const id = await idOf('viewer')
  const disabled = await change(id, { disabled: true })
  expect(disabled.body).toMatchObject({ disabledAt: expect.any(String), sessions: 0 })
  await until(() => stream.isEnded)
  expect((await me(headers)).status).toBe(401)
  expect((await enter({ username: 'viewer', password: PASSWORD })).answer.body.code).toBe('wrong_credentials')
  const reset = await change(id, { reset: true })
  expect([reset.status, reset.body.code]).toEqual([409, 'user_disabled'])
  await change(id, { disabled: false })
  expect((await me(headers)).status).toBe(401)
  expect((await enter({ username: 'viewer', password: PASSWORD })).answer.status).toBe(200)
})

it('U-RESET-1 a reset ends sessions, forgets the password and older links, and shows a new link once', async () => {
  const created = await invite('operator')
  const first = tokenOf(created)
  const { id, username } = created.body
  const { headers } = await enter({ link: first })
  await call(api, 'PUT /session/password', { headers, body: { password: 'a lamp in the fog' } })
  const one = await change(id, { reset: true })
  const two = await change(id, { reset: true })
  expect((await me(headers)).status).toBe(401)
  expect((await enter({ username, password: 'a lamp in the fog' })).answer.status).toBe(401)
  expect((await enter({ link: tokenOf(one) })).answer.status).toBe(401)
  expect((await enter({ link: tokenOf(two) })).answer.body.passwordState).toBe('missing')
})

it('U-DELETE-1 a deleted user is gone with sessions, streams and links, and the name is free', async () => {
  const created = await invite('viewer', 'brief')
  const again = await change(created.body.id, { reset: true })
  const { headers } = await enter({ link: tokenOf(again) })
  const stream = await SseClient.open(api.url('/events?devices=*'), { cookie: headers.cookie ?? '' })
  expect((await call(api, `DELETE /users/${created.body.id}`, { headers: admin })).status).toBe(204)
  await until(() => stream.isEnded)
  expect((await me(headers)).status).toBe(401)
  const missing = await call(api, `DELETE /users/${created.body.id}`, { headers: admin })
  expect([missing.status, missing.body.code]).toEqual([404, 'user_not_found'])
  expect((await change(randomUUID(), { role: 'admin' })).body.code).toBe('user_not_found')
  expect((await invite('viewer', 'brief')).status).toBe(201)
})

it('U-DELETE-2 own boards go with a user, shared ones to who deletes, none to the next of that name', async () => {
  const leaver = await enter({ link: tokenOf(await invite('viewer', 'leaver')) })
  const board = (name: string, shared: boolean) =>
    call(api, 'POST /boards', { headers: leaver.headers, body: { name, shared, panels: [] } })
  const own = await board('own', false)
  const shared = await board('shared', true)
  expect([own.status, shared.status]).toEqual([201, 201])
  await call(api, `DELETE /users/${await idOf('leaver')}`, { headers: admin })
  const next = await enter({ link: tokenOf(await invite('viewer', 'leaver')) })
  const list = await call(api, 'GET /boards?owner=me', { headers: next.headers })
  expect(list.body.items).toEqual([])
  expect((await call(api, `GET /boards/${own.body.id}`, { headers: next.headers })).status).toBe(404)
  const kept = await call(api, `GET /boards/${shared.body.id}`, { headers: next.headers })
  expect(kept.body).toMatchObject({ name: 'shared', owner: 'admin' })
})

it('U-DELETE-3 boards that are shared outlive an admin who deletes their own account', async () => {
  const ada = await enter({ link: tokenOf(await invite('admin', 'ada')) })
  const body = { name: 'shared', shared: true, panels: [] }
  const shared = await call(api, 'POST /boards', { headers: ada.headers, body })
  expect((await call(api, `DELETE /users/${await idOf('ada')}`, { headers: ada.headers })).status).toBe(204)
  const kept = await call(api, `GET /boards/${shared.body.id}`, { headers: admin })
  expect(kept.body).toMatchObject({ owner: 'admin', shared: true })
})

it('U-LASTADMIN-1 the last admin who can sign in is neither demoted, disabled, reset nor deleted', async () => {
  const id = await idOf('admin')
  // An admin who only has a link may never come.
  await invite('admin')
  for (const body of [{ role: 'operator' }, { disabled: true }]) {
    const refused = await change(id, body)
    expect([refused.status, refused.body.code]).toEqual([409, 'last_admin'])
  }
  expect((await call(api, `DELETE /users/${id}`, { headers: admin })).body.code).toBe('last_admin')
  expect((await change(id, { reset: true })).body.code).toBe('own_account')
  expect((await me(admin)).body.user.role).toBe('admin')
  expect((await change(id, { role: 'admin', disabled: false })).status).toBe(200)
})

it('U-LASTADMIN-2 of two admins who take each other’s role or delete each other at once, one stays', async () => {
  const ways = [
    (id: string, headers: Record<string, string>) => change(id, { role: 'viewer' }, headers),
    (id: string, headers: Record<string, string>) => change(id, { disabled: true }, headers),
    (id: string, headers: Record<string, string>) => call(api, `DELETE /users/${id}`, { headers }),
  ]
  const adminId = await idOf('admin')
  for (let round = 0; round < 12; round++) {
    const body = { username: `rival-${round}`, role: 'admin', password: 'thirty paces at dawn' }
    const rival = await call(api, 'POST /users', { headers: admin, body })
    const own = (await enter({ username: body.username, password: body.password })).headers
    const way = ways[round % ways.length] as (typeof ways)[number]
    await Promise.all([way(rival.body.id, admin), change(adminId, { role: 'viewer' }, own)])
    const { rows } = await api.database.pool.query<{ username: string }>(
      `SELECT username FROM app_user WHERE role = 'admin' AND disabled_at IS NULL AND password_hash IS NOT NULL`,
    )
    expect(rows).toHaveLength(1)
    await api.database.pool.query("UPDATE app_user SET role = 'admin' WHERE username = 'admin'")
    await api.database.pool.query('DELETE FROM app_user WHERE username = $1', [body.username])
  }
})

it('U-ADMIN-6 a change that says nothing or something unknown is refused', async () => {
  const id = await idOf('viewer')
  for (const body of [{}, { username: 'other' }, { reset: false }, { role: 'owner' }, { disabled: 'yes' }])
    expect((await change(id, body)).status).toBe(400)
})
