import { request } from 'node:http'
import { random } from '@telltale/infra/testing/random'
import { afterAll, afterEach, beforeAll, expect, it, vi } from 'vitest'
import { liveLimits } from '../src/live/limits.ts'
import { addDevice, bearer, startApi, type TestApi, until } from './harness.ts'
import { SseClient } from './sse-client.ts'

let api: TestApi
let headers: Record<string, string>
const open: SseClient[] = []

beforeAll(async () => {
  api = await startApi()
  headers = await bearer(api, 'viewer')
  for (const id of ['kitchen', 'cellar']) await addDevice(api, id)
})
afterEach(() => {
  vi.restoreAllMocks()
  for (const client of open.splice(0)) client.close()
})
afterAll(() => api.stop())

async function listen(query: string, more: Record<string, string> = {}): Promise<SseClient> {
  const client = await SseClient.open(api.url(`/events?${query}`), { ...headers, ...more })
  open.push(client)
  return client
}

/** From now on the clock of stalls and pings is so much later. */
function moveClock(ms: number): void {
  const now = performance.now.bind(performance)
  vi.spyOn(performance, 'now').mockImplementation(() => now() + ms)
}

const times = (client: SseClient) => client.of('reading').map(({ data }) => data.time)
const say = (deviceId: string, time: number, more: Record<string, string> = {}) =>
  api.deps.hub.publish({ type: 'reading', data: { deviceId, time, values: { t: time, ...more } } })

it('L-SSE-6 after 15 s comes a ping, on a quiet stream too; its id, like every id, resumes the stream', async () => {
  const client = await listen('devices=kitchen')
  moveClock(liveLimits.pingMs - 3_000)
  const { totals } = api.deps.hub
  await until(() => api.deps.hub.totals !== totals)
  expect(client.of('ping')).toEqual([])
  vi.restoreAllMocks()
  moveClock(liveLimits.pingMs)
  await until(() => client.of('ping').length === 1)
  vi.restoreAllMocks()
  say('kitchen', 1)
  await until(() => times(client).length === 1)
  expect(client.events.map(({ type }) => type)).toEqual(['hello', 'ping', 'reading'])
  for (const { id } of [...client.events]) {
    const again = await listen('devices=kitchen', { 'last-event-id': id })
    say('kitchen', 2)
    await until(() => times(again).at(-1) === 2)
    expect(again.of('resync')).toEqual([])
  }
})

it('L-SSE-7 a HEAD opens no stream', async () => {
  for (const path of ['/events', '/events/poll']) {
    const answer = await fetch(api.url(path), { method: 'HEAD', headers })
    expect(answer.status).toBe(405)
    expect(answer.headers.get('allow')).toContain('GET')
  }
  await until(() => api.deps.places.ofAddress('127.0.0.1') === 0)
})

it('L-SSE-8 a client that is gone before its stream opens leaves nothing behind', async () => {
  const gone = Array.from({ length: 20 }, () => {
    const asked = request(api.url('/events?devices=kitchen'), { headers, agent: false })
    asked.on('error', () => {})
    asked.on('socket', (socket) => socket.on('connect', () => setImmediate(() => asked.destroy())))
    asked.end()
    return asked
  })
  await until(() => gone.every(({ destroyed }) => destroyed))
  const client = await listen('devices=kitchen')
  await until(() => api.deps.hub.readerCount === 1 && api.deps.places.ofAddress('127.0.0.1') === 1)
  expect(client.isEnded).toBe(false)
})

it('L-SLOW-3 a slow reader holds up nobody: others get every event, and what waits has an end for all', async () => {
  const owners = await Promise.all(Array.from({ length: 3 }, (_, i) => bearer(api, 'viewer', `slow-${i}`)))
  const slow = await Promise.all(
    owners.flatMap((owner) => Array.from({ length: 20 }, () => listen('devices=*,kitchen', owner))),
  )
  for (const client of slow) client.stopReading()
  const quick = await listen('devices=kitchen')
  const padding = 'x'.repeat(2_000)
  const count = 4_000
  let waitingMax = 0
  for (let time = 1; time <= count; time++) {
    say('kitchen', time, { padding })
    if (time % 50 === 0) await new Promise((resolve) => setImmediate(resolve))
    waitingMax = Math.max(waitingMax, api.deps.hub.waitingBytes)
  }
  await until(() => times(quick).at(-1) === count)
  expect(times(quick)).toEqual(Array.from({ length: count }, (_, i) => i + 1))
  // They all wait for the same: it is there once.
  expect(waitingMax).toBeGreaterThan(0)
  expect(waitingMax).toBeLessThan(4 * liveLimits.queueBytesMax)
  moveClock(liveLimits.stallMs + 1_000)
  await until(() => api.deps.hub.readerCount === 1)
  expect(api.deps.hub.waitingBytes).toBe(0)
  expect(quick.isEnded).toBe(false)
})

it('L-RESUME-8 a storm of reconnects with ids of every kind: each is replayed whole or told to refetch, once', async () => {
  const seed = Math.floor(Math.random() * 2 ** 31)
  console.log(`L-RESUME-8 seed ${seed}`)
  const next = random(seed)
  const pick = <T>(of: T[]): T => of[Math.floor(next() * of.length)] as T
  const first = await listen('devices=kitchen,cellar')
  const total = 300
  for (let time = 1; time <= total; time++) say(pick(['kitchen', 'cellar']), time)
  await until(() => times(first).length === total)
  const [epoch = ''] = first.events[0]?.id.split('-') ?? []
  const ids = first.events.map(({ id }) => id)
  const foreign = [
    '',
    'x',
    '-1',
    `${epoch}-`,
    `${epoch}--5`,
    `${epoch}-1e3`,
    `${epoch}-99999999`,
    `feedbeef00-${total}`,
    '\u00e9',
    '%00',
  ]
  const clients: { lastId: string; client: SseClient }[] = []
  for (let round = 0; round < 4; round++) {
    const opened = Array.from({ length: 15 }, async () => {
      const lastId = next() < 0.7 ? pick(ids) : pick(foreign)
      const client = await listen(`devices=kitchen,cellar&lastEventId=${encodeURIComponent(lastId)}`)
      clients.push({ lastId, client })
      if (next() < 0.5) client.close()
    })
    await Promise.all(opened)
    for (const { client } of clients) client.close()
  }
  const live = await listen(`devices=kitchen,cellar&lastEventId=${ids[0]}`)
  say('kitchen', total + 1)
  await until(() => times(live).at(-1) === total + 1)
  expect(times(live)).toEqual(Array.from({ length: total + 1 }, (_, i) => i + 1))
  for (const { lastId, client } of clients) {
    const known = ids.indexOf(lastId)
    const resyncs = client.of('resync').length
    if (known >= 0) {
      // As far as it read before it was closed: from the next on, without a gap.
      expect([lastId, resyncs]).toEqual([lastId, 0])
      expect(times(client)).toEqual(times(client).map((_, i) => known + 1 + i))
    } else {
      expect(times(client)).toEqual([])
      expect(resyncs).toBeLessThanOrEqual(lastId === '' ? 0 : 1)
    }
  }
  await until(() => api.deps.hub.readerCount === 2)
})

it('L-STOP-2 at shutdown each stream is told a moment of its own to come back', async () => {
  const other = await startApi()
  const as = await bearer(other, 'viewer')
  const clients = await Promise.all(
    Array.from({ length: 15 }, () => SseClient.open(other.url('/events'), as)),
  )
  await other.stop()
  await until(() => clients.every(({ isEnded }) => isEnded))
  const retries = clients.map((client) => client.retries.at(-1) ?? 0)
  expect(new Set(retries).size).toBeGreaterThan(10)
  for (const ms of retries) expect(ms >= 1_000 && ms < 5_000).toBe(true)
})
