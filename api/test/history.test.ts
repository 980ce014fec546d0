import { openEngine } from '@telltale/infra/storage/engine'
import { createPool } from '@telltale/infra/storage/pool'
import { setDroppedBefore } from '@telltale/infra/storage/rollups'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { addDevice, bearer, call, startApi, store, type TestApi, until } from './harness.ts'

const MINUTE = 60_000
const HOUR = 60 * MINUTE
const DAY = 24 * HOUR

let api: TestApi
let headers: { authorization: string }
/** On a day's boundary, in partitions that exist. */
const today = Math.floor(Date.now() / DAY) * DAY

beforeAll(async () => {
  api = await startApi()
  headers = await bearer(api, 'viewer')
})
afterAll(() => api.stop())

const read = async (path: string) => call(api, `GET ${path}`, { headers })
const every = (stepMs: number, from: number, to: number): number[] =>
  Array.from({ length: Math.ceil((to - from) / stepMs) }, (_, i) => from + i * stepMs)

it('T-AUTO-2 auto takes the coarsest source that fills the points asked for, and spikes stay visible', async () => {
  await addDevice(api, 'auto')
  const from = today - 21 * DAY
  const times = every(5 * MINUTE, from, today)
  const spike = from + 10 * DAY + 5 * MINUTE
  await store(api, 'auto', { metric: 'v', points: times.map((t) => [t, t === spike ? 999 : 1]) })
  const engine = await openEngine(api.database.pool)
  while (await engine.rollUp());
  const cases: [maxPoints: number, fromMs: number, bucketMs: number | null, source: string][] = [
    [7_000, from, null, 'raw'],
    [6_000, from, 10 * MINUTE, '1m'],
    [500, from, 2 * HOUR, '1h'],
    [50, from, 12 * HOUR, '1h'],
    [25, from, DAY, '1d'],
    [10, from, 7 * DAY, '1d'],
    [10, today - 2 * HOUR, 15 * MINUTE, '1m'],
  ]
  for (const [maxPoints, fromMs, bucketMs, source] of cases) {
    const { body } = await read(
      `/devices/auto/readings?from=${fromMs}&to=${today}&maxPoints=${maxPoints}&metrics=v`,
    )
    expect([maxPoints, body.bucketMs, body.source, body.truncated]).toEqual([
      maxPoints,
      bucketMs,
      source,
      false,
    ])
    expect(body.t.length).toBeLessThanOrEqual(maxPoints)
    if (bucketMs === null || fromMs > spike) continue
    const { max, count } = body.series.v
    expect(max[body.t.indexOf(Math.floor(spike / bucketMs) * bucketMs)]).toBe(999)
    expect(count.reduce((sum: number, n: number) => sum + n, 0)).toBe(times.length)
  }
})

it('T-SEAM-1 what is rolled up and what has just come are one line', async () => {
  await addDevice(api, 'seam')
  const now = Date.now()
  const times = every(10_000, now - 3 * HOUR, now)
  await store(api, 'seam', { metric: 'v', points: times.map((t, i) => [t, i]) })
  const engine = await openEngine(api.database.pool)
  while (await engine.rollUp());
  await store(api, 'seam', { metric: 'v', points: [[now + 1, -1]] })
  for (const bucket of ['1m', '1h']) {
    const { body } = await read(
      `/devices/seam/readings?from=${now - 3 * HOUR}&to=${now + 2}&bucket=${bucket}`,
    )
    const { count, last, gaps } = body.series.v
    expect(count.reduce((sum: number, n: number) => sum + n, 0)).toBe(times.length + 1)
    expect([last.at(-1), gaps]).toEqual([-1, []])
  }
})

it('T-GAPS-1 silences of more than three usual intervals are named, in raw answers and in buckets', async () => {
  await addDevice(api, 'gaps')
  const from = today - 5 * DAY
  const times = [...every(10_000, from, from + HOUR), ...every(10_000, from + 2 * HOUR, from + 3 * HOUR)]
  const jitter = times.filter((_, i) => i % 50 !== 7)
  await store(api, 'gaps', { metric: 'v', points: jitter.map((t) => [t, 1]) })
  const range = `from=${from}&to=${from + 3 * HOUR}&metrics=v&maxPoints=10000`
  const gapsOf = async (bucket: string) =>
    (await read(`/devices/gaps/readings?${range}&bucket=${bucket}`)).body.series.v.gaps
  const lastBefore = from + HOUR - 10_000
  expect(await gapsOf('raw')).toEqual([[lastBefore, from + 2 * HOUR]])
  expect(await gapsOf('1m')).toEqual([[from + HOUR, from + 2 * HOUR]])
  expect(await gapsOf('30m')).toEqual([[from + HOUR, from + 2 * HOUR]])
  // Narrower than the usual distance, empty buckets are no silence.
  expect(await gapsOf('5s')).toEqual([[lastBefore + 5_000, from + 2 * HOUR]])
})

it('T-STATES-1 beside buckets, booleans come as the times they changed, with their gaps', async () => {
  await addDevice(api, 'states')
  const from = today - 6 * DAY
  const times = [...every(30_000, from, from + HOUR), ...every(30_000, from + 3 * HOUR, from + 4 * HOUR)]
  const isOn = (t: number) => t >= from + 20 * MINUTE && t < from + 3 * HOUR + 10 * MINUTE
  await store(api, 'states', { metric: 'pump', points: times.map((t) => [t, isOn(t)]) })
  await store(api, 'states', { metric: 'v', points: [[from, 1]] })
  const { body } = await read(`/devices/states/readings?from=${from}&to=${from + 4 * HOUR}&bucket=5m`)
  expect(body.series.pump).toEqual({
    kind: 'boolean',
    t: [from, from + 20 * MINUTE, from + 3 * HOUR + 10 * MINUTE],
    value: [false, true, false],
    gaps: [[from + HOUR, from + 3 * HOUR]],
  })
  expect([body.t, body.series.v.count]).toEqual([[from], [1]])
  const raw = (await read(`/devices/states/readings?from=${from}&to=${from + 4 * HOUR}&bucket=raw`)).body
  expect(raw.series.pump.t).toEqual(times)
  const few = `/devices/states/readings?from=${from}&to=${from + 4 * HOUR}&bucket=30s&maxPoints=10&metrics=pump`
  const cut = (await read(few)).body
  expect(cut.truncated).toBe(true)
  expect(cut.series.pump).toMatchObject({ t: [times.at(-10)], value: [false] })
})

it('T-STATES-2 a boolean with too many readings comes as buckets: the mean is the share of time it was true', async () => {
  await addDevice(api, 'busy')
  const from = today - 2 * DAY
  await api.database.pool.query(
    `INSERT INTO series (device_id, metric, kind) SELECT 'busy', 'b' || n, 'boolean' FROM generate_series(1, 999) n`,
  )
  const times = every(1_000, from, from + 40 * MINUTE)
  await store(api, 'busy', { metric: 'many', points: times.map((t, i) => [t, i % 4 === 0]) })
  await store(api, 'busy', { metric: 'b1', points: [[from, true]] })
  const { body } = await read(`/devices/busy/readings?from=${from}&to=${from + HOUR}&bucket=1m`)
  expect(body.series.many).toMatchObject({ kind: 'boolean', count: new Array(40).fill(60) })
  expect(body.series.many.avg[0]).toBeCloseTo(0.25, 9)
  expect(body.series.b1).toMatchObject({ t: [from], value: [true] })
})

it('T-STATES-3 of texts with too many readings the newest are looked at, and the answer says so', async () => {
  await addDevice(api, 'wordy')
  const from = today - 3 * DAY
  await api.database.pool.query(
    `INSERT INTO series (device_id, metric, kind) SELECT 'wordy', 't' || n, 'string' FROM generate_series(1, 999) n`,
  )
  const times = every(1_000, from, from + 40 * MINUTE)
  await store(api, 'wordy', { metric: 'many', points: times.map((t, i) => [t, i < 100 ? 'old' : 'new']) })
  const path = `/devices/wordy/readings?from=${from}&to=${from + HOUR}`
  const { body } = await read(path)
  expect(body.truncated).toBe(true)
  expect(body.series.many).toMatchObject({ t: [times.at(-2_000)], value: ['new'] })
  const alone = (await read(`${path}&metrics=many`)).body
  expect([alone.truncated, alone.series.many.value]).toEqual([false, ['old', 'new']])
})

it('T-DROPPED-2 auto shows from rollups what retention has dropped', async () => {
  await addDevice(api, 'dropped')
  const from = today - 15 * DAY
  const times = every(HOUR, from, from + 4 * DAY)
  await store(api, 'dropped', { metric: 'v', points: times.map((t, i) => [t, i]) })
  await store(api, 'dropped', { metric: 'on', points: times.map((t) => [t, true]) })
  const { pool } = api.database
  const engine = await openEngine(pool)
  while (await engine.rollUp());
  const series = `(SELECT id FROM series WHERE device_id = 'dropped')`
  await pool.query(`DELETE FROM reading WHERE series_id IN ${series} AND time < $1`, [
    new Date(from + 2 * DAY),
  ])
  await setDroppedBefore(pool, from + 2 * DAY)
  const whole = (await read(`/devices/dropped/readings?from=${from}&to=${today}&maxPoints=500`)).body
  expect([whole.source, whole.series.v.count.length, whole.series.on.kind]).toEqual(['1h', 96, 'boolean'])
  expect(whole.series.on.avg).toEqual(new Array(96).fill(1))
  const hour = (await read(`/devices/dropped/readings?from=${from}&to=${from + 30 * MINUTE}`)).body
  expect([hour.bucketMs, hour.series.v.last]).toEqual([MINUTE, [0]])
  // Of what is left, raw answers stay raw.
  const rest = (await read(`/devices/dropped/readings?from=${from + 2 * DAY}&to=${today}`)).body
  expect([rest.source, rest.series.v.t.length]).toEqual(['raw', 48])
  await pool.query(`UPDATE retention_state SET dropped_before = '-infinity'`)
})

it('T-METRIC-4 a metric that was never sent is named; one with commas in its name can be asked for', async () => {
  await addDevice(api, 'names')
  const from = today - DAY
  for (const metric of ['a,b', 'c\\d', 'plain']) await store(api, 'names', { metric, points: [[from, 1]] })
  const range = `from=${from}&to=${from + 1}`
  const { body } = await read(
    `/devices/names/readings?${range}&metrics=${encodeURIComponent('plain,a\\,b, c\\\\d ')}`,
  )
  expect(Object.keys(body.series)).toEqual(['a,b', 'c\\d', 'plain'])
  const unknown = await read(`/devices/names/readings?${range}&metrics=plain,none,%01`)
  expect([unknown.status, unknown.body.code]).toEqual([404, 'unknown_metric'])
  expect(unknown.body.errors).toEqual([
    { path: 'query/metrics', message: '"none" was never sent' },
    { path: 'query/metrics', message: '"\\u0001" was never sent' },
  ])
})

it('T-METRIC-5 every legal name can be asked for, with spaces at its ends too', async () => {
  await addDevice(api, 'spaces')
  const from = today - DAY
  const names = [' ', 'a ', ' a', ' a\\ ', 'b\\', '\u00a0c\u2003', 'd, e ']
  for (const metric of names) await store(api, 'spaces', { metric, points: [[from, 1]] })
  const asked = names.map((name) => [...name].map((letter) => `\\${letter}`).join('')).join(' , ')
  const range = `from=${from}&to=${from + 1}`
  const { body } = await read(`/devices/spaces/readings?${range}&metrics=${encodeURIComponent(asked)}`)
  expect(Object.keys(body.series).sort()).toEqual(names.sort())
})

it.each([
  ['/devices/limits/readings?from=now-30d&to=now&bucket=1s', 'query/bucket', /narrowest here is 3s/],
  ['/devices/limits/readings?from=now-12d&to=now&bucket=1s', 'query/bucket', /narrowest here is 2s/],
  [
    '/devices/limits/readings?from=now-32d&to=now&bucket=90s',
    'query/bucket',
    /multiple of 1m for more than 31 days; the narrowest here is 1m/,
  ],
  ['/devices/limits/readings?from=now-3660d&to=now&bucket=5m', 'query/bucket', /narrowest here is 6m/],
])('T-RANGE-4 %s is refused with the width that would do', async (path, where, message) => {
  await addDevice(api, 'limits')
  const { status, body } = await read(path)
  expect([status, body.code, body.errors[0].path]).toEqual([422, 'invalid_range', where])
  expect(body.errors[0].message).toMatch(message)
  const [, width] = / is (\w+)$/.exec(body.errors[0].message) ?? []
  expect((await read(path.replace(/\w+$/, width ?? ''))).status).toBe(200)
})

it('T-TIMEOUT-1 a query that takes too long and charts without a connection are problems that say what to do', async () => {
  await addDevice(api, 'slow')
  await store(api, 'slow', { metric: 'v', points: [[today, 1]] })
  const { history } = api.deps
  const charts = createPool({
    url: api.database.url,
    name: 'short',
    max: 1,
    statementTimeoutMs: 3_000,
    waitMs: 200,
  })
  // Connected before: that too is waited for.
  await charts.query('SELECT')
  const blocker = await api.database.pool.connect()
  try {
    api.deps.history = { ...history, charts }
    await blocker.query('BEGIN; LOCK TABLE reading')
    const slow = read(`/devices/slow/readings?from=${today}`)
    const waiting =
      "SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
    await until(async () => (await blocker.query(waiting)).rowCount === 1)
    const busy = await read(`/devices/slow/readings?from=${today}`)
    expect([busy.status, busy.body.code]).toEqual([503, 'history_busy'])
    const timedOut = await slow
    expect([timedOut.status, timedOut.body.code]).toEqual([503, 'query_timeout'])
    expect(Number(busy.headers.get('retry-after'))).toBeGreaterThan(0)
    // What is no chart goes on.
    expect((await read('/devices/slow')).status).toBe(200)
  } finally {
    api.deps.history = history
    await blocker.query('ROLLBACK')
    blocker.release()
    await charts.end()
  }
  expect((await read(`/devices/slow/readings?from=${today}`)).status).toBe(200)
})
