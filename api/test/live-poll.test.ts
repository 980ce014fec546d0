import { topics } from '@telltale/broker/contract'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { liveLimits } from '../src/live/limits.ts'
import { addDevice, bearer, call, signIn, startApi, store, type TestApi, until } from './harness.ts'
import { SseClient } from './sse-client.ts'

let api: TestApi
let headers: Record<string, string>

beforeAll(async () => {
  api = await startApi()
  headers = await bearer(api, 'viewer')
  for (const id of ['kitchen', 'never', 'busy', 'large']) await addDevice(api, id)
})
afterAll(() => api.stop())

interface PollEvent {
  id: string
  type: string
  // biome-ignore lint/suspicious/noExplicitAny: tests look into events of every type
  data: any
}

async function poll(query: string): Promise<{ events: PollEvent[]; cursor: string }> {
  const { status, body } = await call(api, `GET /events/poll?${query}`, { headers })
  expect(status).toBe(200)
  return body
}

/** Polls from `cursor` until a poll has nothing new. */
async function drain(devices: string, cursor: string): Promise<{ events: PollEvent[]; sizes: number[] }> {
  const all: PollEvent[] = []
  const sizes: number[] = []
  for (let from = cursor; ; ) {
    const { events, cursor: next } = await poll(`devices=${devices}&wait=0&cursor=${from}`)
    if (events.length === 0) return { events: all, sizes }
    all.push(...events)
    sizes.push(events.length)
    from = next
  }
}

const timesOf = (events: PollEvent[]) => events.map(({ data }) => data.time)

it('L-POLL-3 nothing is lost between the first answer, of a device never watched before, and the next polls', async () => {
  let { cursor } = await poll('devices=never')
  const got: number[] = []
  for (let time = 1; time <= 5; time++) {
    await api.broker.reading('never', time * 2, { t: 1 })
    await api.broker.reading('never', time * 2 + 1, { t: 1 })
    for (let want = got.length + 2; got.length < want; ) {
      const answer = await poll(`devices=never&cursor=${cursor}`)
      expect(answer.events.map(({ type }) => type)).not.toContain('resync')
      got.push(...timesOf(answer.events))
      cursor = answer.cursor
    }
  }
  expect(got).toEqual(Array.from({ length: 10 }, (_, i) => i + 2))
})

it('L-POLL-4 with wait=0 it answers at once, with what is there', async () => {
  const { cursor } = await poll('devices=kitchen')
  expect(await poll(`devices=kitchen&wait=0&cursor=${cursor}`)).toEqual({ events: [], cursor })
})

it('L-POLL-5 more than fits into one answer goes on by cursor, without loss: by number and by size', async () => {
  const many = 2 * liveLimits.pollEventsMax + 10
  const first = await poll('devices=busy')
  const publish = (deviceId: string, time: number, values: Record<string, string | number>) =>
    api.deps.hub.publish({ type: 'reading', data: { deviceId, time, values } })
  for (let time = 1; time <= many; time++) publish('busy', time, { t: time })
  const busy = await drain('busy', first.cursor)
  expect(timesOf(busy.events)).toEqual(Array.from({ length: many }, (_, i) => i + 1))
  expect(busy.sizes).toEqual([liveLimits.pollEventsMax, liveLimits.pollEventsMax, 10])

  const { cursor } = await poll('devices=large')
  const size = 50_000
  for (let time = 1; time <= 60; time++) publish('large', time, { text: 'x'.repeat(size) })
  const large = await drain('large', cursor)
  expect(timesOf(large.events)).toEqual(Array.from({ length: 60 }, (_, i) => i + 1))
  expect(Math.max(...large.sizes) * size).toBeLessThanOrEqual(liveLimits.pollBytesMax + size)
})

it('L-POLL-6 when the ring has moved on: one resync, and from its cursor everything again', async () => {
  const { cursor } = await poll('devices=kitchen')
  const waiting = poll(`devices=kitchen&cursor=${cursor}`)
  const rejected = { deviceId: 'never', receivedAt: 1, topic: 't', reason: 'r' }
  for (let i = 0; i <= liveLimits.ringEventsMax; i++)
    api.deps.hub.publish({ type: 'rejected', data: rejected })
  const late = await poll(`devices=kitchen&cursor=${cursor}`)
  expect(late.events.map(({ type }) => type)).toEqual(['resync'])
  await api.broker.reading('kitchen', 9, { t: 1 })
  expect((await waiting).events.map(({ type }) => type)).toEqual(['resync'])
  expect(timesOf((await poll(`devices=kitchen&cursor=${late.cursor}`)).events)).toEqual([9])
})

it('L-POLL-7 an answer that tells of the fleet ends with the newest totals, and none waits for them', async () => {
  await until(() => api.deps.hub.totals !== undefined)
  const first = await poll('devices=*')
  expect(first.events).toEqual([])
  const waiting = poll(`devices=*&cursor=${first.cursor}`)
  const before = api.deps.hub.totals?.time
  await until(() => api.deps.hub.totals?.time !== before)
  await api.broker.say(topics.platform('presence', 'never'), {
    deviceId: 'never',
    status: 'online',
    since: 1,
    reason: 'x',
  })
  const { events, cursor } = await waiting
  expect(events.map(({ type }) => type)).toEqual(['presence', 'totals'])
  expect(events.at(-1)?.id).toBe(cursor)
  expect((await poll(`devices=*&cursor=${cursor}&wait=1`)).events).toEqual([])
  expect((await poll('devices=kitchen')).events).toEqual([])
})

it('L-POLL-8 a stream goes on where a poll stopped, and a poll where a stream stopped', async () => {
  const { cursor } = await poll('devices=kitchen')
  await api.broker.reading('kitchen', 101, { t: 1 })
  const stream = await SseClient.open(api.url(`/events?devices=kitchen&lastEventId=${cursor}`), headers)
  await until(() => stream.of('reading').length === 1)
  const lastId = stream.events.at(-1)?.id ?? ''
  stream.close()
  await api.broker.reading('kitchen', 102, { t: 1 })
  expect(timesOf((await poll(`devices=kitchen&cursor=${lastId}`)).events)).toEqual([102])
  expect(timesOf(stream.of('reading'))).toEqual([101])
})

it('L-POLL-9 a poll that can only be told to refetch is told after a second, whatever happens, unless wait=0', async () => {
  const startedAt = performance.now()
  let isAnswered = false
  const slow = poll('devices=kitchen&cursor=other-1').finally(() => {
    isAnswered = true
  })
  const quick = await poll('devices=kitchen&wait=0&cursor=other-1')
  expect([quick.events.map(({ type }) => type), isAnswered]).toEqual([['resync'], false])
  for (let time = 201; !isAnswered; time++) {
    await api.broker.reading('kitchen', time, { t: 1 })
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
  // A timer may be a little early by the other clock.
  expect(performance.now() - startedAt).toBeGreaterThan(liveLimits.pollResyncDelayMs - 10)
  const { events, cursor } = await slow
  expect(events).toMatchObject([{ type: 'resync', id: cursor }])
  await api.broker.reading('kitchen', 300, { t: 1 })
  expect(timesOf((await poll(`devices=kitchen&cursor=${cursor}`)).events)).not.toContain(201)
})

it('L-POLL-10 what a poll missed is not told to a session that ended while its devices were looked up', async () => {
  const session = await signIn(api, 'operator')
  const { cursor } = await poll('devices=kitchen')
  await api.broker.reading('kitchen', 400, { t: 1 })
  expect(timesOf((await poll(`devices=kitchen&cursor=${cursor}`)).events)).toEqual([400])
  const lock = await api.database.pool.connect()
  try {
    await lock.query('BEGIN')
    await lock.query('LOCK TABLE device')
    const late = call(api, `GET /events/poll?devices=kitchen&cursor=${cursor}`, { headers: session })
    await until(() => api.deps.places.ofUser('operator') > 0)
    expect((await call(api, 'DELETE /session', { headers: session })).status).toBe(204)
    await lock.query('COMMIT')
    expect((await late).status).toBe(401)
  } finally {
    lock.release()
  }
})

it.each(['/devices/kitchen/latest', '/latest?devices=kitchen,never', '/latest?devices=*'])(
  'T-ETAG-2 %s answers 304 to its tag, alone, weak, or in a list, until a value changes',
  async (path) => {
    const now = Date.now()
    const tagged = (tag: string) =>
      call(api, `GET ${path}`, { headers: { ...headers, 'if-none-match': tag } })
    await store(api, 'kitchen', { metric: path, points: [[now - 2_000, 1]] })
    const { headers: got } = await call(api, `GET ${path}`, { headers })
    const etag = got.get('etag') ?? ''
    for (const tag of [etag, `W/${etag}`, `"other", ${etag}`, `W/"a",W/${etag} , "b"`, '*'])
      expect([tag, (await tagged(tag)).status]).toEqual([tag, 304])
    for (const tag of ['"other"', etag.slice(1, -1), `${etag}x`]) expect((await tagged(tag)).status).toBe(200)
    await store(api, 'kitchen', { metric: path, points: [[now - 1_000, 2]] })
    expect((await tagged(etag)).status).toBe(200)
  },
)
