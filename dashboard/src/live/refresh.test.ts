import { QueryClient, QueryObserver } from '@tanstack/react-query'
import type { Readings } from '@telltale/api/contract'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { keepInStep } from '../shell/in-step.ts'
import { history } from '../telemetry/history.ts'
import { LiveClient } from './client.ts'
import { alone, FarServer } from './far-end.ts'
import { keepAsking, queryDefaults } from './refresh.ts'

const tick = (ms = 0) => vi.advanceTimersByTimeAsync(ms)
/** Longer than the two repetitions of a request take. */
const givenUpMs = 4_000

/** One chart on the screen, at a server that answers, refuses or says nothing. */
async function show() {
  const server = new FarServer()
  const live = new LiveClient({ server, surroundings: alone(), onDoubt: () => {}, random: () => 0.5 })
  const queryClient = new QueryClient({ defaultOptions: { queries: queryDefaults } })
  const far: { status: number; asked: number } = { status: 200, asked: 0 }
  vi.stubGlobal('fetch', () => {
    far.asked += 1
    return far.status === 0 ? new Promise(() => {}) : Promise.resolve(answer(far.status, far.asked))
  })
  const open = () => {
    const range = { kind: 'live', windowMs: 900_000 } as const
    const chart = new QueryObserver(queryClient, history(live, { deviceId: 'kitchen', range }))
    stops.push(chart.subscribe(() => {}))
    return () => chart.getCurrentResult().data?.to
  }
  const hello = async (id: string) => {
    server.newest.hello(id)
    await tick(1_000)
  }
  stops.push(
    keepInStep(live, queryClient),
    keepAsking(live, queryClient),
    () => live.stop(),
    () => queryClient.clear(),
  )
  live.watch(['kitchen'])
  live.start('anna')
  await hello('1')
  return { server, far, open, hello }
}

/** Its `to` is the number of the request. */
function answer(status: number, to: number): Response {
  const readings: Readings = {
    deviceId: 'kitchen',
    from: 0,
    to,
    bucketMs: null,
    source: 'raw',
    truncated: false,
    t: [],
    series: {},
  }
  return Response.json(readings, { status })
}

const stops: (() => void)[] = []

beforeEach(() => {
  vi.useFakeTimers({ now: 1_000_000 })
  vi.stubGlobal('document', { hidden: false, visibilityState: 'visible' })
})
afterEach(() => {
  for (const stop of stops.splice(0)) stop()
  vi.unstubAllGlobals()
  vi.useRealTimers()
})

describe('keepAsking', () => {
  it('L-STEP-7 what could not be refreshed after a resync is asked for until it is', async () => {
    const { server, far, open } = await show()
    const shown = open()
    await tick(1_000)
    far.status = 503
    server.newest.send('resync', { reason: 'the server is new' }, '2')
    await tick(60_000)
    const refused = far.asked
    far.status = 200
    await tick(givenUpMs)
    expect([shown(), far.asked]).toEqual([refused + 1, refused + 1])
    // Three of them at once, then a pause: about as often as the line is tried.
    expect(refused).toBeGreaterThan(15)
    expect(refused).toBeLessThan(60)
  })

  it.each([
    { case: 'nobody shows any more', status: 503, hide: true },
    { case: 'was refused', status: 404, hide: false },
  ])('L-STEP-8 what $case is not asked for again', async ({ status, hide }) => {
    const { server, far, open } = await show()
    open()
    await tick(1_000)
    far.status = status
    server.newest.send('resync', { reason: 'the server is new' }, '2')
    await tick(givenUpMs)
    if (hide) stops.pop()?.()
    const asked = far.asked
    expect(asked).toBeGreaterThan(1)
    await tick(60_000)
    expect(far.asked).toBe(asked)
  })

  it.each([
    { case: 'a first answer that failed', before: [503] },
    { case: 'one that hangs on a dead connection', before: [200, 0] },
  ])('L-STEP-9 when the line is back, $case is asked for again', async ({ before }) => {
    const { server, far, open, hello } = await show()
    far.status = before[0] ?? 0
    const shown = open()
    await tick(givenUpMs)
    far.status = before.at(-1) ?? 0
    if (far.status === 0) server.newest.send('resync', { reason: 'the server is new' }, '2')
    await tick()
    server.newest.send('error', null)
    await tick(1_000)
    far.status = 200
    const asked = far.asked
    await hello('3')
    expect(shown()).toBe(asked + 1)
  })
})
