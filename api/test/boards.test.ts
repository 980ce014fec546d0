import { createToken } from '@telltale/infra/storage/tokens'
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest'
import { type Answer, call, signIn, startApi, type TestApi } from './harness.ts'

let api: TestApi
type Headers = Record<string, string>
let viewer: Headers
let operator: Headers
let admin: Headers

beforeAll(async () => {
  api = await startApi()
  viewer = await signIn(api, 'viewer')
  operator = await signIn(api, 'operator')
  admin = await signIn(api, 'admin')
})
afterEach(() => api.database.pool.query('DELETE FROM board; DELETE FROM audit_entry'))
afterAll(() => api.stop())

const place = { width: 4, height: 'medium' }
const metric = { deviceId: 'kitchen', metric: 'temperature' }
const panels = [
  { kind: 'chart', id: 'p1', ...place, series: [metric, { ...metric, label: 'Again' }], title: 'Heat' },
  { kind: 'tile', id: 'p2', ...place, ...metric },
  { kind: 'gauge', id: 'p3', ...place, ...metric, min: -10, max: 40 },
  { kind: 'state', id: 'p4', ...place, deviceId: 'no-such-device', metric: 'door' },
  { kind: 'positions', id: 'p5', ...place, tag: 'vans', latitude: 'gps.lat', longitude: 'gps.lon' },
  { kind: 'positions', id: 'p6', ...place, devices: ['van-1'] },
  {
    kind: 'command',
    id: 'p7',
    ...place,
    deviceId: 'kitchen',
    name: 'heat',
    params: { to: [1] },
    label: 'Heat',
  },
]
/** Filled in where a position list does not say. */
const usualNames = { latitude: 'gps.lat', longitude: 'gps.lon' }
const range = { kind: 'live', windowMs: 900_000 }

const create = (body: unknown, headers = viewer) => call(api, 'POST /boards', { headers, body })
const read = (id: string, headers = viewer) => call(api, `GET /boards/${id}`, { headers })
const save = (id: string, body: unknown, headers = viewer) =>
  call(api, `PUT /boards/${id}`, { headers, body })
const remove = (id: string, headers = viewer) => call(api, `DELETE /boards/${id}`, { headers })
const list = (query = '', headers = viewer) => call(api, `GET /boards${query}`, { headers })
const said = ({ status, body }: Answer) => [status, body.code]
const places = ({ body }: Answer) => body.errors?.map(({ path }: { path: string }) => path)

async function kept(change: object = {}, headers = viewer): Promise<string> {
  const answer = await create({ name: 'Kitchen', ...change }, headers)
  expect(answer.status).toBe(201)
  return answer.body.id
}

it('U-BOARD-1 a board of every kind of panel is kept, read, saved and deleted, and every change is on record', async () => {
  const created = await create({ name: 'Kitchen', shared: true, range, panels })
  expect(created.status).toBe(201)
  const { id } = created.body
  expect(created.headers.get('location')).toBe(`/api/v1/boards/${id}`)
  expect(created.body).toEqual({
    ...{ id, name: 'Kitchen', owner: 'viewer', shared: true, range, version: 1, updatedBy: 'viewer' },
    panels: panels.map((panel) => (panel.id === 'p6' ? { ...panel, ...usualNames } : panel)),
    createdAt: expect.any(String),
    updatedAt: expect.any(String),
  })
  expect((await read(id)).body).toEqual(created.body)
  const fixed = { kind: 'fixed', from: 1_000, to: 2_000 }
  const saved = await save(id, {
    name: 'Cellar',
    shared: false,
    range: fixed,
    panels: [panels[1]],
    version: 1,
  })
  expect([saved.status, saved.body.name, saved.body.version, saved.body.range]).toEqual([
    200,
    'Cellar',
    2,
    fixed,
  ])
  expect((await read(id)).body).toEqual(saved.body)
  expect((await remove(id)).status).toBe(204)
  for (const gone of [await read(id), await remove(id)]) expect(said(gone)).toEqual([404, 'board_not_found'])
  const { rows } = await api.database.pool.query<{ line: string }>(
    `SELECT concat_ws(' ', actor, action, target = $1, detail ->> 'name', detail ->> 'panels') AS line
     FROM audit_entry WHERE action LIKE 'board.%' ORDER BY id`,
    [id],
  )
  expect(rows.map(({ line }) => line)).toEqual([
    'viewer board.create t Kitchen 7',
    'viewer board.change t Cellar 1',
    'viewer board.delete t Cellar 1',
  ])
})

it('U-BOARD-2 every role keeps boards of its own, and so do tokens', async () => {
  const { token } = await createToken(api.database.pool, { name: 'wall', role: 'viewer', createdBy: 'test' })
  const bearer = { authorization: `Bearer ${token}` }
  for (const headers of [viewer, operator, admin, bearer]) await kept({}, headers)
  const mine = await list('', bearer)
  expect(mine.body.items.map(({ owner }: { owner: string }) => owner)).toEqual(['token:wall'])
  expect((await call(api, 'GET /boards')).status).toBe(401)
})

it('U-BOARD-3 a private board of somebody else is not there, whatever one does, for an admin neither', async () => {
  const id = await kept()
  const body = { name: 'Mine now', shared: false, range, panels: [], version: 1 }
  for (const headers of [operator, admin])
    for (const answer of [await read(id, headers), await save(id, body, headers), await remove(id, headers)])
      expect(said(answer)).toEqual([404, 'board_not_found'])
  expect((await list('', admin)).body.items).toEqual([])
  expect((await read(id)).body).toMatchObject({ name: 'Kitchen', version: 1 })
})

it('U-BOARD-4 a shared board is for everybody to see, and for its owner and admins to change', async () => {
  const id = await kept({ shared: true })
  const body = (version: number) => ({ name: 'Ours', shared: true, range, panels: [], version })
  expect((await read(id, operator)).body.name).toBe('Kitchen')
  expect((await list('?owner=others', operator)).body.items).toHaveLength(1)
  expect((await list('?owner=me', operator)).body.items).toEqual([])
  for (const answer of [await save(id, body(1), operator), await remove(id, operator)])
    expect(said(answer)).toEqual([403, 'forbidden'])
  const saved = await save(id, body(1), admin)
  expect([saved.status, saved.body.owner, saved.body.updatedBy]).toEqual([200, 'viewer', 'admin'])
  expect((await remove(id, admin)).status).toBe(204)
})

it('U-BOARD-5 a save from an old version is refused, says who was first, and overwrites nothing', async () => {
  const id = await kept({ shared: true })
  const body = (name: string) => ({ name, shared: true, range, panels: [], version: 1 })
  expect((await save(id, body('theirs'), admin)).status).toBe(200)
  const refused = await save(id, body('mine'))
  expect(said(refused)).toEqual([409, 'board_changed'])
  expect(refused.body.errors[0]).toMatchObject({ path: 'body/version' })
  expect(refused.body.errors[0].message).toMatch(/^is not the newest: admin saved version 2 at \d{4}-/)
  expect((await read(id)).body).toMatchObject({ name: 'theirs', version: 2 })
})

it('U-BOARD-6 what a board may not be is refused, with where and why', async () => {
  const withPanel = (panel: object) => create({ name: 'n', panels: [{ id: 'a', ...place, ...panel }] })
  const refused = async (answer: Answer, status: number, path: string) => {
    expect(answer.status).toBe(status)
    expect(places(answer), JSON.stringify(answer.body)).toContain(path)
  }
  for (const name of ['', 'n'.repeat(201)]) await refused(await create({ name }), 400, 'body/name')
  await refused(await create({ name: 'n', owner: 'admin' }), 400, 'body/owner')
  await refused(await create({ name: 'n', range: { kind: 'live', windowMs: 1 } }), 400, 'body/range/windowMs')
  const backwards = { kind: 'fixed', from: 2, to: 2 }
  await refused(await create({ name: 'n', range: backwards }), 422, 'body/range/to')
  const many = Array.from({ length: 51 }, (_, i) => ({ ...panels[1], id: `p${i}` }))
  await refused(await create({ name: 'n', panels: many }), 400, 'body/panels')
  await refused(await create({ name: 'n', panels: [7] }), 400, 'body/panels/0')
  await refused(await create({ name: 'n', panels: [panels[1], panels[1]] }), 422, 'body/panels/1/id')
  const unknown = await withPanel({ kind: 'map' })
  expect(unknown.body.errors).toEqual([
    { path: 'body/panels/0/kind', message: 'must be one of chart, tile, gauge, state, positions, command' },
  ])
  const wide = await withPanel({ kind: 'tile', ...metric, width: 13 })
  expect(places(wide), 'only what its own kind asks for').toEqual(['body/panels/0/width'])
  await refused(await withPanel({ kind: 'tile', ...metric, colour: 'red' }), 400, 'body/panels/0/colour')
  await refused(await withPanel({ kind: 'tile', ...metric, height: 'huge' }), 400, 'body/panels/0/height')
  await refused(await withPanel({ kind: 'tile', ...metric, deviceId: '../x' }), 400, 'body/panels/0/deviceId')
  await refused(await withPanel({ kind: 'tile', ...metric, metric: 'a\nb' }), 400, 'body/panels/0/metric')
  await refused(await withPanel({ kind: 'chart', series: [] }), 400, 'body/panels/0/series')
  const nine = Array.from({ length: 9 }, () => metric)
  await refused(await withPanel({ kind: 'chart', series: nine }), 400, 'body/panels/0/series')
  await refused(await withPanel({ kind: 'gauge', ...metric, min: 4, max: 4 }), 422, 'body/panels/0/max')
  await refused(await withPanel({ kind: 'positions' }), 422, 'body/panels/0')
  await refused(await withPanel({ kind: 'positions', tag: 'a', devices: ['b'] }), 422, 'body/panels/0')
  const huge = { kind: 'command', deviceId: 'k', name: 'heat', label: 'Heat', params: 'x'.repeat(140_000) }
  await refused(await withPanel(huge), 422, 'body/panels')
  expect((await list()).body.items).toEqual([])
})

it('U-BOARD-7 hostile names are only names, and text that cannot be stored is refused', async () => {
  const name = '<img src=x onerror=alert(1)> \u202Eevil 🚨'
  const hostile = {
    kind: 'tile',
    id: 'a',
    ...place,
    ...metric,
    metric: "'; DROP TABLE board; --",
    title: name,
  }
  const id = await kept({ name, panels: [hostile] })
  expect((await read(id)).body).toMatchObject({ name, panels: [hostile] })
  const refuse = async (body: object, code: string) => expect((await create(body)).body.code).toBe(code)
  await refuse({ name: 'n\0' }, 'unstorable_text')
  await refuse({ name: 'n\ud800' }, 'unstorable_text')
  await refuse({ name: 'n', panels: [{ ...hostile, title: '\0' }] }, 'unstorable_text')
  let params: unknown = 1
  for (let level = 0; level < 40; level += 1) params = [params]
  await refuse({ name: 'n', panels: [{ ...panels[6], params }] }, 'too_deep')
  for (const bad of ['nothing', '1', encodeURIComponent("' OR 1=1")])
    expect((await read(bad)).status, bad).toBe(404)
  expect((await list('?cursor=bm8')).body.code).toBe('invalid_cursor')
})

it('U-BOARD-8 one has so many boards, and is told when there is no place for another', async () => {
  await api.database.pool.query(
    `INSERT INTO board (owner, name, range, panels, updated_by)
     SELECT 'viewer', 'n', '{}', '[]', 'viewer' FROM generate_series(1, 199)`,
  )
  await kept()
  expect(said(await create({ name: 'one more' }))).toEqual([409, 'too_many_boards'])
  await kept({}, operator)
  const first = await list('?limit=150')
  const second = await list(`?limit=150&cursor=${first.body.nextCursor}`)
  expect([first.body.items.length, second.body.items.length, second.body.nextCursor]).toEqual([150, 50, null])
})

it('U-BOARD-9 with the last token of a name go its own boards; what it shared goes to who revokes it', async () => {
  const make = (name: string) => call(api, 'POST /tokens', { headers: admin, body: { name, role: 'viewer' } })
  const bearing = ({ body }: Answer) => ({ authorization: `Bearer ${body.token}` })
  const [first, second] = [await make('ci'), await make('ci')]
  const own = await kept({}, bearing(first))
  const shared = await kept({ shared: true }, bearing(first))
  const revoke = ({ body }: Answer) => call(api, `DELETE /tokens/${body.id}`, { headers: admin })
  await revoke(first)
  expect((await read(own, bearing(second))).status).toBe(200)
  await revoke(second)
  const next = bearing(await make('ci'))
  expect((await read(own, next)).status).toBe(404)
  expect((await list('?owner=me', next)).body.items).toEqual([])
  expect((await read(shared, next)).body).toMatchObject({ owner: 'admin', shared: true })
})
