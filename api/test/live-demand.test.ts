import { topics } from '@telltale/broker/contract'
import { afterAll, beforeAll, expect, it, vi } from 'vitest'
import { Hub } from '../src/live/hub.ts'
import { addDevice, bearer, startApi, type TestApi, until } from './harness.ts'
import { PacketTap } from './packet-tap.ts'
import { SseClient } from './sse-client.ts'

const READERS = 1_000
/** The test's own timeout ends it. */
const WAITS = { timeout: 30_000 }
const tap = new PacketTap()
let api: TestApi
let headers: Record<string, string>

beforeAll(async () => {
  api = await startApi({ linkThrough: (port) => tap.start(port) })
  headers = await bearer(api, 'viewer')
  for (const id of ['kitchen', 'cellar', 'quiet', 'loud', 'left']) await addDevice(api, id)
})
afterAll(async () => {
  await api.stop()
  tap.stop()
})

const listen = (query: string, as = headers) => SseClient.open(api.url(`/events?${query}`), as)
const times = (client: SseClient) => client.of('reading').map(({ data }) => data.time)
const heardOf = (deviceId: string) => tap.published.filter((topic) => topic.includes(deviceId))
const filtersOf = (deviceId: string) => [topics.telemetry(deviceId), topics.platform('readings', deviceId)]

it('L-DEMAND-1 the broker sends the API nothing of a device that nobody watches', async () => {
  const fleet = await listen('devices=*')
  const kitchen = await listen('devices=kitchen')
  for (let time = 1; time <= 200; time++) {
    await api.broker.reading('quiet', time, { t: 1 })
    await api.broker.say(topics.platform('readings', 'quiet'), { ts: time, values: { t: 1 } })
  }
  await api.broker.reading('kitchen', 1, { t: 1 })
  await until(() => times(kitchen).length === 1)
  expect(heardOf('kitchen').length).toBe(1)
  expect(heardOf('quiet')).toEqual([])
  for (const client of [fleet, kitchen]) client.close()
})

it('L-DEMAND-2 a thousand streams of one device are one subscription, and a message crosses once', async () => {
  const owners = await Promise.all(
    Array.from({ length: READERS / 20 }, (_, i) => bearer(api, 'viewer', `crowd-${i}`)),
  )
  const clients: SseClient[] = []
  for (const owner of owners)
    clients.push(...(await Promise.all(Array.from({ length: 20 }, () => listen('devices=cellar', owner)))))
  await api.broker.reading('cellar', 7, { t: 1 })
  await until(() => clients.every((client) => times(client).length === 1))
  expect(tap.subscribed.filter((filter) => filter.includes('cellar'))).toEqual(filtersOf('cellar'))
  expect(heardOf('cellar').length).toBe(1)
  for (const client of clients) client.close()
  await until(() => api.deps.hub.readerCount === 0)
})

it('L-DEMAND-3 readers of the same devices are given the very same bytes, alone and in bursts', async () => {
  const hub = new Hub({ watch: (_, onReady) => onReady(), unwatch: () => {} })
  const written: Buffer[][] = []
  const sinks = Array.from({ length: READERS }, () => {
    const bytes: Buffer[] = []
    written.push(bytes)
    return { write: (frame: Buffer) => bytes.push(frame) > 0, end: () => {}, destroy: () => {} }
  })
  const selection = { all: false, ids: ['kitchen'] }
  for (const sink of sinks) await hub.open(hub.register(selection, sink), undefined)
  for (const bytes of written) bytes.length = 0
  const say = (time: number) =>
    hub.publish({ type: 'reading', data: { deviceId: 'kitchen', time, values: { t: time } } })
  for (const burst of [1, 2, 700]) {
    for (let time = 0; time < burst; time++) say(time)
    await until(() => written.every((bytes) => Buffer.concat(bytes).includes(`"time":${burst - 1},`)))
    expect(new Set(written.flat()).size).toBe(written[0]?.length)
    for (const bytes of written) bytes.length = 0
  }
  hub.stop()
})

it('L-DEMAND-4 a minute after its last reader a device is no longer subscribed, and not before', async () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
  try {
    const opening = [listen('devices=left'), listen('devices=left')]
    await vi.waitFor(async () => expect(api.deps.hub.readerCount).toBe(2), WAITS)
    const clients = await Promise.all(opening.map((client) => settle(client)))
    for (const client of clients) client.close()
    await vi.waitFor(() => expect(api.deps.hub.readerCount).toBe(0), WAITS)
    // Waiting moves this clock too, by as much as it takes.
    vi.advanceTimersByTime(50_000)
    await api.broker.reading('left', 1, { t: 1 })
    await vi.waitFor(() => expect(heardOf('left').length).toBe(1), WAITS)
    expect(tap.unsubscribed).toEqual([])
    vi.advanceTimersByTime(10_000)
    await vi.waitFor(() => expect(tap.unsubscribed).toEqual(filtersOf('left')), WAITS)
    await api.broker.reading('left', 2, { t: 1 })
    expect(heardOf('left').length).toBe(1)
  } finally {
    vi.useRealTimers()
  }
})

/** `until` waits on a timer, which stands still here. */
async function settle<T>(promise: Promise<T>): Promise<T> {
  const moving = setInterval(() => vi.advanceTimersByTime(1), 5)
  return promise.finally(() => clearInterval(moving))
}

it('L-CALM-1 a device whose messages cannot be read is one event a second, the newest with their number', async () => {
  const clients = [await listen('devices=*'), await listen('devices=loud')]
  const startedAt = performance.now()
  const say = (receivedAt: number) =>
    api.broker.say(topics.platform('rejected', 'loud'), {
      deviceId: 'loud',
      receivedAt,
      topic: 't',
      reason: 'r',
    })
  for (let i = 1; i <= 1_000; i++) await say(i)
  await until(() => clients.every((client) => client.of('rejected').at(-1)?.data.receivedAt === 1_000))
  const seconds = (performance.now() - startedAt) / 1_000
  for (const client of clients) {
    const told = client.of('rejected').map(({ data }) => data)
    expect(told[0]).toEqual({ deviceId: 'loud', receivedAt: 1, topic: 't', reason: 'r', count: 1 })
    expect(told.length).toBeLessThanOrEqual(seconds + 1)
    expect(told.reduce((sum, { count }) => sum + count, 0)).toBe(1_000)
    client.close()
  }
})

it('L-CALM-2 progress of a command is told once a second, every step at once, and none after the end', async () => {
  const client = await listen('devices=*')
  const say = (id: string, status: string, result: unknown = null) =>
    api.broker.say(topics.platform('commands', 'loud'), {
      id,
      deviceId: 'loud',
      status,
      result,
      finishedAt: null,
    })
  for (const status of ['sent', 'delivered']) await say('c1', status)
  for (let percent = 0; percent < 500; percent++) await say('c1', 'accepted', percent)
  await say('c1', 'succeeded', 'done')
  await say('c2', 'accepted', 1)
  await say('c2', 'accepted', 2)
  const of = (id: string) => client.of('command').filter(({ data }) => data.id === id)
  await until(() => of('c2').length === 2)
  const steps = of('c1').map(({ data }) => data.status)
  expect(steps.filter((status) => status !== 'accepted')).toEqual(['sent', 'delivered', 'succeeded'])
  expect(steps.at(-1)).toBe('succeeded')
  expect(steps.length).toBeLessThan(10)
  expect(of('c2').map(({ data }) => data.result)).toEqual([1, 2])
  client.close()
})

it('L-CALM-3 what a device is rejected for does not wait behind another device', async () => {
  const client = await listen('devices=*')
  for (const deviceId of ['kitchen', 'quiet', 'left'])
    await api.broker.say(topics.platform('rejected', deviceId), {
      deviceId,
      receivedAt: 1,
      topic: 't',
      reason: 'r',
    })
  await until(() => client.of('rejected').length === 3)
  client.close()
})
