import { afterAll, beforeAll, expect, it } from 'vitest'
import { addDevice, bearer, call, startApi, store, type TestApi } from './harness.ts'

let api: TestApi
let headers: { authorization: string }
/** In a partition that exists. */
const start = Math.floor(Date.now() / 60_000) * 60_000 - 3_600_000

beforeAll(async () => {
  api = await startApi()
  headers = await bearer(api, 'viewer')
})
afterAll(() => api.stop())

it('T-LATEST-1 latest is by event time, whatever came last', async () => {
  await addDevice(api, 'late')
  await store(api, 'late', { metric: 't', points: [[start + 5_000, 5]] })
  await store(api, 'late', { metric: 't', points: [[start, 1]] })
  const { body } = await call(api, 'GET /devices/late/latest', { headers })
  expect(body).toEqual({ deviceId: 'late', values: { t: { value: 5, time: start + 5_000 } } })
})

it('T-ETAG-1 unchanged values answer 304, changed ones a new tag', async () => {
  await addDevice(api, 'tagged')
  await store(api, 'tagged', { metric: 't', points: [[start, 1]] })
  const first = await call(api, 'GET /devices/tagged/latest', { headers })
  const etag = first.headers.get('etag') ?? ''
  const again = await call(api, 'GET /devices/tagged/latest', {
    headers: { ...headers, 'if-none-match': etag },
  })
  expect([again.status, again.body]).toEqual([304, ''])
  await store(api, 'tagged', { metric: 't', points: [[start + 1, 2]] })
  const changed = await call(api, 'GET /devices/tagged/latest', {
    headers: { ...headers, 'if-none-match': etag },
  })
  expect(changed.status).toBe(200)
  expect(changed.headers.get('etag')).not.toBe(etag)
})

it('T-LATEST-2 several devices at once, in the order asked for; an unknown one is named', async () => {
  const { body } = await call(api, 'GET /latest?devices=late,tagged', { headers })
  expect(body.items.map(({ deviceId }: { deviceId: string }) => deviceId)).toEqual(['late', 'tagged'])
  expect((await call(api, 'GET /latest?devices=late,none', { headers })).body.code).toBe('device_not_found')
  expect((await call(api, 'GET /latest?devices=*', { headers })).body.items.length).toBe(2)
})

it('T-LATEST-3 what retention has dropped is still the latest value; what is newer than kept wins', async () => {
  const { pool } = api.database
  await addDevice(api, 'kept')
  const old = start - 400 * 86_400_000
  for (const metric of ['dropped', 'newer', 'mixed'])
    await store(api, 'kept', { metric, points: [[start - 1_000, 1]] })
  await store(api, 'kept', { metric: 'mixed', points: [[start, 'x']] })
  await pool.query(
    `INSERT INTO latest_reading (series_id, time, number)
     SELECT id, CASE WHEN metric = 'dropped' THEN $1::timestamptz ELSE $2 END, 7
     FROM series WHERE device_id = 'kept'`,
    [new Date(old), new Date(start - 2_000)],
  )
  await pool.query(
    `DELETE FROM reading WHERE series_id = (SELECT id FROM series WHERE device_id = 'kept' AND metric = 'dropped')`,
  )
  const { body } = await call(api, 'GET /devices/kept/latest', { headers })
  expect(body.values).toEqual({
    dropped: { value: 7, time: old },
    newer: { value: 1, time: start - 1_000 },
    mixed: { value: 'x', time: start },
  })
})

it('T-LATEST-4 values and names of every kind are as they were sent', async () => {
  await addDevice(api, 'kinds')
  const hostile = [
    '__proto__',
    'constructor',
    `'; DROP TABLE series; --`,
    '"q"\\',
    '\u2028',
    '\ud83d\ude00',
    'x'.repeat(10_000),
  ]
  const numbers = [-0.1, 1e300, 5e-324, 123_456_789_012_345, -1e-7, 0, 1]
  for (const [i, metric] of hostile.entries())
    await store(api, 'kinds', { metric, points: [[start, numbers[i] as number]] })
  const texts = ['', '"', '\\', 'a\nb', '\u0001', '</script>', '\u2028']
  for (const [i, text] of texts.entries())
    await store(api, 'kinds', { metric: `t${i}`, points: [[start, text]] })
  for (const on of [true, false]) await store(api, 'kinds', { metric: String(on), points: [[start, on]] })
  const answer = await fetch(api.url('/devices/kinds/latest'), { headers })
  // JSON.parse makes `__proto__` a property like any other.
  const { values } = JSON.parse(await answer.text())
  const expected = [
    ...hostile.map((metric, i) => [metric, numbers[i]]),
    ...texts.map((text, i) => [`t${i}`, text]),
    ...[true, false].map((on) => [String(on), on]),
  ]
  expect(Object.entries<{ value: unknown }>(values).map(([metric, { value }]) => [metric, value])).toEqual(
    expected,
  )
})

it('T-LATEST-5 a large fleet is answered from what the brokers keep, a part of it from the readings', async () => {
  const { pool } = api.database
  await pool.query(`INSERT INTO device (id, name) SELECT 'fleet-' || n, '' FROM generate_series(1, 1001) n`)
  await pool.query(
    `INSERT INTO series (device_id, metric, kind)
     SELECT 'fleet-' || d, 'm' || m, 'number' FROM generate_series(1, 1001) d, generate_series(1, 5) m`,
  )
  await pool.query(
    `INSERT INTO latest_reading (series_id, time, number)
     SELECT id, $1, id FROM series WHERE device_id LIKE 'fleet-%'`,
    [new Date(start)],
  )
  await store(api, 'fleet-7', { metric: 'm1', points: [[start + 1, -1]] })
  const { body } = await call(api, 'GET /latest?devices=*', { headers })
  const fleet = body.items.filter(({ deviceId }: { deviceId: string }) => deviceId.startsWith('fleet-'))
  expect(fleet.length).toBe(1_001)
  for (const { values } of fleet) expect(Object.keys(values)).toEqual(['m1', 'm2', 'm3', 'm4', 'm5'])
  const kept = fleet.find(({ deviceId }: { deviceId: string }) => deviceId === 'fleet-7')
  expect(kept.values.m1.time).toBe(start)
  const few = await call(api, 'GET /latest?devices=fleet-7,fleet-8', { headers })
  expect(few.body.items[0].values.m1).toEqual({ value: -1, time: start + 1 })
})
