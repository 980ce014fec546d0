import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { backoffMs, LiveClient, type Stream } from './live.ts'

class FarEnd implements Stream {
  readonly url: string
  closed = false
  private readonly handlers = new Map<string, (event: MessageEvent) => void>()

  constructor(url: string) {
    this.url = url
  }

  addEventListener(type: string, handler: unknown): void {
    this.handlers.set(type, handler as (event: MessageEvent) => void)
  }

  close(): void {
    this.closed = true
  }

  send(type: string, data: unknown, lastEventId = ''): void {
    this.handlers.get(type)?.({ data: JSON.stringify(data), lastEventId } as MessageEvent)
  }
}

function connect() {
  const streams: FarEnd[] = []
  const onStreamLost = vi.fn()
  const client = new LiveClient({
    openStream: (url) => {
      const stream = new FarEnd(url)
      streams.push(stream)
      return stream
    },
    onStreamLost,
    random: () => 0.5,
  })
  client.start()
  const newest = () => streams.at(-1) as FarEnd
  return { client, streams, newest, onStreamLost }
}

describe('LiveClient', () => {
  beforeEach(() => {
    vi.useFakeTimers({ now: 1_000_000 })
  })
  afterEach(() => {
    vi.useRealTimers()
  })

  it('is live from the first event and measures time on the server clock', () => {
    const { client, newest } = connect()
    newest().send('hello', { stream: 'a', serverTime: 1_060_000 }, '1')
    expect(client.getState().phase).toBe('live')
    expect(client.serverNow()).toBe(1_060_000)
  })

  it('switches streams from the last id and ignores the old one from then on', () => {
    const { client, streams, newest } = connect()
    const seen: string[] = []
    client.subscribe((event) => seen.push(event.type))
    newest().send('totals', { time: 1, messagesPerSecond: 1, connections: 1 }, '41')
    client.watch(['kitchen'])
    vi.advanceTimersByTime(250)
    expect(streams).toHaveLength(2)
    expect(newest().url).toBe('/api/v1/events?devices=*%2Ckitchen&lastEventId=41')
    expect(streams[0]?.closed).toBe(true)
    streams[0]?.send('totals', {}, '42')
    expect(seen).toEqual(['totals'])
  })

  it('does not open a stream for a set that is watched and released at once', () => {
    const { client, streams } = connect()
    client.watch(['kitchen'])()
    vi.advanceTimersByTime(1_000)
    expect(streams).toHaveLength(1)
  })

  it('counts down, comes back from the last id, and says it is catching up', () => {
    const { client, newest, onStreamLost } = connect()
    newest().send('hello', { stream: 'a', serverTime: 1_000_000 }, '7')
    newest().send('error', null)
    expect(onStreamLost).toHaveBeenCalledOnce()
    expect(client.getState()).toMatchObject({ phase: 'reconnecting', retryAt: 1_001_000 })
    vi.advanceTimersByTime(1_000)
    expect(newest().url).toContain('lastEventId=7')
    newest().send('hello', { stream: 'a', serverTime: 1_001_000 }, '8')
    expect(client.getState().phase).toBe('catching-up')
    vi.advanceTimersByTime(800)
    expect(client.getState().phase).toBe('live')
  })

  it('gives a stream up when no ping came for 40 s', () => {
    const { client, newest } = connect()
    newest().send('hello', { stream: 'a', serverTime: 1_000_000 })
    vi.advanceTimersByTime(39_000)
    expect(client.getState().phase).toBe('live')
    vi.advanceTimersByTime(1_500)
    expect(client.getState().phase).toBe('reconnecting')
  })

  it('is offline after three failed attempts, and a press tries at once', () => {
    const { client, streams, newest } = connect()
    for (let attempt = 0; attempt < 4; attempt += 1) {
      newest().send('error', null)
      if (attempt < 3) client.reconnectNow()
    }
    expect(client.getState().phase).toBe('offline')
    const before = streams.length
    client.reconnectNow()
    expect(streams).toHaveLength(before + 1)
  })
})

describe('backoffMs', () => {
  it('doubles to a limit and is spread', () => {
    expect([1, 2, 3, 9].map((failures) => backoffMs(failures, 0.5))).toEqual([1_000, 2_000, 4_000, 15_000])
    expect(backoffMs(1, 0)).toBe(700)
    expect(backoffMs(1, 1)).toBe(1_300)
  })
})
