import type { LiveEvent } from '@telltale/api/contract'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { backoffMs } from './backoff.ts'
import { LiveClient } from './client.ts'
import { alone, FarServer } from './far-end.ts'
import { liveLimits } from './limits.ts'
import { readWatched } from './snapshot.ts'

function connect() {
  const server = new FarServer()
  const onDoubt = vi.fn()
  const client = new LiveClient({ server, surroundings: alone(), onDoubt, random: () => 0.5 })
  const seen: LiveEvent['type'][] = []
  client.subscribe((event) => seen.push(event.type))
  client.start('anna')
  return { client, server, seen, onDoubt }
}

const totals = { time: 1, messagesPerSecond: 1, connections: 1 }
const tick = (ms = 0) => vi.advanceTimersByTimeAsync(ms)

beforeEach(() => {
  vi.useFakeTimers({ now: 1_000_000 })
})
afterEach(() => {
  vi.useRealTimers()
})

describe('reconnecting', () => {
  it('L-BACK-1 is live from the first event and measures time on the server clock', () => {
    const { client, server } = connect()
    server.newest.send('hello', { stream: 'a', serverTime: 1_060_000 }, '1')
    expect(client.getState()).toMatchObject({ phase: 'live', via: 'stream' })
    expect(client.serverNow()).toBe(1_060_000)
  })

  it('L-BACK-2 counts down, comes back from the last id, and says it is catching up', async () => {
    const { client, server, onDoubt } = connect()
    server.newest.hello('7')
    server.newest.send('error', null)
    expect(onDoubt).toHaveBeenCalledOnce()
    expect(client.getState()).toMatchObject({ phase: 'reconnecting', retryAt: 1_001_000 })
    await tick(1_000)
    expect(server.newest.query.get('lastEventId')).toBe('7')
    server.newest.hello('8')
    expect(client.getState().phase).toBe('catching-up')
    await tick(800)
    expect(client.getState().phase).toBe('live')
  })

  it('L-BACK-3 gives a stream up when no ping came for 40 s', async () => {
    const { client, server } = connect()
    server.newest.hello('1')
    await tick(39_000)
    expect(client.getState().phase).toBe('live')
    await tick(1_500)
    expect(client.getState().phase).toBe('reconnecting')
  })

  it('L-BACK-4 is offline after three failed attempts, and a press tries at once', async () => {
    const { client, server } = connect()
    for (let attempt = 0; attempt < 4; attempt += 1) {
      server.newest.send('error', null)
      server.polls.at(-1)?.answer({ kind: 'unreachable' })
      await tick()
      if (attempt < 3) client.tryNow()
    }
    expect(client.getState().phase).toBe('offline')
    const before = server.streams.length
    client.tryNow()
    expect(server.streams).toHaveLength(before + 1)
  })

  it('L-BACK-5 waits double as long each time, up to a limit, and spread', () => {
    expect([1, 2, 3, 9].map((failures) => backoffMs(failures, 0.5))).toEqual([1_000, 2_000, 3_000, 3_000])
    expect([backoffMs(1, 0), backoffMs(1, 1)]).toEqual([700, 1_300])
  })

  it('L-BACK-6 does not trust a line that has been quiet when the network comes back', async () => {
    const { client, server } = connect()
    server.newest.hello('1')
    client.tryNow()
    expect(server.streams).toHaveLength(1)
    await tick(liveLimits.doubtMs + 1)
    client.tryNow()
    expect(server.streams).toHaveLength(2)
    expect(server.newest.query.get('lastEventId')).toBe('1')
  })
})

describe('falling back', () => {
  it('L-FALLBACK-1 a stream that delivers nothing is replaced by polling from the same id', async () => {
    const { client, server, seen } = connect()
    server.newest.hello('41')
    server.newest.send('error', null)
    await tick(1_000)
    await tick(liveLimits.helloMaxMs)
    expect(server.newest.closed).toBe(true)
    expect(server.polls.at(-1)).toMatchObject({ devices: ['*'], cursor: '41', waitS: 0 })
    server.polls.at(-1)?.answer({
      kind: 'answer',
      events: [{ id: '42', event: { type: 'resync', data: { reason: '' } } }],
      cursor: '42',
      serverTime: null,
    })
    await tick(liveLimits.pollPaceMs)
    expect(client.getState()).toMatchObject({ phase: 'catching-up', via: 'poll' })
    expect(seen).toContain('resync')
    expect(server.polls.at(-1)).toMatchObject({ cursor: '42', waitS: 25 })
  })

  it('L-FALLBACK-2 while polling the stream is tried again, and taken when it says hello', async () => {
    const { client, server } = connect()
    await poll(server, '5')
    expect(client.getState()).toMatchObject({ phase: 'live', via: 'poll' })
    await tick(liveLimits.trialBaseMs)
    expect(server.newest.query.get('lastEventId')).toBe(null)
    await tick(liveLimits.helloMaxMs)
    expect(server.newest.closed).toBe(true)
    await tick(2 * liveLimits.trialBaseMs)
    const trial = server.newest
    trial.hello('9')
    expect([trial.closed, server.polls.at(-1)?.aborted()]).toEqual([true, true])
    expect(server.newest.query.get('lastEventId')).toBe('5')
    server.newest.hello('5')
    expect(client.getState()).toMatchObject({ phase: 'live', via: 'stream' })
  })

  it('L-FALLBACK-3 a new list of devices goes with the next poll, at once', async () => {
    const { client, server } = connect()
    await poll(server, '5')
    await tick(liveLimits.pollPaceMs)
    const waiting = server.polls.at(-1)
    client.watch(['kitchen'])
    await tick(liveLimits.pollPaceMs)
    expect(waiting?.aborted()).toBe(true)
    expect(server.polls.at(-1)).toMatchObject({ devices: ['*', 'kitchen'], cursor: '5', waitS: 0 })
    expect(client.isWatched(['kitchen'])).toBe(false)
    await answer(server, '5')
    expect(client.isWatched(['kitchen'])).toBe(true)
  })

  it('L-FALLBACK-4 too many streams: waits as long as the server says, and says why', async () => {
    const { client, server } = connect()
    server.newest.send('error', null)
    server.polls.at(-1)?.answer({ kind: 'too-many', retryAfterMs: 5_000 })
    await tick()
    expect(client.getState()).toMatchObject({ phase: 'reconnecting', tooMany: true, retryAt: 1_005_000 })
    await tick(5_000)
    server.newest.hello('1')
    expect(client.getState()).toMatchObject({ phase: 'catching-up', tooMany: false })
  })

  it('L-FALLBACK-5 a signed-out browser asks who it is instead of polling', async () => {
    const { server, onDoubt } = connect()
    server.newest.send('error', null)
    server.polls.at(-1)?.answer({ kind: 'signed-out' })
    await tick()
    expect(onDoubt).toHaveBeenCalled()
  })

  it('L-FALLBACK-6 a deleted device is left out, and the others stay live', async () => {
    const { client, server } = connect()
    client.watch(['cellar', 'kitchen'])
    server.newest.hello('1')
    await tick()
    server.missing = ['cellar']
    server.changes.at(-1)?.answer('unknown-device')
    await tick()
    expect(server.newest.query.get('devices')).toBe('*,kitchen')
    server.newest.hello('2')
    expect([client.isWatched(['kitchen']), client.isWatched(['cellar'])]).toEqual([true, false])
  })
})

describe('watching', () => {
  it('L-WATCH-1 another list of devices changes the stream and opens none', async () => {
    const { client, server } = connect()
    server.newest.hello('41', 'stream-1')
    client.watch(['kitchen'])
    await tick()
    expect(server.changes).toMatchObject([{ stream: 'stream-1', devices: ['*', 'kitchen'] }])
    expect(client.isWatched(['kitchen'])).toBe(false)
    server.changes[0]?.answer('changed')
    await tick()
    expect(client.isWatched(['kitchen'])).toBe(true)
    expect(server.streams).toHaveLength(1)
  })

  it('L-WATCH-2 a stream that cannot be changed is opened anew from the last id', async () => {
    const { client, server, seen } = connect()
    server.newest.hello('41')
    client.watch(['kitchen'])
    await tick()
    server.changes[0]?.answer('failed')
    await tick()
    expect(server.streams).toHaveLength(2)
    expect(server.newest.url).toBe('/api/v1/events?devices=*%2Ckitchen&lastEventId=41')
    server.streams[0]?.send('totals', totals, '42')
    expect(seen).toEqual(['hello'])
  })

  it('L-WATCH-3 a set that is watched and released at once costs no request', async () => {
    const { client, server } = connect()
    server.newest.hello('1')
    client.watch(['kitchen'])()
    await tick(1_000)
    expect([server.streams.length, server.changes.length]).toEqual([1, 0])
  })

  it('L-WATCH-4 while rows scroll by, the first and the last list are asked for', async () => {
    const { client, server } = connect()
    server.newest.hello('1')
    await tick(1_000)
    let release = client.watch(['row-0'])
    await tick()
    server.changes[0]?.answer('changed')
    for (let row = 1; row <= 20; row += 1) {
      release()
      release = client.watch([`row-${row}`])
      await tick(50)
    }
    await tick(1_000)
    expect(server.changes.map(({ devices }) => devices[1])).toEqual(['row-0', 'row-20'])
  })

  it('L-WATCH-5 a snapshot waits for its device to be watched, and is read once', async () => {
    const { client, server } = connect()
    server.newest.hello('1')
    const read = vi.fn(() => Promise.resolve('picture'))
    const snapshot = readWatched(client, ['kitchen'], read)
    client.watch(['kitchen'])
    await tick()
    expect(read).not.toHaveBeenCalled()
    server.changes[0]?.answer('changed')
    expect(await snapshot).toBe('picture')
    expect(read).toHaveBeenCalledOnce()
  })

  it('L-WATCH-6 one that could not wait is read again when the watching began meanwhile', async () => {
    const { client, server } = connect()
    server.newest.hello('1')
    client.watch(['kitchen'])
    const answers: ((value: number) => void)[] = []
    const snapshot = readWatched(
      client,
      ['kitchen'],
      () => new Promise<number>((resolve) => answers.push(resolve)),
    )
    await tick(liveLimits.watchedWaitMs)
    expect(answers).toHaveLength(1)
    server.changes[0]?.answer('changed')
    await tick()
    answers[0]?.(1)
    await tick()
    answers[1]?.(2)
    expect(await snapshot).toBe(2)
  })
})

/** From the first stream to a poll that works. */
async function poll(server: FarServer, cursor: string): Promise<void> {
  await tick(liveLimits.helloMaxMs)
  await answer(server, cursor)
}

async function answer(server: FarServer, cursor: string): Promise<void> {
  server.polls.at(-1)?.answer({ kind: 'answer', events: [], cursor, serverTime: null })
  await tick()
}
