import { afterAll, beforeAll, expect, it } from 'vitest'
import { addDevice, bearer, call, startApi, store, type TestApi } from './harness.ts'

let api: TestApi
let headers: { authorization: string }
/** On the hour, in a partition that exists. */
const start = Math.floor(Date.now() / 3_600_000) * 3_600_000 - 7_200_000
const range = `from=${start}&to=${start + 3_600_000}`

beforeAll(async () => {
  api = await startApi()
  headers = await bearer(api, 'viewer')
  for (const [device, stepMs] of [
    ['a', 1_000],
    ['b', 60_000],
  ] as const) {
    await addDevice(api, device)
    const times = Array.from({ length: 3_600_000 / stepMs }, (_, i) => start + i * stepMs)
    await store(api, device, { metric: 'v', points: times.map((t, i) => [t, i]) })
  }
  await store(api, 'b', { metric: 'door', points: [[start + 30_000, 'open']] })
  await addDevice(api, 'silent')
})
afterAll(() => api.stop())

const read = (query: string) => call(api, `GET /readings?${query}`, { headers })

it('T-FLEET-1 several devices come in the order asked for, in buckets of one width on one axis', async () => {
  const { status, body } = await read(`devices=b,silent,a&${range}`)
  expect(status).toBe(200)
  expect(body).toMatchObject({ bucketMs: 10_000, source: 'raw', truncated: false, from: start })
  expect(body.items.map(({ deviceId }: { deviceId: string }) => deviceId)).toEqual(['b', 'silent', 'a'])
  const [b, silent, a] = body.items
  expect(silent.series).toEqual({})
  expect([body.t.length, a.series.v.count.length, b.series.v.count.length]).toEqual([360, 360, 360])
  expect([a.series.v.count[0], a.series.v.avg[0], a.series.v.last[0]]).toEqual([10, 4.5, 9])
  expect(b.series.v.count.slice(0, 7)).toEqual([1, 0, 0, 0, 0, 0, 1])
  expect(b.series.v.avg.slice(0, 2)).toEqual([0, null])
  expect(b.series.door).toMatchObject({ kind: 'string', value: ['open'] })
  const raw = (await read(`devices=a,b&${range}&bucket=raw&maxPoints=10&metrics=v`)).body
  expect(raw).toMatchObject({ bucketMs: null, truncated: true, t: [] })
  expect(raw.items.map((item: { series: { v: { t: number[] } } }) => item.series.v.t.length)).toEqual([
    10, 10,
  ])
})

it('T-FLEET-2 what cannot be answered is refused clearly', async () => {
  const cases: [query: string, status: number, code: string][] = [
    ['devices=a,nobody', 404, 'device_not_found'],
    ['devices=', 400, 'invalid_request'],
    ['devices=*', 400, 'invalid_request'],
    [`devices=${Array.from({ length: 101 }, (_, i) => `d${i}`).join()}`, 400, 'invalid_request'],
    ['devices=a,b&metrics=none', 404, 'unknown_metric'],
    ['', 400, 'invalid_request'],
  ]
  for (const [query, status, code] of cases) {
    const answer = await read(`${query}&${range}`)
    expect([query, answer.status, answer.body.code]).toEqual([query, status, code])
  }
  // One of them has sent it.
  expect((await read(`devices=a,b&metrics=door&${range}`)).body.items[0].series).toEqual({})
})

it('T-FLEET-3 together they have no more than 1,000 series', async () => {
  await api.database.pool.query(
    `INSERT INTO series (device_id, metric, kind) SELECT d, 'm' || n, 'number'
     FROM unnest(ARRAY['a', 'b']) d, generate_series(1, 600) n`,
  )
  const { status, body } = await read(`devices=a,b&${range}`)
  expect([status, body.code, body.errors[0].path]).toEqual([400, 'invalid_request', 'query/metrics'])
  expect((await read(`devices=a,b&metrics=v,m1&${range}`)).status).toBe(200)
})

it('T-FLEET-4 CSV and NDJSON of several devices say in each line of which one it is', async () => {
  const get = async (accept: string) => {
    const path = `/readings?devices=b,a&metrics=v,door&from=${start}&to=${start + 60_001}`
    const answer = await fetch(api.url(path), { headers: { ...headers, accept } })
    expect(answer.headers.get('content-disposition')).toMatch(/filename="readings\.(csv|ndjson)"/)
    return (await answer.text()).trimEnd().split(/\r?\n/)
  }
  const lines = await get('application/x-ndjson')
  expect(lines.length).toBe(61 + 2 + 1)
  expect(lines.map((line) => JSON.parse(line)).filter(({ deviceId }) => deviceId === 'b')).toEqual([
    { time: start, deviceId: 'b', metric: 'v', value: 0 },
    { time: start + 30_000, deviceId: 'b', metric: 'door', value: 'open' },
    { time: start + 60_000, deviceId: 'b', metric: 'v', value: 1 },
  ])
  const csv = await get('text/csv')
  expect([csv.length, csv[0]]).toEqual([65, 'time,deviceId,metric,value'])
  expect(csv).toContain(`${new Date(start + 30_000).toISOString()},b,door,open`)
})
