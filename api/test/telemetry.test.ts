import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { niceBucketMs, parseInstant } from '../src/telemetry/time.ts'
import { addDevice, bearer, call, startApi, store, type TestApi } from './harness.ts'

let api: TestApi
let headers: { authorization: string }
/** On the minute, in a partition that exists. */
const start = Math.floor(Date.now() / 60_000) * 60_000 - 3_600_000
const temperature: [number, number][] = Array.from({ length: 600 }, (_, i) => [
  start + i * 1_700,
  Math.sin(i) * 20,
])

beforeAll(async () => {
  api = await startApi()
  headers = await bearer(api, 'viewer')
  await addDevice(api, 'kitchen')
  await store(api, 'kitchen', { metric: 'temperature', points: temperature })
  await store(api, 'kitchen', {
    metric: 'ok',
    points: [
      [start, true],
      [start + 90_000, false],
    ],
  })
  const door = ['shut', 'shut', 'open', 'open', 'shut'].map((value, i): [number, string] => [
    start + i * 1_000,
    value,
  ])
  await store(api, 'kitchen', { metric: 'door', points: door })
})
afterAll(() => api.stop())

const range = `from=${start}&to=${start + 3_600_000}`
const get = (query: string, more = {}) =>
  call(api, `GET /devices/kitchen/readings?${query}`, { headers: { ...headers, ...more } })

it('T-READ-1 raw gives every reading on its own axis, booleans as booleans, text as changes', async () => {
  const { body } = await get(`${range}&bucket=raw&maxPoints=10000`)
  expect(body).toMatchObject({ source: 'raw', bucketMs: null, truncated: false, t: [] })
  const { series } = body
  expect(series.temperature).toEqual({
    kind: 'number',
    t: temperature.map(([t]) => t),
    value: temperature.map(([, value]) => value),
    gaps: [],
  })
  expect(series.ok).toEqual({ kind: 'boolean', t: [start, start + 90_000], value: [true, false], gaps: [] })
  const changes = {
    kind: 'string',
    t: [start, start + 2_000, start + 4_000],
    value: ['shut', 'open', 'shut'],
    gaps: [],
  }
  expect(series.door).toEqual(changes)
})

it.each([
  ['10s', 10_000, 'raw'],
  ['1m', 60_000, '1m'],
  ['7m', 420_000, '1m'],
  ['2h', 7_200_000, '1h'],
])('T-BUCKET-1 buckets of %s equal what one computes by hand', async (bucket, width, source) => {
  const { body } = await get(`${range}&bucket=${bucket}&maxPoints=10000&metrics=temperature`)
  const byBucket = new Map<number, number[]>()
  for (const [t, value] of temperature) {
    const key = Math.floor(t / width) * width
    byBucket.set(key, [...(byBucket.get(key) ?? []), value])
  }
  expect(body.bucketMs).toBe(width)
  expect(body.source).toBe(source)
  expect(body.t).toEqual([...byBucket.keys()])
  const { avg, min, max, last, count } = body.series.temperature
  const values = [...byBucket.values()]
  expect(count).toEqual(values.map((all) => all.length))
  expect(min).toEqual(values.map((all) => Math.min(...all)))
  expect(max).toEqual(values.map((all) => Math.max(...all)))
  expect(last).toEqual(values.map((all) => all.at(-1)))
  for (const [i, all] of values.entries())
    expect(avg[i]).toBeCloseTo(all.reduce((sum, value) => sum + value, 0) / all.length, 9)
})

it('T-AUTO-1 auto is raw while it fits, else the narrowest nice width that fits', async () => {
  expect((await get(`${range}&maxPoints=600`)).body).toMatchObject({ bucketMs: null, source: 'raw' })
  const { body } = await get(`${range}&maxPoints=500`)
  expect([body.bucketMs, body.source]).toEqual([10_000, 'raw'])
  expect(body.t.length).toBeLessThanOrEqual(500)
})

it('T-LIMIT-1 the newest points are kept, and it is said that some were cut', async () => {
  const raw = (await get(`${range}&bucket=raw&maxPoints=10`)).body
  expect(raw.truncated).toBe(true)
  expect(raw.series.temperature.t).toEqual(temperature.slice(-10).map(([t]) => t))
  const buckets = (await get(`${range}&bucket=10s&maxPoints=10&metrics=temperature`)).body
  expect([buckets.truncated, buckets.t.length]).toEqual([true, 10])
  expect(buckets.t.at(-1)).toBe(Math.floor((temperature.at(-1)?.[0] ?? 0) / 10_000) * 10_000)
})

it('T-RANGE-1 ranges are half-open', async () => {
  const [first, second] = [temperature[0]?.[0] ?? 0, temperature[1]?.[0] ?? 0]
  const { body } = await get(`from=${first}&to=${second}&bucket=raw&metrics=temperature`)
  expect(body.series.temperature.t).toEqual([first])
})

it.each([
  ['from=now&to=now-1m', 'query/from'],
  ['from=yesterday', 'query/from'],
  ['from=now-5y', 'query/from'],
  ['to=2026-13-01T00:00:00Z', 'query/to'],
  ['from=2000-01-01T00:00:00Z', 'query/from'],
  ['bucket=5w', 'query/bucket'],
  ['bucket=0s', 'query/bucket'],
  ['from=99999999999999999', 'query/from'],
  ['from=-1', 'query/from'],
])('T-RANGE-2 %s is refused with a sentence', async (query, path) => {
  const { status, body } = await get(query)
  expect([status, body.code, body.errors[0].path]).toEqual([422, 'invalid_range', path])
  expect(body.errors[0].message.length).toBeGreaterThan(10)
})

it('T-RANGE-3 a device without readings and one that is not there differ', async () => {
  await addDevice(api, 'empty')
  const { body } = await call(api, 'GET /devices/empty/readings', { headers })
  expect(body).toMatchObject({ series: {}, t: [], truncated: false })
  expect((await call(api, 'GET /devices/none/readings', { headers })).body.code).toBe('device_not_found')
})

it('T-HUGE-1 the largest and smallest doubles do not break a chart', async () => {
  await addDevice(api, 'extreme')
  const values = [1.7e308, 1.7e308, 1.7e308, 5e-324, -1.7e308]
  await store(api, 'extreme', { metric: 'v', points: values.map((value, i) => [start + i * 1_000, value]) })
  const { status, body } = await call(api, `GET /devices/extreme/readings?${range}&bucket=1m`, { headers })
  expect(status).toBe(200)
  expect(body.series.v.max).toEqual([1.7e308])
  expect(body.series.v.avg[0] / 6.8e307).toBeCloseTo(1, 9)
})

it('S-METRIC-1 a metric called __proto__ is one like any other', async () => {
  await addDevice(api, 'hostile')
  for (const metric of ['__proto__', 'constructor', "'; DROP TABLE reading; --"])
    await store(api, 'hostile', { metric, points: [[start, 1]] })
  const read = await fetch(api.url(`/devices/hostile/readings?${range}&bucket=raw`), { headers })
  expect(await read.text()).toContain('"__proto__":{"kind":"number"')
  const latest = await fetch(api.url('/devices/hostile/latest'), { headers })
  expect(await latest.text()).toContain('"__proto__":{"value":1')
  expect(({} as { kind?: unknown }).kind).toBeUndefined()
})

describe('a metric that changed its type', () => {
  beforeAll(async () => {
    await addDevice(api, 'changed')
    const points = (list: [number, number | boolean | string][]) => list
    await store(api, 'changed', { metric: 'first-number', points: points([[start, 1]]) })
    await store(api, 'changed', { metric: 'first-number', points: points([[start + 1, 'a']]) })
    await store(api, 'changed', { metric: 'first-number', points: points([[start + 2, 2]]) })
    await store(api, 'changed', { metric: 'first-number', points: points([[start + 3, 'a']]) })
    await store(api, 'changed', { metric: 'first-text', points: points([[start, 'x']]) })
    await store(api, 'changed', { metric: 'first-text', points: points([[start + 90_000, 7]]) })
    await store(api, 'changed', { metric: 'first-boolean', points: points([[start, true]]) })
    await store(api, 'changed', { metric: 'first-boolean', points: points([[start + 1, 'off']]) })
  })
  const read = (query: string) => call(api, `GET /devices/changed/readings?${query}`, { headers })

  it('T-MIXED-1 has both kinds of values in raw answers, in order of time', async () => {
    const { series } = (await read(`${range}&bucket=raw`)).body
    const t = [start, start + 1, start + 2, start + 3]
    expect(series['first-number']).toMatchObject({ kind: 'number', t, value: [1, 'a', 2, 'a'] })
    expect(series['first-text']).toMatchObject({
      kind: 'string',
      t: [start, start + 90_000],
      value: ['x', 7],
    })
    expect(series['first-boolean']).toMatchObject({
      kind: 'boolean',
      t: [start, start + 1],
      value: [true, 'off'],
    })
  })

  it('T-MIXED-2 has its numbers in buckets, and its text where there are none', async () => {
    const { body } = await read(`${range}&bucket=1m`)
    expect(body.series['first-number']).toMatchObject({ kind: 'number', max: [2, null] })
    expect(body.series['first-text']).toMatchObject({ kind: 'number', count: [0, 1] })
    const early = (await read(`from=${start}&to=${start + 60_000}&bucket=1m&metrics=first-text`)).body
    expect(early.series['first-text']).toEqual({ kind: 'string', t: [start], value: ['x'], gaps: [] })
  })

  it('T-MIXED-3 has the newest of either kind as its latest value, and everything in exports', async () => {
    const { body } = await call(api, 'GET /devices/changed/latest', { headers })
    expect(body.values).toEqual({
      'first-number': { value: 'a', time: start + 3 },
      'first-text': { value: 7, time: start + 90_000 },
      'first-boolean': { value: 'off', time: start + 1 },
    })
    const answer = await fetch(api.url(`/devices/changed/readings?${range}&metrics=first-number`), {
      headers: { ...headers, accept: 'application/x-ndjson' },
    })
    const lines = (await answer.text()).trimEnd().split('\n')
    expect(lines.map((line) => JSON.parse(line).value)).toEqual([1, 'a', 2, 'a'])
  })

  it('T-MIXED-4 cuts the oldest of both kinds together', async () => {
    await addDevice(api, 'cut')
    const numbers = Array.from({ length: 20 }, (_, i): [number, number] => [start + 2 * i, i])
    const texts = numbers.map(([t, i]): [number, string] => [t + 1, `t${i}`])
    await store(api, 'cut', { metric: 'm', points: numbers })
    await store(api, 'cut', { metric: 'm', points: texts })
    const { body } = await call(api, `GET /devices/cut/readings?${range}&bucket=raw&maxPoints=10`, {
      headers,
    })
    expect(body.truncated).toBe(true)
    expect(body.series.m.value).toEqual([15, 't15', 16, 't16', 17, 't17', 18, 't18', 19, 't19'])
  })
})

it('T-TIME-1 instants are RFC 3339, epoch milliseconds or relative', () => {
  const now = Date.UTC(2026, 0, 1)
  const cases: [string, number][] = [
    ['now', now],
    ['now-15m', now - 900_000],
    ['now+1d', now + 86_400_000],
    ['1764000000000', 1_764_000_000_000],
    ['2026-01-01T01:00:00+01:00', now],
    ['2026-01-01T00:00:00.250Z', now + 250],
  ]
  for (const [text, expected] of cases) expect(parseInstant('x', text, now)).toBe(expected)
})

it('T-BUCKET-2 the automatic width never gives more buckets than asked for', () => {
  const year = 365 * 86_400_000
  for (const length of [1_000, 15 * 60_000, 86_400_000, year, 10 * year])
    for (const max of [1, 10, 500, 10_000]) {
      const to = 1_764_000_012_345
      const width = niceBucketMs({ from: to - length, to }, max)
      expect(Math.floor((to - 1) / width) - Math.floor((to - length) / width) + 1).toBeLessThanOrEqual(max)
    }
})
