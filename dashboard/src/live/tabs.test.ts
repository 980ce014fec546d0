import type { LiveEvent } from '@telltale/api/contract'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { LiveClient } from './client.ts'
import { FarBrowser, FarServer } from './far-end.ts'
import { liveLimits } from './limits.ts'

const tick = (ms = 0) => vi.advanceTimersByTimeAsync(ms)

beforeEach(() => {
  vi.useFakeTimers({ now: 1_000_000 })
})
afterEach(() => {
  vi.useRealTimers()
})

/** One browser with as many tabs as are opened, all of one server. */
function browse() {
  const server = new FarServer()
  const browser = new FarBrowser()
  const open = async (user = 'anna') => {
    const surroundings = browser.tab()
    const onDoubt = vi.fn()
    const client = new LiveClient({ server, surroundings, onDoubt, random: () => 0 })
    const seen: (number | LiveEvent['type'])[] = []
    client.subscribe((event) => {
      if (event.type === 'reading') seen.push(event.data.time)
      else if (event.type === 'resync') seen.push('resync')
    })
    client.start(user)
    await tick()
    return { client, seen, onDoubt, ...surroundings }
  }
  /** A tab that says this and is never heard of again. */
  const crash = (lastWords: unknown) =>
    browser.tab().openChannel('telltale-live-1:anna').postMessage(lastWords)
  return { server, open, crash }
}

/** The id says the time; only the tests know. */
async function read(server: FarServer, time: number): Promise<void> {
  server.newest.send('reading', { deviceId: 'kitchen', time, values: {} }, `e-${time}`)
  await tick()
}

describe('tabs of one browser', () => {
  it('L-TAB-1 share one stream, which carries what any of them watches', async () => {
    const { server, open } = browse()
    const [first, second] = [await open(), await open()]
    server.newest.hello('e-0')
    await tick()
    expect(second.client.getState().phase).toBe('live')
    second.client.watch(['kitchen'])
    await tick()
    expect(server.changes.map(({ devices }) => devices)).toEqual([['*', 'kitchen']])
    server.changes[0]?.answer('changed')
    await tick()
    expect(second.client.isWatched(['kitchen'])).toBe(true)
    await read(server, 1)
    expect([first.seen, second.seen]).toEqual([[1], [1]])
    expect(server.streams).toHaveLength(1)
  })

  it('L-TAB-2 when the tab with the stream is closed, another goes on where it was', async () => {
    const { server, open } = browse()
    const [first, second, third] = [await open(), await open(), await open()]
    second.client.watch(['kitchen'])
    server.newest.hello('e-0')
    await read(server, 1)
    first.client.stop()
    await tick()
    expect(server.streams).toHaveLength(2)
    expect(server.newest.query.get('lastEventId')).toBe('e-1')
    expect(server.newest.query.get('devices')).toBe('*,kitchen')
    server.newest.hello('e-1')
    await read(server, 2)
    expect([second.seen, third.seen]).toEqual([
      [1, 2],
      [1, 2],
    ])
    expect(second.client.getState().phase).toBe('live')
  })

  it('L-TAB-3 a leader that is silent for 40 s is replaced, and follows when it wakes up', async () => {
    const { server, open } = browse()
    const [first, second] = [await open(), await open()]
    server.newest.hello('e-0')
    await read(server, 1)
    first.freeze()
    await tick(liveLimits.silenceMaxMs - 10)
    expect(server.streams).toHaveLength(1)
    await tick(20)
    expect(server.newest.query.get('lastEventId')).toBe('e-1')
    expect(server.streams.map(({ closed }) => closed)).toEqual([true, false])
    server.newest.hello('e-1')
    await read(server, 2)
    expect(second.seen).toEqual([1, 2])
  })

  it('L-TAB-4 a new tab does not wait long for the first word of a frozen leader', async () => {
    const { server, open } = browse()
    const first = await open()
    first.freeze()
    await open()
    await tick(liveLimits.firstWordMaxMs)
    expect(server.streams).toHaveLength(2)
  })

  it('L-TAB-5 a tab that missed words of the leader reads everything anew', async () => {
    const { server, open } = browse()
    await open()
    const second = await open()
    server.newest.hello('e-0')
    await read(server, 1)
    second.deafen(true)
    await read(server, 2)
    second.deafen(false)
    await read(server, 3)
    expect(second.seen).toEqual([1, 3, 'resync'])
    await read(server, 4)
    expect(second.seen).toEqual([1, 3, 'resync', 4])
  })

  it('L-TAB-6 what a new leader repeats is shown once in tabs that have seen it', async () => {
    const { server, open } = browse()
    const [first, second, third] = [await open(), await open(), await open()]
    server.newest.hello('e-0')
    await read(server, 1)
    // The second, which will lead, has not heard of 2 when the first goes.
    second.deafen(true)
    await read(server, 2)
    second.deafen(false)
    first.client.stop()
    await tick()
    expect(server.newest.query.get('lastEventId')).toBe('e-1')
    server.newest.hello('e-1')
    await read(server, 2)
    await read(server, 3)
    expect([second.seen, third.seen]).toEqual([
      [1, 2, 3],
      [1, 2, 3],
    ])
  })

  it('L-TAB-7 tabs of another user share nothing with them', async () => {
    const { server, open } = browse()
    const first = await open()
    server.newest.hello('e-0')
    const [stream] = server.streams
    const second = await open('bert')
    stream?.send('reading', { deviceId: 'kitchen', time: 1, values: {} }, 'e-1')
    await tick()
    expect([first.seen, second.seen]).toEqual([[1], []])
  })

  it('L-TAB-8 when the session may be over, every tab asks', async () => {
    const { server, open } = browse()
    const [first, second] = [await open(), await open()]
    server.newest.hello('e-0')
    server.newest.send('error', null)
    await tick()
    expect(first.onDoubt).toHaveBeenCalled()
    expect(second.onDoubt).toHaveBeenCalled()
    expect(second.client.getState().phase).toBe('reconnecting')
  })

  it('L-TAB-9 devices of a tab that crashed are not watched for ever', async () => {
    const { server, open, crash } = browse()
    await open()
    server.newest.hello('e-0')
    crash({ kind: 'join', tab: 'gone', devices: ['kitchen'], isVisible: true })
    await tick()
    server.changes[0]?.answer('changed')
    for (let roll = 0; roll <= liveLimits.rollMissesMax; roll += 1) {
      server.newest.send('ping', { serverTime: Date.now() }, 'e-0')
      await tick(liveLimits.rollEveryMs)
    }
    expect(server.changes.map(({ devices }) => devices)).toEqual([['*', 'kitchen'], ['*']])
  })

  it('L-TAB-10 above 200 devices those are watched that somebody can see', async () => {
    const { server, open } = browse()
    const [first, second] = [await open(), await open()]
    server.newest.hello('e-0')
    first.look(false)
    first.client.watch(Array.from({ length: liveLimits.devicesMax }, (_, index) => `hidden-${index}`))
    await tick(1_000)
    server.changes[0]?.answer('changed')
    second.client.watch(['kitchen'])
    await tick(1_000)
    const devices = server.changes.at(-1)?.devices ?? []
    expect([devices.length, devices.includes('kitchen')]).toEqual([liveLimits.devicesMax + 1, true])
  })

  it('L-TAB-11 a tab that is behind a new leader reads everything anew', async () => {
    const { server, open } = browse()
    const [first, second, third] = [await open(), await open(), await open()]
    server.newest.hello('e-0')
    await read(server, 1)
    third.deafen(true)
    await read(server, 2)
    third.deafen(false)
    first.client.stop()
    await tick()
    server.newest.hello('e-2')
    await read(server, 3)
    expect([second.seen, third.seen]).toEqual([
      [1, 2, 3],
      [1, 'resync', 3],
    ])
  })

  it('L-TAB-12 a tab that lost the first word of a new leader asks for it at the next one', async () => {
    const { server, open } = browse()
    const [first, second, third] = [await open(), await open(), await open()]
    server.newest.hello('e-0')
    await read(server, 1)
    third.deafen(true)
    first.client.stop()
    await tick()
    server.newest.hello('e-1')
    await tick()
    third.deafen(false)
    await read(server, 2)
    await read(server, 3)
    expect([second.seen, third.seen]).toEqual([
      [1, 2, 3],
      [1, 'resync', 3],
    ])
  })
})
