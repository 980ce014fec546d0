import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { MqttClient } from 'mqtt'
import { afterAll, afterEach, beforeAll, expect, it, vi } from 'vitest'
import { feedHub } from '../src/live/feed.ts'
import { Hub } from '../src/live/hub.ts'
import { liveLimits } from '../src/live/limits.ts'
import { Link } from '../src/live/link.ts'
import { FleetTotals } from '../src/live/totals.ts'
import { addDevice, bearer, call, startApi, type TestApi, until } from './harness.ts'

let api: TestApi
let headers: Record<string, string>

beforeAll(async () => {
  api = await startApi()
  headers = await bearer(api, 'viewer')
  for (const id of ['kitchen', 'garage']) await addDevice(api, id)
})
afterEach(() => {
  vi.useRealTimers()
  vi.restoreAllMocks()
})
afterAll(() => api.stop())

const newLink = () => {
  const url = `mqtt://127.0.0.1:${api.deps.mqtt.port}`
  return new Link({ url, secret: 'platform-secret', log: api.deps.log })
}

async function poll(query: string): Promise<{ events: string[]; cursor: string }> {
  const { body } = await call(api, `GET /events/poll?${query}`, { headers })
  return { events: body.events.map(({ type }: { type: string }) => type), cursor: body.cursor }
}

it('L-AWAY-1 at the first link-up polls and sockets that came before it are told, without any stream', async () => {
  const link = newLink()
  const hub = new Hub(link)
  const cursor = hub.position
  let gaps = 0
  hub.listenCommands({ onCommand: () => {}, onGap: () => gaps++ })
  feedHub({ link, hub, totals: new FleetTotals(), log: api.deps.log })
  await until(() => link.isUp)
  const replay = hub.replay({ all: true, ids: [] }, cursor)
  const missed = 'entries' in replay ? [...replay.entries].map(({ event }) => event.type) : []
  expect([gaps, missed]).toEqual([1, ['resync']])
  hub.stop()
  await link.stop()
})

it('L-AWAY-2 without the broker a poll of a new device is told once, then waits, and once more when it is back', async () => {
  const before = await poll('devices=kitchen')
  await api.broker.stop()
  await until(() => !api.deps.link.isUp)
  const first = await poll(`devices=garage&wait=0&cursor=${before.cursor}`)
  const second = await poll(`devices=garage&wait=0&cursor=${first.cursor}`)
  expect([first.events, second.events]).toEqual([['resync'], []])
  const waiting = poll(`devices=garage&wait=60&cursor=${second.cursor}`)
  await api.broker.start()
  const back = await waiting
  const after = await poll(`devices=garage&wait=0&cursor=${back.cursor}`)
  expect([back.events, after.events]).toEqual([['resync'], []])
})

it('L-AWAY-3 polls and changes that wait for a broker that is away leave nothing behind', async () => {
  setFlagsFromString('--expose-gc')
  const collectGarbage: () => void = runInNewContext('gc')
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
  const hub = new Hub({ watch: () => {}, unwatch: () => {} })
  const selection = () => ({ all: false, ids: Array.from({ length: 200 }, (_, i) => `d${i}`) })
  const reader = hub.register(selection(), { write: () => true, end: () => {}, destroy: () => {} })
  collectGarbage()
  const before = process.memoryUsage().heapUsed
  for (let round = 0; round < 2; round++) {
    const asked = [
      ...Array.from({ length: 4_000 }, () => hub.hold(selection())),
      ...Array.from({ length: 1_000 }, () => hub.change(reader, selection())),
    ]
    await vi.advanceTimersByTimeAsync(liveLimits.watchTimeoutMs)
    await Promise.all(asked)
  }
  collectGarbage()
  expect(process.memoryUsage().heapUsed - before).toBeLessThan(10 * 1024 * 1024)
  hub.stop()
})

it.each([0, 1, 2, 3, 4, 5, 6, 7])(
  'L-AWAY-4 a device watched or left while the link comes up is subscribed as asked: %i ticks after',
  async (ticks) => {
    const link = newLink()
    const heard: string[] = []
    let isConfirmed = false
    const { subscribeAsync } = MqttClient.prototype
    link.watch('early', () => {})
    vi.spyOn(MqttClient.prototype, 'subscribeAsync').mockImplementation(async function (
      this: MqttClient,
      topics,
      options,
    ) {
      const subscribed = subscribeAsync.call(this, topics, options as never)
      if (!String(topics).includes('early')) return subscribed
      let later: Promise<unknown> = subscribed
      for (let i = 0; i < ticks; i++) later = later.then(() => {})
      later.then(() => {
        link.unwatch('early')
        link.watch('late', () => {
          isConfirmed = true
        })
      })
      return subscribed
    })
    link.start({
      onMessage: (message) => {
        if (message.kind === 'readings') heard.push(message.deviceId)
      },
      onUp: () => {},
    })
    await until(() => isConfirmed)
    for (const id of ['early', 'late']) await api.broker.reading(id, 1, { t: 1 })
    await until(() => heard.length > 0)
    expect(heard).toEqual(['late'])
    await link.stop()
  },
)
