import { afterAll, afterEach, beforeAll, expect, it } from 'vitest'
import { addDevice, bearer, call, signIn, startApi, type TestApi, until } from './harness.ts'
import { SseClient } from './sse-client.ts'

let api: TestApi
let headers: Record<string, string>
const open: SseClient[] = []

beforeAll(async () => {
  api = await startApi()
  headers = await bearer(api, 'viewer')
  for (const id of ['kitchen', 'attic']) await addDevice(api, id)
})
afterEach(() => {
  for (const client of open.splice(0)) client.close()
})
afterAll(() => api.stop())

async function listen(query: string): Promise<SseClient> {
  const client = await SseClient.open(api.url(`/events?${query}`), headers)
  open.push(client)
  return client
}

const times = (client: SseClient) => client.of('reading').map(({ data }) => data.time)

it('S-REVOKE-1 signing out ends the streams of that session at once, and only those', async () => {
  const session = await signIn(api, 'viewer')
  const mine = await SseClient.open(api.url('/events?devices=*'), { cookie: session.cookie })
  const other = await listen('devices=*')
  await call(api, 'DELETE /session', { headers: session })
  await until(() => mine.isEnded)
  expect(other.isEnded).toBe(false)
})

it('S-REVOKE-2 a revoked token and an expired session end their streams within 5 s', async () => {
  const token = await bearer(api, 'viewer', 'to-be-revoked')
  const session = await signIn(api, 'operator')
  const clients = await Promise.all([
    SseClient.open(api.url('/events?devices=*'), token),
    SseClient.open(api.url('/events?devices=*'), { cookie: session.cookie }),
  ])
  const startedAt = Date.now()
  await api.database.pool.query("UPDATE api_token SET revoked_at = now() WHERE name = 'to-be-revoked'")
  await api.database.pool.query(
    "UPDATE login_session SET expires_at = now() FROM app_user WHERE app_user.id = user_id AND username = 'operator'",
  )
  await until(() => clients.every(({ isEnded }) => isEnded))
  expect(Date.now() - startedAt).toBeLessThan(5_000)
})

it('L-LIMIT-1 one user has at most 20 streams, and gets them back', async () => {
  const more = await bearer(api, 'viewer', 'greedy')
  const clients = await Promise.all(
    Array.from({ length: 20 }, () => SseClient.open(api.url('/events?devices=*'), more)),
  )
  const refused = await call(api, 'GET /events?devices=*', { headers: more })
  expect([refused.status, refused.body.code]).toEqual([429, 'too_many_streams'])
  for (const client of clients) client.close()
  await until(async () => {
    const answer = await SseClient.request(api.url('/events?devices=*'), more)
    answer.destroy()
    return answer.statusCode === 200
  })
})

it('L-LIMIT-2 a burst of streams and polls opens no more than 20, and refused ones take no place', async () => {
  const more = await bearer(api, 'viewer', 'burst')
  const open = await Promise.all(
    Array.from({ length: 60 }, () => SseClient.request(api.url('/events?devices=kitchen'), more)),
  )
  const opened = open.filter(({ statusCode }) => statusCode === 200)
  expect([opened.length, open.filter(({ statusCode }) => statusCode === 429).length]).toEqual([20, 40])
  for (const answer of open) answer.destroy()
  await until(() => api.deps.places.ofUser('token:burst') === 0)
  const unknown = () => call(api, 'GET /events?devices=none', { headers: more })
  for (let i = 0; i < 3; i++) {
    const answers = await Promise.all(Array.from({ length: 20 }, unknown))
    expect(new Set(answers.map(({ body }) => body.code))).toEqual(new Set(['device_not_found']))
  }
  const { body } = await call(api, 'GET /events/poll?devices=kitchen', { headers: more })
  const answered: number[] = []
  const poll = async () => {
    const path = `/events/poll?wait=25&devices=kitchen&cursor=${body.cursor}`
    answered.push((await call(api, `GET ${path}`, { headers: more })).status)
  }
  const polls = Array.from({ length: 40 }, poll)
  await until(() => answered.length === 20)
  expect(new Set(answered)).toEqual(new Set([429]))
  await api.broker.reading('kitchen', 1, { t: 1 })
  await Promise.all(polls)
  expect(answered.slice(20)).toEqual(Array(20).fill(200))
  expect(api.deps.places.ofUser('token:burst')).toBe(0)
})

it('L-POLL-1 long polling gives the same events with the same ids', async () => {
  const client = await listen('devices=kitchen')
  const first = await call(api, 'GET /events/poll?devices=kitchen', { headers })
  expect(first.body).toEqual({ events: [], cursor: expect.any(String) })
  const waiting = call(api, `GET /events/poll?devices=kitchen&wait=25&cursor=${first.body.cursor}`, {
    headers,
  })
  await api.broker.reading('kitchen', 1, { t: 1 })
  const answer = await waiting
  await until(() => times(client).length === 1)
  expect(answer.body.events).toEqual(client.of('reading'))
  await api.broker.reading('kitchen', 2, { t: 2 })
  await until(() => times(client).length === 2)
  const next = await call(api, `GET /events/poll?devices=kitchen&cursor=${answer.body.cursor}`, { headers })
  expect(next.body.events.map(({ data }: { data: { time: number } }) => data.time)).toEqual([2])
})

it('L-POLL-2 nothing new answers empty after the wait; a foreign cursor answers resync', async () => {
  const { body } = await call(api, 'GET /events/poll?devices=kitchen', { headers })
  const empty = await call(api, `GET /events/poll?devices=kitchen&wait=1&cursor=${body.cursor}`, { headers })
  expect(empty.body.events).toEqual([])
  const foreign = await call(api, 'GET /events/poll?devices=kitchen&cursor=other-1', { headers })
  expect(foreign.body.events).toMatchObject([{ type: 'resync' }])
  expect(foreign.body.cursor).toBe(foreign.body.events[0].id)
})

it('S-REVOKE-3 signing out ends a waiting poll', async () => {
  const session = await signIn(api, 'viewer')
  const { body } = await call(api, 'GET /events/poll?devices=kitchen', { headers: session })
  const waiting = call(api, `GET /events/poll?devices=kitchen&wait=25&cursor=${body.cursor}`, {
    headers: session,
  })
  await until(() => api.deps.places.ofUser('viewer') > 0)
  await call(api, 'DELETE /session', { headers: session })
  expect((await waiting).status).toBe(401)
})

it('L-LINK-1 when the broker comes back every reader refetches, and readings flow again', async () => {
  const client = await listen('devices=kitchen')
  await api.broker.stop()
  await until(() => !api.deps.link.isUp)
  const late = listen('devices=attic')
  const { broker } = api
  await broker.start()
  await until(() => client.of('resync').length === 1)
  await broker.reading('kitchen', 42, { t: 1 })
  await until(() => times(client).includes(42))
  const attic = await late
  await until(() => attic.of('resync').length > 0)
  await broker.reading('attic', 43, { t: 1 })
  await until(() => times(attic).includes(43))
})

it('L-STOP-1 at shutdown streams end with a retry of their own', async () => {
  const other = await startApi()
  await addDevice(other, 'kitchen')
  const client = await SseClient.open(other.url('/events?devices=*'), await bearer(other, 'viewer'))
  await other.stop()
  await until(() => client.isEnded)
  expect(client.retries.at(-1)).toBeGreaterThanOrEqual(1_000)
  expect(client.retries.at(-1)).toBeLessThan(5_000)
})
