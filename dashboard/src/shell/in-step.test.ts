import { QueryClient, QueryObserver } from '@tanstack/react-query'
import type { Device, Latest, LiveEvent } from '@telltale/api/contract'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { LiveClient } from '../live/client.ts'
import { alone, FarServer } from '../live/far-end.ts'
import { keepInStep } from './in-step.ts'

type Answer = { items: Latest[] }

const tick = (ms = 0) => vi.advanceTimersByTimeAsync(ms)
const page = { hidden: false }

/** One tile on the screen, whose requests are answered by hand. */
function show() {
  const server = new FarServer()
  const live = new LiveClient({ server, surroundings: alone(), onDoubt: () => {}, random: () => 0.5 })
  live.start('anna')
  const queryClient = new QueryClient({ defaultOptions: { queries: { retry: false, staleTime: 60_000 } } })
  const stop = keepInStep(live, queryClient)
  const asked: ((answer: Answer) => void)[] = []
  const tile = new QueryObserver<Answer>(queryClient, {
    queryKey: ['latest', ['kitchen']],
    queryFn: () => new Promise((resolve) => asked.push(resolve)),
  })
  const forget = tile.subscribe(() => {})
  live.watch(['kitchen'])
  const value = () => tile.getCurrentResult().data?.items[0]?.values.temperature?.value
  stops.push(
    stop,
    forget,
    () => live.stop(),
    () => queryClient.clear(),
  )
  return { server, live, queryClient, asked, value }
}

function latest(value: number, time: number): Answer {
  return { items: [{ deviceId: 'kitchen', values: { temperature: { value, time } } }] }
}

function reading(value: number, time: number): Extract<LiveEvent, { type: 'reading' }>['data'] {
  return { deviceId: 'kitchen', time, values: { temperature: value } }
}

const stops: (() => void)[] = []

beforeEach(() => {
  vi.useFakeTimers({ now: 1_000_000 })
  vi.stubGlobal('document', page)
  page.hidden = false
})
afterEach(() => {
  for (const stop of stops.splice(0)) stop()
  vi.unstubAllGlobals()
  vi.useRealTimers()
})

describe('keepInStep', () => {
  it('L-STEP-1 an answer from before its device was watched is asked for again', async () => {
    const { server, asked, value } = show()
    asked[0]?.(latest(1, 1))
    await tick()
    server.newest.hello('1')
    await tick()
    server.changes[0]?.answer('changed')
    await tick(1)
    asked[1]?.(latest(2, 2))
    await tick()
    expect(value()).toBe(2)
    expect(asked).toHaveLength(2)
  })

  it('L-STEP-2 so is a first one that was on its way', async () => {
    const { server, asked, value } = show()
    server.newest.hello('1')
    await tick()
    server.changes[0]?.answer('changed')
    await tick(1)
    asked[0]?.(latest(1, 1))
    await tick(1)
    asked[1]?.(latest(2, 2))
    await tick()
    expect(value()).toBe(2)
  })

  it('L-STEP-3 an answer that was read before an event does not undo it', async () => {
    const { server, asked, value } = show()
    server.newest.hello('1')
    await tick()
    server.changes[0]?.answer('changed')
    await tick(1)
    server.newest.send('reading', reading(3, 3), '2')
    await tick(300)
    asked[0]?.(latest(2, 2))
    await tick(1)
    asked[1]?.(latest(2, 2))
    await tick(300)
    expect(value()).toBe(3)
  })

  it('L-STEP-4 a page that nobody sees is not redrawn, and is up to date when it is looked at', async () => {
    const { server, asked, value } = show()
    server.newest.hello('1')
    await tick()
    server.changes[0]?.answer('changed')
    asked[0]?.(latest(1, 1))
    await tick(1)
    asked[1]?.(latest(1, 1))
    page.hidden = true
    server.newest.send('reading', reading(2, 2), '2')
    await tick(5_000)
    expect(value()).toBe(1)
    page.hidden = false
    await tick(300)
    expect(value()).toBe(2)
  })

  it('L-STEP-5 after a resync everything shown is asked for again', async () => {
    const { server, asked, value } = show()
    server.newest.hello('1')
    await tick()
    server.changes[0]?.answer('changed')
    asked[0]?.(latest(1, 1))
    await tick(1)
    asked[1]?.(latest(1, 1))
    await tick(1)
    server.newest.send('resync', { reason: 'the event id is too old' }, '9')
    await tick()
    asked[2]?.(latest(9, 9))
    await tick()
    expect(value()).toBe(9)
  })

  it.each([
    { case: 'an older answer', answered: 5, shown: 'online' },
    { case: 'a newer answer', answered: 50, shown: 'offline' },
  ])('L-STEP-6 presence: of an event and $case the newer one stays', async ({ answered, shown }) => {
    const { server, queryClient } = show()
    server.newest.hello('1')
    await tick(1)
    const answers: ((device: unknown) => void)[] = []
    const header = new QueryObserver<{ presence: { status: string } }>(queryClient, {
      queryKey: ['devices', 'one', 'kitchen'],
      queryFn: () => new Promise((resolve) => answers.push(resolve as (device: unknown) => void)),
    })
    stops.unshift(header.subscribe(() => {}))
    const online = { deviceId: 'kitchen', status: 'online', since: 10, reason: '' }
    server.newest.send('presence', online, '2')
    await tick(300)
    answers[0]?.({ id: 'kitchen', presence: { status: 'offline', since: answered } })
    await tick(300)
    expect(header.getCurrentResult().data?.presence.status).toBe(shown)
  })

  it('L-STEP-10 what was heard while nobody looked was seen then, not when it is drawn', async () => {
    const { server, queryClient } = show()
    server.newest.hello('1')
    await tick(1)
    const seenAt = () => queryClient.getQueryData<Device>(['devices', 'one', 'kitchen'])?.presence.seenAt
    queryClient.setQueryData(['devices', 'one', 'kitchen'], {
      ...{ id: 'kitchen', presence: { status: 'online', seenAt: 1 } },
    })
    page.hidden = true
    const heardAt = Date.now()
    server.newest.send('reading', reading(2, heardAt), '2')
    await tick(30_000)
    page.hidden = false
    await tick(300)
    expect(Math.abs((seenAt() ?? 0) - heardAt)).toBeLessThan(1_000)
  })

  it('L-STEP-10 what is replayed after a break was seen at its own time', async () => {
    const { server, live, queryClient } = show()
    server.newest.hello('1')
    await tick(1)
    queryClient.setQueryData(['devices', 'one', 'kitchen'], {
      ...{ id: 'kitchen', presence: { status: 'online', seenAt: 1 } },
    })
    server.newest.send('error', null)
    await tick(1_000)
    server.newest.hello('2')
    server.newest.send('reading', reading(2, 990_000), '3')
    await tick(300)
    expect(live.getState().phase).toBe('catching-up')
    expect(queryClient.getQueryData<Device>(['devices', 'one', 'kitchen'])?.presence.seenAt).toBe(990_000)
  })

  it('L-RAW-5 a resync does not ask for the raw tail again', async () => {
    const { server, queryClient } = show()
    server.newest.hello('1')
    await tick()
    const asked = { raw: 0, readings: 0 }
    for (const kind of ['raw', 'readings'] as const) {
      const observer = new QueryObserver(queryClient, {
        queryKey: [kind, 'kitchen'],
        queryFn: () => {
          asked[kind] += 1
          return Promise.resolve(asked[kind])
        },
      })
      stops.unshift(observer.subscribe(() => {}))
    }
    await tick(1)
    server.newest.send('resync', { reason: 'the event id is too old' }, '9')
    await tick(1)
    expect(asked).toEqual({ raw: 1, readings: 2 })
  })
})
