import { afterEach, expect, it, vi } from 'vitest'
import { Hub } from '../src/live/hub.ts'
import { liveLimits } from '../src/live/limits.ts'
import { until } from './harness.ts'

afterEach(() => {
  vi.restoreAllMocks()
})

const kitchen = { all: false, ids: ['kitchen'] }
const say = (hub: Hub, deviceId: string, time: number) =>
  hub.publish({ type: 'reading', data: { deviceId, time, values: { text: 'x'.repeat(900) } } })

/** From now on the clock of stalls and pings is so much later than the real one. */
function moveClock(ms: number): void {
  vi.restoreAllMocks()
  const now = performance.now.bind(performance)
  vi.spyOn(performance, 'now').mockImplementation(() => now() + ms)
}

async function openReader(hub: Hub) {
  const client = { text: '', isTaking: true, unsentBytes: 0, asked: 0, isDropped: false }
  const sink = {
    write: (bytes: Buffer) => {
      client.text += bytes
      return client.isTaking
    },
    unsentBytes: () => {
      client.asked++
      return client.unsentBytes
    },
    end: () => {},
    destroy: () => {
      client.isDropped = true
    },
  }
  const reader = hub.register(kitchen, sink)
  await hub.open(reader, undefined)
  return { client, reader }
}

it('L-SLOW-6 a blocked reader that takes a little is not closed; 30 s after the last of it, it is', async () => {
  const hub = new Hub({ watch: (_, onReady) => onReady(), unwatch: () => {} })
  const { client } = await openReader(hub)
  hub.start(() => {})
  Object.assign(client, { isTaking: false, unsentBytes: 60_000 })
  say(hub, 'kitchen', 1)
  for (let round = 1; round <= 2; round++) {
    await until(() => client.text.includes('"time":1'))
    client.unsentBytes -= 1_000
    const { asked } = client
    moveClock(round * (liveLimits.stallMs + 1_000))
    await until(() => client.asked > asked)
    expect(client.isDropped).toBe(false)
  }
  moveClock(3 * (liveLimits.stallMs + 1_000))
  await until(() => client.isDropped)
  hub.stop()
})

it('L-RESUME-9 ids do not step back after a ping, also when what follows is conflated', async () => {
  const hub = new Hub({ watch: (_, onReady) => onReady(), unwatch: () => {} })
  const { client, reader } = await openReader(hub)
  for (let time = 0; time < 50; time++) say(hub, 'other', time)
  moveClock(liveLimits.pingMs + 1_000)
  client.isTaking = false
  hub.start(() => {})
  await until(() => client.text.includes('event: ping'))
  for (let time = 0; time < 900; time++) {
    say(hub, 'kitchen', time)
    hub.publish({
      type: 'presence',
      data: { deviceId: 'kitchen', status: 'online', since: time, reason: '' },
    })
  }
  client.isTaking = true
  reader.drained()
  await until(() => client.text.includes('"time":899'))
  const numbers = [...client.text.matchAll(/^id: \S+-(\d+)$/gm)].map(([, digits]) => Number(digits))
  expect(numbers.length).toBeGreaterThan(3)
  expect(numbers).toEqual([...numbers].sort((a, b) => a - b))
  hub.stop()
})
