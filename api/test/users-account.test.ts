import { randomUUID } from 'node:crypto'
import { createSignInLink } from '@telltale/infra/storage/users'
import { afterAll, beforeAll, expect, it } from 'vitest'
import {
  type Answer,
  bearer,
  call,
  cookieOf,
  firstRefused,
  startApi,
  type TestApi,
  until,
} from './harness.ts'
import { SseClient } from './sse-client.ts'

type Headers = Record<string, string>
const OLD = 'seven quiet herons'
const NEW = 'a lamp in the fog'

let api: TestApi
let admin: Headers

beforeAll(async () => {
  api = await startApi()
  admin = await enter({ username: 'admin', password: 'correct horse battery' })
})
afterAll(() => api.stop())

async function enter(body: unknown, more: Headers = {}): Promise<Headers> {
  const answer = await call(api, 'POST /session', { body, headers: more })
  if (answer.status !== 200) throw new Error(`sign-in failed: ${answer.body.code}`)
  return { cookie: cookieOf(answer as unknown as Response), 'x-telltale-csrf': '1' }
}

async function person(username: string): Promise<Headers> {
  await call(api, 'POST /users', { headers: admin, body: { username, role: 'viewer', password: OLD } })
  return enter({ username, password: OLD })
}

const put = (headers: Headers, body: unknown): Promise<Answer> =>
  call(api, 'PUT /session/password', { headers, body })
const isIn = async (headers: Headers) => (await call(api, 'GET /session', { headers })).status === 200

it('U-PASSWORD-2 whoever knows the current password changes it; other sessions and their streams end, this one stays', async () => {
  const mine = await person('ada')
  const other = await enter({ username: 'ada', password: OLD })
  const stream = await SseClient.open(api.url('/events?devices=*'), { cookie: other.cookie ?? '' })
  const link = await createSignInLink(api.database.pool, 'ada', 60_000)
  expect((await put(mine, { current: OLD, password: NEW })).status).toBe(204)
  await until(() => stream.isEnded)
  expect([await isIn(mine), await isIn(other)]).toEqual([true, false])
  await expect(enter({ link })).rejects.toThrow('link_used')
  await expect(enter({ username: 'ada', password: OLD })).rejects.toThrow('wrong_credentials')
  await enter({ username: 'ada', password: NEW })
})

it('U-PASSWORD-3 without the current one nothing changes, and guessing it is slowed down as at the door', async () => {
  const mine = await person('bert')
  const guesses = Array.from({ length: 10 }, (_, i) => put(mine, { current: `guess ${i}`, password: NEW }))
  await firstRefused(guesses)
  // The right one has to wait too: neither here nor at the door is there more room.
  expect((await put(mine, { current: OLD, password: NEW })).body.code).toBe('too_many_attempts')
  await expect(enter({ username: 'bert', password: OLD })).rejects.toThrow('too_many_attempts')
  const codes = (await Promise.all(guesses)).map(({ body }) => body.code).sort()
  expect(codes).toEqual([...Array(5).fill('too_many_attempts'), ...Array(5).fill('wrong_password')])
  expect(await isIn(mine)).toBe(true)
  const { rows } = await api.database.pool.query(
    "SELECT target, detail FROM audit_entry WHERE action = 'password.change' AND result = 'failed'",
  )
  expect(rows.filter(({ target }) => target === 'bert')).toHaveLength(5)
  expect(JSON.stringify(rows)).not.toContain('guess')
})

it('U-PASSWORD-4 what will not do is refused with words at its field, before the current one is looked at', async () => {
  const mine = await person('cleo')
  for (const password of ['short', 'Cleo!202620', 'qwertyuiop', '1234567890', 'x'.repeat(257)]) {
    const { status, body } = await put(mine, { current: OLD, password })
    expect([password, status, body.errors[0].path]).toEqual([
      password,
      password.length > 256 ? 400 : 422,
      'body/password',
    ])
  }
  expect((await put(mine, { current: OLD })).status).toBe(400)
  await enter({ username: 'cleo', password: OLD })
})

it('U-PASSWORD-5 a link lets its session choose a password for an hour, once; no other session', async () => {
  const before = await person('dora')
  const link = await createSignInLink(api.database.pool, 'dora', 60_000)
  const mine = await enter({ link })
  expect((await call(api, 'GET /session', { headers: mine })).body.passwordState).toBe('replaceable')
  expect((await call(api, 'GET /session', { headers: before })).body.passwordState).toBe('set')
  expect((await put(before, { password: NEW })).body.code).toBe('wrong_password')
  expect((await put(mine, { password: NEW })).status).toBe(204)
  expect((await put(mine, { password: OLD })).body.code).toBe('wrong_password')
  const late = await enter({ link: await createSignInLink(api.database.pool, 'dora', 60_000) })
  await api.database.pool.query("UPDATE login_session SET created_at = now() - interval '61 minutes'")
  expect((await put(late, { password: OLD })).body.code).toBe('wrong_password')
})

it('U-PASSWORD-6 a password that changes while somebody signs in with the old one leaves them outside', async () => {
  const mine = await person('emil')
  // The sign-in has compared the old password and waits for the row; the change commits first.
  const blocker = await api.database.pool.connect()
  await blocker.query('BEGIN')
  await blocker.query("SELECT FROM app_user WHERE username = 'emil' FOR UPDATE")
  const signingIn = call(api, 'POST /session', { body: { username: 'emil', password: OLD } })
  await until(async () => {
    const { rows } = await blocker.query(
      "SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'",
    )
    return rows.length > 0
  })
  await blocker.query("UPDATE app_user SET password_hash = NULL WHERE username = 'emil'; COMMIT")
  blocker.release()
  expect((await signingIn).body.code).toBe('wrong_credentials')
  expect(await isIn(mine)).toBe(true)
})

it('U-LINK-2 a reset while somebody signs in with an older link leaves them outside', async () => {
  await person('lotte')
  const link = await createSignInLink(api.database.pool, 'lotte', 60_000)
  const blocker = await api.database.pool.connect()
  await blocker.query('BEGIN')
  const { rows } = await blocker.query("SELECT id FROM app_user WHERE username = 'lotte' FOR UPDATE")
  const signingIn = call(api, 'POST /session', { body: { link } })
  await until(async () => {
    const waiting = await blocker.query(
      "SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'",
    )
    return waiting.rows.length > 0
  })
  // As a reset does.
  for (const table of ['sign_in_link', 'login_session'])
    await blocker.query(`DELETE FROM ${table} WHERE user_id = $1`, [rows[0].id])
  await blocker.query('COMMIT')
  blocker.release()
  expect((await signingIn).body.code).toBe('link_used')
})

it('U-SESSIONS-1 people see their own sessions, by an id that signs nobody in', async () => {
  const mine = await person('fred')
  const other = await enter({ username: 'fred', password: OLD }, { 'user-agent': 'Phone/1 <script>' })
  const { body } = await call(api, 'GET /sessions', { headers: mine })
  expect(body.items).toHaveLength(2)
  expect(body.items.filter(({ isCurrent }: { isCurrent: boolean }) => isCurrent)).toHaveLength(1)
  const phone = body.items.find(({ userAgent }: { userAgent: string }) => userAgent === 'Phone/1 <script>')
  expect(phone).toMatchObject({
    isCurrent: false,
    address: '127.0.0.1',
    id: expect.stringMatching(/^[0-9a-f-]{36}$/),
  })
  expect(JSON.stringify(body)).not.toContain((mine.cookie ?? '').split('=')[1])
  expect(
    (await call(api, 'GET /session', { headers: { cookie: `telltale_session=${phone.id}` } })).status,
  ).toBe(401)
  const stream = await SseClient.open(api.url('/events?devices=*'), { cookie: other.cookie ?? '' })
  expect((await call(api, `DELETE /sessions/${phone.id}`, { headers: mine })).status).toBe(204)
  await until(() => stream.isEnded)
  expect([await isIn(mine), await isIn(other)]).toEqual([true, false])
})

it('U-SESSIONS-2 nobody ends or sees the sessions of others; one’s own current one may be ended', async () => {
  const mine = await person('greta')
  const theirs = await person('hugo')
  const { body } = await call(api, 'GET /sessions', { headers: theirs })
  const foreign = await call(api, `DELETE /sessions/${body.items[0].id}`, { headers: mine })
  expect([foreign.status, foreign.body.code]).toEqual([404, 'session_not_found'])
  expect((await call(api, `DELETE /sessions/${randomUUID()}`, { headers: mine })).status).toBe(404)
  const own = await call(api, 'GET /sessions', { headers: mine })
  expect(JSON.stringify(own.body)).not.toContain(body.items[0].id)
  const ended = await call(api, `DELETE /sessions/${own.body.items[0].id}`, { headers: mine })
  expect(ended.headers.getSetCookie()[0]).toMatch(/telltale_session=;/)
  expect([await isIn(mine), await isIn(theirs)]).toEqual([false, true])
})

it('U-SESSIONS-3 a token has neither a password nor sessions', async () => {
  const headers = await bearer(api, 'admin')
  const answers = [
    await call(api, 'GET /sessions', { headers }),
    await put(headers, { password: NEW }),
    await call(api, `DELETE /sessions/${randomUUID()}`, { headers }),
  ]
  for (const { status, body } of answers) expect([status, body.code]).toEqual([403, 'needs_session'])
})

it('U-SESSIONS-4 one user has at most 50 sessions: a further one ends the one longest unused', async () => {
  const first = await person('ida')
  await api.database.pool.query(
    `INSERT INTO login_session (token_hash, user_id, expires_at, used_at)
     SELECT sha256(n::text::bytea), id, now() + interval '1 day', now() + n * interval '1 ms'
     FROM app_user, generate_series(1, 49) n WHERE username = 'ida'`,
  )
  expect(await isIn(first)).toBe(true)
  const last = await enter({ username: 'ida', password: OLD })
  expect([await isIn(first), await isIn(last)]).toEqual([false, true])
  expect((await call(api, 'GET /sessions', { headers: last })).body.items).toHaveLength(50)
})
