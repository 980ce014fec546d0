import { randomUUID } from 'node:crypto'
import { updateDevice } from '@telltale/infra/storage/devices'
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from 'vitest'
import { WebSocket } from 'ws'
import { addDevice, bearer, call, startApi, type TestApi, until } from './harness.ts'

let api: TestApi
let admin: { authorization: string }
let operator: { authorization: string }

beforeAll(async () => {
  api = await startApi()
  admin = await bearer(api, 'admin')
  operator = await bearer(api, 'operator')
  for (const id of ['lamp-1', 'plain']) await addDevice(api, id)
  await updateDevice(api.database.pool, 'lamp-1', { type: 'lamp' })
})
beforeEach(() => describeLed({ type: 'boolean' }))
afterEach(() => api.database.pool.query('DELETE FROM command; DELETE FROM device_type'))
afterAll(() => api.stop())

/** What the type of the device says of its command from now on. */
async function describeLed(on: object): Promise<void> {
  const params = { type: 'object', properties: { on }, required: ['on'], additionalProperties: false }
  const body = { commands: { 'set-led': { params }, reboot: {} } }
  expect((await call(api, 'PUT /types/lamp', { headers: admin, body })).status).toBeLessThan(300)
}

const send = (params: unknown, { key = '', device = 'lamp-1', name = 'set-led' } = {}) =>
  call(api, `POST /devices/${device}/commands`, {
    headers: { ...operator, ...(key && { 'idempotency-key': key }) },
    body: { name, params },
  })
const stored = async () => (await api.database.pool.query('SELECT params FROM command')).rows.length

it('C-PARAMS-1 params that do not fit the schema of the type are refused, and nothing is stored', async () => {
  const { status, body } = await send({ on: 'yes', of: 1 })
  expect([status, body.code]).toEqual([422, 'invalid_params'])
  expect(body.errors).toEqual([
    { path: 'body/params/of', message: 'is not a known field' },
    { path: 'body/params/on', message: 'must be boolean' },
  ])
  expect((await send(undefined)).body.errors).toEqual([{ path: 'body/params/on', message: 'is required' }])
  expect((await send(null)).body.errors).toEqual([{ path: 'body/params', message: 'must be object' }])
  expect(await stored()).toBe(0)
  const good = await send({ on: true })
  expect([good.status, good.body.params]).toEqual([202, { on: true }])
})

it('C-PARAMS-2 so are those that come over the socket, which lives on', async () => {
  const socket = new WebSocket(api.url('/socket').replace('http', 'ws'), ['telltale.v1'], {
    headers: operator,
  })
  // biome-ignore lint/suspicious/noExplicitAny: frames of every type
  const frames: any[] = []
  socket.on('message', (data) => frames.push(JSON.parse(data.toString())))
  await until(() => frames.length === 1)
  const frame = (params: string) =>
    `{"type":"command","id":"${randomUUID()}","deviceId":"lamp-1","name":"set-led","params":${params}}`
  socket.send(frame('{"on":1}'))
  // A key only a socket can bring: HTTP bodies with it are refused as a whole.
  socket.send(frame('{"on":true,"__proto__":{"polluted":1}}'))
  await until(() => frames.length === 3)
  const problems = frames.slice(1).map(({ type, problem }) => [type, problem.code, problem.errors])
  expect(problems).toEqual([
    ['error', 'invalid_params', [{ path: 'body/params/on', message: 'must be boolean' }]],
    ['error', 'invalid_params', [{ path: 'body/params/__proto__', message: 'is not a known field' }]],
  ])
  expect(await stored()).toBe(0)
  socket.send(frame('{"on":true}'))
  await until(() => frames[3]?.command?.status === 'queued')
  expect(Object.keys({})).toEqual([])
  socket.terminate()
})

it('C-PARAMS-3 what no type describes passes: another command, one without schema, a device without type', async () => {
  const anything = { on: 'yes' }
  for (const other of [{ name: 'dance' }, { name: 'reboot' }, { name: 'constructor' }, { device: 'plain' }])
    expect([other, (await send(anything, other)).status]).toEqual([other, 202])
  await call(api, 'DELETE /types/lamp', { headers: admin })
  expect((await send(anything)).status, 'its type is deleted').toBe(202)
})

it('C-PARAMS-4 a type that was changed is checked as it is now, also by another API', async () => {
  for (const round of [1, 2, 3]) {
    expect([round, (await send({ on: true })).status, (await send({ on: 1 })).status]).toEqual([
      round,
      202,
      422,
    ])
    await describeLed({ type: 'integer' })
    expect([round, (await send({ on: true })).status, (await send({ on: 1 })).status]).toEqual([
      round,
      422,
      202,
    ])
    // Another instance writes the row, and this one hears nothing of it.
    await api.database.pool.query(`UPDATE device_type SET commands = replace(commands, 'integer', 'boolean')`)
  }
})

it('C-PARAMS-5 a command sent again answers its record, whatever the type has become', async () => {
  const first = await send({ on: true }, { key: 'k1' })
  await describeLed({ type: 'integer' })
  const again = await send({ on: true }, { key: 'k1' })
  expect([again.status, again.body]).toEqual([202, first.body])
  const other = await send({ on: false }, { key: 'k1' })
  expect([other.status, other.body.code]).toEqual([422, 'idempotency_conflict'])
  expect((await send({ on: true }, { key: 'k2' })).body.code).toBe('invalid_params')
  const somebody = await bearer(api, 'operator', 'somebody-else')
  const theirs = await call(api, 'POST /devices/lamp-1/commands', {
    headers: { ...somebody, 'idempotency-key': 'k1' },
    body: { name: 'set-led', params: { on: true } },
  })
  expect(theirs.body.code, 'a key is good for its owner only').toBe('invalid_params')
  expect(await stored()).toBe(1)
})

it('C-PARAMS-6 ten thousand wrong values get a short answer', async () => {
  const item = { type: 'integer', minimum: 0, multipleOf: 2 }
  await describeLed({ type: 'array', items: item })
  const long = await send({ on: Array.from({ length: 10_000 }, () => -1.5) })
  expect([long.status, long.body.errors]).toEqual([
    422,
    [{ path: 'body/params/on/0', message: 'must be integer' }],
  ])
  const short = await send({ on: Array.from({ length: 100 }, () => -1.5) })
  expect(short.body.errors).toHaveLength(20)
  const deep = await send(JSON.parse(`${'['.repeat(40)}${']'.repeat(40)}`))
  expect(deep.body.code).toBe('too_deep')
})
