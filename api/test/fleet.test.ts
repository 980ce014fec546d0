import { topics } from '@telltale/broker/contract'
import { openEngine } from '@telltale/infra/storage/engine'
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest'
import { addDevice, bearer, call, startApi, type TestApi, until } from './harness.ts'

let api: TestApi
let operator: { authorization: string }
let viewer: { authorization: string }

beforeAll(async () => {
  api = await startApi()
  operator = await bearer(api, 'operator')
  viewer = await bearer(api, 'viewer')
})
afterAll(() => api.stop())
beforeEach(async () => {
  await api.database.pool.query('TRUNCATE device, audit_entry CASCADE')
  api.broker.seen.length = 0
})

const get = (path: string) => call(api, `GET ${path}`, { headers: viewer })
const patch = (body: unknown, headers = operator) => call(api, 'PATCH /devices', { headers, body })
const revoked = () =>
  api.broker.seen.flatMap(({ topic }) => (topic.startsWith(topics.platform('revoked', '')) ? [topic] : []))

it('D-FLEET-1 index, facets and list agree on what a filter of words, state, tags and type matches', async () => {
  for (const id of ['a', 'b', 'c', 'd']) await addDevice(api, id, `Sensor ${id}`)
  await patch({ filter: { ids: ['a', 'b', 'c'] }, addTags: ['roof', 'north'] })
  await patch({ filter: { ids: ['b'] }, removeTags: ['north'] })
  await call(api, 'PATCH /devices/c', { headers: operator, body: { type: 'pump' } })
  for (const [query, ids] of [
    ['', ['a', 'b', 'c', 'd']],
    ['tag=roof', ['a', 'b', 'c']],
    ['tag=roof,north', ['a', 'c']],
    ['tag=roof,north&type=pump', ['c']],
    ['q=sensor%20d&status=never', ['d']],
    ['status=online', []],
  ] as const) {
    const index = await get(`/fleet/index?${query}`)
    expect(index.body, query).toEqual({ ids, states: 'n'.repeat(ids.length), truncated: false })
    const list = await get(`/devices?${query}`)
    expect(list.body.items.map(({ id }: { id: string }) => id)).toEqual(ids)
    expect((await get(`/fleet/facets?${query}`)).body.matching).toBe(ids.length)
  }
  const { body } = await get('/fleet/facets?tag=roof')
  expect(body).toEqual({
    matching: 3,
    status: { online: 0, silent: 0, offline: 0, never: 3 },
    tags: [
      { name: 'roof', count: 3 },
      { name: 'north', count: 2 },
    ],
    types: [{ name: 'pump', count: 1 }],
  })
  expect((await get('/fleet/facets?tag=a,,b')).status).toBe(400)
})

it('D-FLEET-2 rows are asked for by id; what was deleted meanwhile is left out', async () => {
  for (const id of ['a', 'b', 'c']) await addDevice(api, id)
  const { body } = await get('/devices?ids=c,a,gone&limit=200')
  expect(body.items.map(({ id }: { id: string }) => id)).toEqual(['a', 'c'])
  expect(body.nextCursor).toBeNull()
  const days = await get('/fleet/days?devices=a,gone')
  expect(days.body.items).toHaveLength(1)
  expect(days.body.items[0].shares).toHaveLength(24)
  expect(days.body.items[0].shares.slice(0, 23)).toEqual(Array(23).fill(null))
  const sparks = await get('/fleet/sparklines?devices=a,gone')
  expect([sparks.status, sparks.body.items]).toEqual([200, []])
  const many = Array.from({ length: 101 }, (_, n) => `d${n}`).join(',')
  for (const path of ['/fleet/days', '/fleet/sparklines'])
    for (const devices of [many, '*']) expect((await get(`${path}?devices=${devices}`)).status).toBe(400)
  expect((await get('/fleet/alarms')).body).toEqual({ count: 0, items: [] })
})

it('D-FLEET-3 a sparkline has a point a minute of the first number, and none where nothing came', async () => {
  await addDevice(api, 'oven')
  const engine = await openEngine(api.database.pool)
  await engine.cover([Date.now() - 3 * 3_600_000, Date.now()])
  const { rows } = await api.database.pool.query(
    `INSERT INTO series (device_id, metric, kind) VALUES ('oven', 'door', 'string'), ('oven', 'heat', 'number'),
       ('oven', 'cold', 'number') RETURNING id`,
  )
  await api.database.pool.query(
    `INSERT INTO reading SELECT $1, date_trunc('minute', now()) - n * interval '1 minute', n
     FROM generate_series(0, 120, 2) n`,
    [rows[1].id],
  )
  const { body } = await get('/fleet/sparklines?devices=oven')
  expect(body.stepMs).toBe(60_000)
  expect(body.items).toMatchObject([{ deviceId: 'oven', metric: 'heat' }])
  const { values } = body.items[0]
  expect(values).toHaveLength(60)
  // A minute may have begun between the writing and the reading.
  const newest = values.findLastIndex((value: number | null) => value !== null)
  expect(values.slice(0, newest + 1).toReversed()).toEqual(
    Array.from({ length: newest + 1 }, (_, n) => (n % 2 === 0 ? n : null)),
  )
  expect(newest).toBeGreaterThanOrEqual(57)
})

it('D-FLEET-4 disabling many closes every connection, is on record, and tells what it did', async () => {
  for (const id of ['a', 'b', 'c']) await addDevice(api, id)
  await call(api, 'PATCH /devices/c', { headers: operator, body: { disabled: true } })
  await until(() => revoked().length === 1)
  const count = await patch({ filter: { all: true }, disabled: true, dryRun: true })
  expect(count.body).toEqual({ devices: 3, changed: 0, refused: 0 })
  const done = await patch({ filter: { all: true }, disabled: true, addTags: ['out'] })
  expect(done.body).toEqual({ devices: 3, changed: 3, refused: 0 })
  await until(() => revoked().length === 3)
  expect(new Set(revoked())).toEqual(new Set(['a', 'b', 'c'].map((id) => topics.platform('revoked', id))))
  expect((await get('/fleet/index')).body.states).toBe('ddd')
  const { rows } = await api.database.pool.query(
    `SELECT actor, detail FROM audit_entry WHERE action = 'device.change_many'`,
  )
  expect(rows).toMatchObject([
    {
      actor: 'token:test-operator',
      detail: { filter: { all: true }, addTags: ['out'], disabled: true, devices: 3, changed: 3 },
    },
  ])
})

it('D-FLEET-7 who disabled or enabled a device, if only as one of many, is found by its id', async () => {
  for (const id of ['a', 'b']) await addDevice(api, id)
  await call(api, 'PATCH /devices/b', { headers: operator, body: { disabled: true } })
  await api.database.pool.query('DELETE FROM audit_entry')
  await patch({ filter: { all: true }, disabled: true, addTags: ['x'] })
  await patch({ filter: { all: true }, addTags: ['y'] })
  await patch({ filter: { all: true }, disabled: false })
  const { rows } = await api.database.pool.query(
    `SELECT actor, target, detail->'disabled' AS disabled FROM audit_entry
     WHERE action = 'device.change' AND result = 'ok' ORDER BY id`,
  )
  const actor = 'token:test-operator'
  expect(rows.filter(({ target }) => target === 'a')).toEqual([
    { actor, target: 'a', disabled: true },
    { actor, target: 'a', disabled: false },
  ])
  expect(rows.filter(({ target }) => target === 'b')).toEqual([{ actor, target: 'b', disabled: false }])
})

it('D-FLEET-8 a star where devices must be named is refused, not answered as if there were none', async () => {
  for (const path of ['/devices?ids=*', '/fleet/sparklines?devices=a,*', '/fleet/days?devices=*']) {
    const { status, body } = await get(path)
    expect([path, status, body.errors?.[0].message]).toEqual([path, 400, 'must name each device'])
  }
})

it('D-FLEET-5 a change is refused as a whole: no role, nothing to do, nobody, or more than were counted', async () => {
  for (const id of ['a', 'b']) await addDevice(api, id)
  const all = { all: true }
  for (const [body, status, code] of [
    [{ filter: all }, 400, 'invalid_request'],
    [{ filter: {}, addTags: ['x'] }, 400, 'invalid_request'],
    [{ filter: all, addTags: ['x'], removeTags: ['x'] }, 400, 'invalid_request'],
    [{ filter: all, addTags: ['a b'] }, 400, 'invalid_request'],
    [{ filter: { q: 'nobody' }, addTags: ['x'] }, 422, 'no_devices'],
    [{ filter: all, addTags: ['x'], devicesMax: 1 }, 409, 'selection_changed'],
  ] as const) {
    const answer = await patch(body)
    expect([answer.status, answer.body.code], JSON.stringify(body)).toEqual([status, code])
  }
  expect((await patch({ filter: all, addTags: ['x'] }, viewer)).status).toBe(403)
  expect((await get('/fleet/facets')).body.tags).toEqual([])
})

it('D-FLEET-6 ten thousand at once: counted, changed and listed; one more is too many', async () => {
  const add = (from: number, to: number) =>
    api.database.pool.query(
      `INSERT INTO device (id, name, tags) SELECT 'd' || n, 'Device ' || n, '{many}' FROM generate_series($1::int, $2) n`,
      [from, to],
    )
  await add(1, 10_000)
  const ids = (await get('/fleet/index?tag=many')).body.ids as string[]
  expect(ids).toHaveLength(10_000)
  expect((await patch({ filter: { ids }, addTags: ['one'] })).body.changed).toBe(10_000)
  expect((await patch({ filter: { tag: 'many,one' }, addTags: ['two'] })).body.changed).toBe(10_000)
  await add(10_001, 10_001)
  const more = await patch({ filter: { tag: 'many' }, removeTags: ['two'] })
  expect([more.status, more.body.code]).toEqual([422, 'too_many_devices'])
  expect((await get('/fleet/facets?tag=two')).body.matching).toBe(10_000)
})
