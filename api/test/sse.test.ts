import { topics } from '@telltale/broker/contract'
import { afterAll, afterEach, beforeAll, expect, it, vi } from 'vitest'
import { addDevice, bearer, call, startApi, type TestApi, until } from './harness.ts'
import { SseClient } from './sse-client.ts'

let api: TestApi
let headers: Record<string, string>
const open: SseClient[] = []

beforeAll(async () => {
  api = await startApi()
  headers = await bearer(api, 'viewer')
  for (const id of ['kitchen', 'cellar', 'attic']) await addDevice(api, id)
})
afterEach(() => {
  for (const client of open.splice(0)) client.close()
})
afterAll(() => api.stop())

async function listen(query: string, more: Record<string, string> = {}): Promise<SseClient> {
  const client = await SseClient.open(api.url(`/events?${query}`), { ...headers, ...more })
  open.push(client)
  return client
}

const times = (client: SseClient) => client.of('reading').map(({ data }) => data.time)
const presence = (deviceId: string, since: number) =>
  api.broker.say(topics.platform('presence', deviceId), {
    deviceId,
    status: 'online',
    since,
    reason: 'connected',
  })

it('L-SSE-1 a stream opens with retry and hello, and carries the headers proxies need', async () => {
  const client = await listen('devices=kitchen')
  expect(client.retries).toEqual([3_000])
  expect(client.events[0]).toMatchObject({ type: 'hello', data: { serverTime: expect.any(Number) } })
  expect(client.headers).toMatchObject({
    'content-type': 'text/event-stream; charset=utf-8',
    'cache-control': 'no-cache, no-transform',
    'x-accel-buffering': 'no',
    'x-content-type-options': 'nosniff',
  })
})

it('L-SSE-2 after hello no reading is missed, and each reader gets its own devices only', async () => {
  const kitchen = await listen('devices=kitchen')
  const both = await listen('devices=kitchen,cellar')
  const fleet = await listen('devices=*')
  await api.broker.reading('kitchen', 1_000, { t: 21.5 })
  await api.broker.reading('cellar', 2_000, { t: 9 })
  await presence('attic', 5)
  await until(
    () => times(both).length === 2 && times(kitchen).length === 1 && fleet.of('presence').length === 1,
  )
  expect(kitchen.of('reading')[0]?.data).toEqual({ deviceId: 'kitchen', time: 1_000, values: { t: 21.5 } })
  expect(times(fleet)).toEqual([])
  expect(kitchen.of('presence')).toEqual([])
})

it('L-SSE-3 backlogs, nested values and plain values arrive as flat readings', async () => {
  const client = await listen('devices=kitchen')
  const backlog = [
    { ts: 1, values: { gps: { lat: 1.5, fix: { ok: true } }, nothing: null, list: [1] } },
    { ts: 2, values: { door: 'open' } },
  ]
  await api.broker.say(topics.telemetry('kitchen'), backlog)
  await api.broker.say(topics.platform('readings', 'kitchen'), { ts: 3, values: { t: 5 } })
  await until(() => times(client).length === 3)
  expect(client.of('reading').map(({ data }) => data.values)).toEqual([
    { 'gps.lat': 1.5, 'gps.fix.ok': true },
    { door: 'open' },
    { t: 5 },
  ])
})

it('S-METRIC-2 a metric called __proto__ goes through the live path like any other', async () => {
  const client = await listen('devices=kitchen')
  await api.broker.say(
    topics.telemetry('kitchen'),
    JSON.parse('{"ts":1,"values":{"__proto__":1,"a":{"__proto__":2}}}'),
  )
  await until(() => times(client).length === 1)
  expect(Object.entries(client.of('reading')[0]?.data.values)).toEqual([
    ['__proto__', 1],
    ['a.__proto__', 2],
  ])
  expect(({} as { a?: unknown }).a).toBeUndefined()
})

it('L-SSE-4 what the broker says badly reaches nobody and harms nobody', async () => {
  const client = await listen('devices=kitchen')
  for (const body of [null, 5, 'x', { ts: 'soon', values: {} }, { ts: 1 }, { ts: 1, values: null }, [null]])
    await api.broker.say(topics.telemetry('kitchen'), body)
  await api.broker.reading('kitchen', 7, { t: 1 })
  await until(() => times(client).length > 0)
  expect(times(client)).toEqual([7])
})

it('L-RESUME-1 a reconnect with its last id gets exactly what it missed, by header and by parameter', async () => {
  const first = await listen('devices=kitchen')
  await api.broker.reading('kitchen', 1, { t: 1 })
  await until(() => times(first).length === 1)
  const lastId = first.events.at(-1)?.id ?? ''
  first.close()
  await api.broker.reading('kitchen', 2, { t: 2 })
  await api.broker.reading('kitchen', 3, { t: 3 })
  await until(() => api.deps.hub.position !== lastId)
  const resumed = await listen('devices=kitchen', { 'last-event-id': lastId })
  await until(() => times(resumed).length === 2)
  const again = await listen(`devices=kitchen&lastEventId=${lastId}`)
  await api.broker.reading('kitchen', 4, { t: 4 })
  await until(() => times(again).length === 3 && times(resumed).length === 3)
  expect(times(again)).toEqual([2, 3, 4])
  expect(resumed.of('resync')).toEqual([])
  const ids = again.of('reading').map(({ id }) => Number(id.split('-')[1]))
  expect(ids).toEqual([...ids].sort((a, b) => a - b))
})

it.each([
  ['foreign', () => 'feedbeef00-5'],
  ['of the future', () => `${api.deps.hub.position}999`],
  ['nonsense', () => "1' OR 1=1"],
])('L-RESUME-2 an id that is %s gets one resync and then the stream', async (_, makeId) => {
  const client = await listen('devices=kitchen', { 'last-event-id': makeId() })
  await api.broker.reading('kitchen', 9, { t: 1 })
  await until(() => times(client).length === 1)
  expect(client.events.map(({ type }) => type)).toEqual(['hello', 'resync', 'reading'])
})

it('L-RESUME-3 a device that was not watched meanwhile cannot be replayed: resync, never a silent gap', async () => {
  await addDevice(api, 'unwatched')
  const before = await listen('devices=kitchen')
  const lastId = before.events[0]?.id ?? ''
  const client = await listen('devices=kitchen,unwatched', { 'last-event-id': lastId })
  await until(() => client.of('resync').length === 1)
})

it('L-RESUME-6 the id of hello is enough to resume a quiet stream', async () => {
  await addDevice(api, 'quiet')
  const first = await listen('devices=quiet')
  const again = await listen('devices=quiet', { 'last-event-id': first.events[0]?.id ?? '' })
  await api.broker.reading('quiet', 1, { t: 1 })
  await until(() => times(again).length === 1)
  expect(again.events.map(({ type }) => type)).toEqual(['hello', 'reading'])
})

it('L-RESUME-7 what follows the number makes an id nonsense, and no id is sent back as it came', async () => {
  await addDevice(api, 'echo')
  const first = await listen('devices=echo')
  const id = first.events[0]?.id ?? ''
  for (const tail of ['-x', ' ', '\n\ndata: "hi"', '-11\n\ndata: "hi"']) {
    const client = await listen(`devices=echo&lastEventId=${encodeURIComponent(id + tail)}`)
    await until(() => client.events.length === 2)
    expect(client.events.map(({ type }) => type)).toEqual(['hello', 'resync'])
  }
  const [epoch, seq] = id.split('-')
  const padded = await listen(`devices=echo&lastEventId=${epoch}-000${seq}`)
  expect(padded.events[0]?.id).toBe(id)
})

it('L-RESUME-4 an id older than the ring gets a resync', async () => {
  const first = await listen('devices=kitchen')
  await api.broker.reading('kitchen', 1, { t: 1 })
  await until(() => times(first).length === 1)
  const lastId = first.events.at(-1)?.id ?? ''
  for (let i = 0; i < 20_001; i++)
    api.deps.hub.publish({
      type: 'rejected',
      data: { deviceId: 'attic', receivedAt: i, topic: 't', reason: 'r' },
    })
  const late = await listen('devices=kitchen', { 'last-event-id': lastId })
  await until(() => late.of('resync').length === 1)
})

it('L-TOTALS-1 fleet streams get the sums of all brokers once a second', async () => {
  const client = await listen('devices=*')
  const totals = (brokerId: string, messagesTotal: number) =>
    api.broker.say(topics.platform('totals', brokerId), {
      brokerId,
      startedAt: 1,
      connections: 3,
      messagesTotal,
    })
  await totals('a', 0)
  await totals('b', 0)
  await until(() => client.of('totals').some(({ data }) => data.connections === 6))
  await totals('a', 100)
  await until(() => client.of('totals').some(({ data }) => data.messagesPerSecond > 0))
})

it('L-COMMAND-1 a command reaches fleet and device streams, and never steps back', async () => {
  const fleet = await listen('devices=*')
  const kitchen = await listen('devices=kitchen')
  const say = (status: string) =>
    api.broker.say(topics.platform('commands', 'kitchen'), {
      id: 'c1',
      deviceId: 'kitchen',
      status,
      finishedAt: null,
    })
  for (const status of ['sent', 'queued', 'delivered']) await say(status)
  await until(() => fleet.of('command').length === 2 && kitchen.of('command').length === 2)
  expect(fleet.of('command').map(({ data }) => data.status)).toEqual(['sent', 'delivered'])
})

it.each([
  ['devices=none', 404, 'device_not_found'],
  ['devices=..%2F..', 404, 'device_not_found'],
  ['devices=%2C', 400, 'invalid_request'],
  [`devices=${Array.from({ length: 201 }, (_, i) => `d${i}`).join(',')}`, 400, 'invalid_request'],
])('L-SSE-5 wrong devices are refused: %#', async (query, status, code) => {
  const answer = await call(api, `GET /events?${query}`, { headers })
  expect([answer.status, answer.body.code]).toEqual([status, code])
})

/** More than the kernel buffers, turn by turn as from a real broker. */
async function flood(count: number): Promise<void> {
  const padding = 'x'.repeat(900)
  for (let i = 1; i <= count; i++) {
    api.deps.hub.publish({
      type: 'reading',
      data: { deviceId: 'kitchen', time: i, values: { t: i, padding } },
    })
    if (i % 100 === 0) await new Promise((resolve) => setImmediate(resolve))
  }
}

it('L-BURST-1 a burst does not make a fast reader slow: every event of it arrives', async () => {
  const client = await listen('devices=kitchen')
  const backlog = Array.from({ length: 3_000 }, (_, i) => ({ ts: i, values: { t: i } }))
  await api.broker.say(topics.telemetry('kitchen'), backlog)
  await until(() => times(client).at(-1) === 2_999)
  expect(times(client)).toEqual(backlog.map(({ ts }) => ts))
})

it('L-RESUME-5 a long replay arrives whole, in order, before what is new', async () => {
  const first = await listen('devices=kitchen')
  const lastId = first.events[0]?.id ?? ''
  await flood(5_000)
  const late = await listen('devices=kitchen', { 'last-event-id': lastId })
  await api.broker.reading('kitchen', 5_001, { t: 1 })
  await until(() => times(late).at(-1) === 5_001)
  expect(times(late)).toEqual(Array.from({ length: 5_001 }, (_, i) => i + 1))
})

it('L-SLOW-1 a reader that stops reading is conflated, and ends up with the newest values', async () => {
  const client = await listen('devices=kitchen')
  client.stopReading()
  const count = 20_000
  await flood(count)
  client.readAgain()
  await until(() => times(client).at(-1) === count)
  expect(times(client).length).toBeLessThan(count / 2)
  expect(client.of('reading').at(-1)?.data.values.t).toBe(count)
  expect(times(client)).toEqual([...times(client)].sort((a, b) => a - b))
})

it('L-SLOW-2 a reader without progress for 30 s is closed', async () => {
  const client = await listen('devices=kitchen')
  client.stopReading()
  await flood(20_000)
  const now = performance.now.bind(performance)
  const clock = vi.spyOn(performance, 'now').mockImplementation(() => now() + 31_000)
  const readers = api.deps.hub.readerCount
  await until(() => api.deps.hub.readerCount === readers - 1)
  clock.mockRestore()
})
