import { QueryClient } from '@tanstack/react-query'
import { afterEach, expect, it, vi } from 'vitest'
import type { TimeRange } from '../charts/time-range.ts'
import { history } from './history.ts'

const asked: URL[] = []
const answers: Response[] = []
const live = { whenWatched: () => Promise.resolve(), isWatched: () => true, serverNow: () => 10_000_000 }

/** What the page asks the API for; the far end is all that is not real. */
async function ask(range: TimeRange, metrics?: readonly string[]): Promise<URLSearchParams[]> {
  vi.stubGlobal('fetch', (path: string) => {
    asked.push(new URL(path, 'http://far'))
    return Promise.resolve(answers.shift() ?? Response.json({ series: {} }))
  })
  const queryClient = new QueryClient({ defaultOptions: { queries: { retry: false } } })
  await queryClient.fetchQuery(history(live as never, { deviceId: 'bay', range, metrics }))
  queryClient.clear()
  return asked.splice(0).map(({ searchParams }) => searchParams)
}

afterEach(() => vi.unstubAllGlobals())

it('L-SOURCE-6 a live window is asked for with what devices ahead of the clock have sent', async () => {
  const [query] = await ask({ kind: 'live', windowMs: 900_000 })
  expect([query?.get('from'), query?.get('to'), query?.get('metrics')]).toEqual(['now-15m', 'now+5m', null])
  // As many points for the window alone as without them.
  expect(Number(query?.get('maxPoints'))).toBe(667)
  const [narrow] = await ask({ kind: 'live', windowMs: 1_000 })
  expect(Number(narrow?.get('maxPoints'))).toBe(10_000)
})

it('L-SOURCE-7 a part is asked for by itself, so that its history is finer', async () => {
  const [query] = await ask({ kind: 'fixed', from: 1_000, to: 61_000 }, ['a,b', 'c'])
  expect([query?.get('from'), query?.get('to'), query?.get('maxPoints')]).toEqual(['1000', '61000', '500'])
  expect(query?.get('metrics')).toBe('a\\,b,c')
})

it('L-SOURCE-8 a metric that was never sent keeps no other from being shown', async () => {
  const problem = {
    code: 'unknown_metric',
    title: 'Unknown metric',
    status: 400,
    type: 'about:blank',
    requestId: '',
  }
  answers.push(
    Response.json(problem, { status: 400, headers: { 'content-type': 'application/problem+json' } }),
  )
  const queries = await ask({ kind: 'live', windowMs: 900_000 }, ['never', 'temperature'])
  expect(queries.map((query) => query.get('metrics'))).toEqual(['never,temperature', null])
})
