import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { expect, it } from 'vitest'
import { Hub } from '../src/live/hub.ts'
import { liveLimits } from '../src/live/limits.ts'
import type { Reader } from '../src/live/reader.ts'

const MEBIBYTE = 1024 * 1024
/** Each of them below its own bounds, so that only what they share holds them. */
const READERS = 600
const READINGS = 50
const READING_BYTES = 4_096

setFlagsFromString('--expose-gc')
const collectGarbage: () => void = runInNewContext('gc')

/** A reader whose client takes nothing until it is told to. */
async function open(hub: Hub, deviceId: string) {
  const client = { text: '', isTaking: true, reader: undefined as Reader | undefined }
  const sink = {
    write: (bytes: Buffer) => {
      if (client.isTaking) client.text += bytes
      return client.isTaking
    },
    end: () => {},
    destroy: () => {},
  }
  client.reader = hub.register({ all: false, ids: [deviceId] }, sink)
  await hub.open(client.reader, undefined)
  return client
}

it('L-SLOW-4 hundreds of readers that take nothing, each of its own device, share one bound, and end up with the present', async () => {
  const hub = new Hub({ watch: (_, onReady) => onReady(), unwatch: () => {} })
  const clients = await Promise.all(Array.from({ length: READERS }, (_, i) => open(hub, `device-${i}`)))
  for (const client of clients) client.isTaking = false
  collectGarbage()
  const before = process.memoryUsage().heapUsed
  const padding = 'x'.repeat(READING_BYTES)
  for (let time = 1; time <= READINGS; time++) {
    for (let i = 0; i < READERS; i++)
      hub.publish({
        type: 'reading',
        data: { deviceId: `device-${i}`, time, values: { t: time, text: `${padding}${i}` } },
      })
    expect(hub.waitingBytes).toBeLessThanOrEqual(liveLimits.waitingBytesMax)
    await new Promise((resolve) => setImmediate(resolve))
  }
  collectGarbage()
  const grown = process.memoryUsage().heapUsed - before
  // What waits twice over, text and parsed, and the ring as well: without the bound it is three times as much.
  expect(grown).toBeLessThan(2 * liveLimits.waitingBytesMax + 4 * liveLimits.ringBytesMax)
  expect((READERS * READINGS * READING_BYTES) / MEBIBYTE).toBeGreaterThan(100)

  for (const client of clients) {
    client.isTaking = true
    client.reader?.drained()
  }
  expect(hub.waitingBytes).toBe(0)
  for (const { text } of clients)
    expect(text.includes(`"t":${READINGS},`) || text.includes('event: resync')).toBe(true)
  hub.stop()
})

it('L-SLOW-5 what a client missed is not kept for it while it takes its time: the rest is one resync', async () => {
  const hub = new Hub({ watch: (_, onReady) => onReady(), unwatch: () => {} })
  const first = await open(hub, 'kitchen')
  const id = /^id: (.+)$/m.exec(first.text)?.[1]
  const say = (time: number) =>
    hub.publish({ type: 'reading', data: { deviceId: 'kitchen', time, values: { text: 'x'.repeat(1_000) } } })
  for (let time = 1; time <= 500; time++) say(time)
  const late = { text: '', isTaking: false }
  const sink = {
    write: (bytes: Buffer) => {
      late.text += bytes
      return late.isTaking
    },
    end: () => {},
    destroy: () => {},
  }
  const reader = hub.register({ all: false, ids: ['kitchen'] }, sink)
  await hub.open(reader, id)
  const waiting = hub.waitingBytes
  for (let i = 0; i < liveLimits.ringEventsMax; i++)
    hub.publish({ type: 'reading', data: { deviceId: 'other', time: i, values: { t: i } } })
  expect(hub.waitingBytes).toBe(waiting)
  say(501)
  late.isTaking = true
  reader.drained()
  const events = [...late.text.matchAll(/^event: (\w+)\ndata: .*?(?:"time":(\d+))?/gm)].map(
    ([, type]) => type,
  )
  expect(events[0]).toBe('hello')
  expect(events.filter((type) => type === 'resync').length).toBe(1)
  expect(events.at(-1)).toBe('reading')
  const times = [...late.text.matchAll(/"time":(\d+)/g)].map(([, time]) => Number(time))
  expect(times).toEqual([...times.slice(0, -1).map((_, i) => i + 1), 501])
  expect(times.length).toBeLessThan(500)
  hub.stop()
})
