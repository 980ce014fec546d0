import { randomUUID } from 'node:crypto'
import { topics } from '@telltale/broker/contract'
import { noteLateReply, transitionCommand } from '@telltale/infra/storage/command-transitions'
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest'
import { sendCommand } from '../src/commands/service.ts'
import { addDevice, bearer, call, startApi, type TestApi, until } from './harness.ts'

let api: TestApi
let operator: { authorization: string }

beforeAll(async () => {
  api = await startApi()
  operator = await bearer(api, 'operator')
  await addDevice(api, 'kitchen')
})
afterEach(() => api.database.pool.query('DELETE FROM command'))
afterAll(() => api.stop())

const key = { 'idempotency-key': 'k1' }
const send = (headers: Record<string, string>, body: unknown = { name: 'reboot' }) =>
  call(api, 'POST /devices/kitchen/commands', { headers: { ...operator, ...headers }, body })

it('C-REST-1 202 with the record; the key makes it once, for that caller only', async () => {
  const first = await send(key)
  expect([first.status, first.body.status, first.body.ttlMs]).toEqual([202, 'queued', 30_000])
  expect(first.headers.get('location')).toBe(`/api/v1/commands/${first.body.id}`)
  expect((await send(key)).body).toEqual(first.body)
  const other = await send(key, { name: 'other' })
  expect([other.status, other.body.code]).toEqual([422, 'idempotency_conflict'])
  const somebody = await bearer(api, 'operator', 'somebody-else')
  expect((await send({ ...key, ...somebody })).body.id).not.toBe(first.body.id)
  const doubleClick = await Promise.all(Array.from({ length: 5 }, () => send({ 'idempotency-key': 'k2' })))
  expect(new Set(doubleClick.map(({ body }) => body.id)).size).toBe(1)
})

it('C-REST-2 listed newest first, read and cancelled by id; what is gone cannot be cancelled', async () => {
  const ids: string[] = []
  for (let i = 0; i < 5; i++) ids.unshift((await send({})).body.id)
  const seen: string[] = []
  for (let cursor = ''; ; ) {
    const { body } = await call(api, `GET /devices/kitchen/commands?limit=2${cursor}`, { headers: operator })
    seen.push(...body.items.map(({ id }: { id: string }) => id))
    if (body.nextCursor === null) break
    cursor = `&cursor=${body.nextCursor}`
  }
  expect(seen).toEqual(ids)
  const cancelled = await call(api, `DELETE /commands/${ids[0]}`, { headers: operator })
  expect([cancelled.status, cancelled.body.status]).toEqual([200, 'cancelled'])
  expect((await call(api, `GET /commands/${ids[0]}`, { headers: operator })).body.status).toBe('cancelled')
  const again = await call(api, `DELETE /commands/${ids[0]}`, { headers: operator })
  expect([again.status, again.body.code]).toEqual([409, 'command_not_queued'])
  expect((await call(api, `DELETE /commands/${randomUUID()}`, { headers: operator })).status).toBe(404)
})

it('C-REST-8 those of a range are listed, the first moment in it, the last one not', async () => {
  const ids: string[] = []
  for (let i = 0; i < 3; i++) ids.push((await send({})).body.id)
  const start = Date.UTC(2026, 0, 1)
  for (const [i, id] of ids.entries())
    await api.database.pool.query('UPDATE command SET created_at = to_timestamp($2 / 1000.0) WHERE id = $1', [
      id,
      start + i * 1_000,
    ])
  const listed = async (query: string) => {
    const { body } = await call(api, `GET /devices/kitchen/commands?${query}`, { headers: operator })
    return body.items?.map(({ id }: { id: string }) => ids.indexOf(id)) ?? body.code
  }
  expect(await listed(`from=${start}&to=${start + 2_000}`)).toEqual([1, 0])
  expect(await listed(`from=${start + 1}`)).toEqual([2, 1])
  expect(await listed(`to=${start + 1}`)).toEqual([0])
  expect(await listed(`from=${start}&to=${start + 2_001}&limit=2`)).toEqual([2, 1])
  expect(await listed(`from=${start + 1}&to=${start}`)).toBe('invalid_range')
})

it('C-REST-3 a disabled device takes none, and a full queue says so', async () => {
  await addDevice(api, 'off')
  await call(api, 'PATCH /devices/off', { headers: operator, body: { disabled: true } })
  const refused = await call(api, 'POST /devices/off/commands', { headers: operator, body: { name: 'x' } })
  expect([refused.status, refused.body.code]).toEqual([409, 'device_disabled'])
  const answers = await Promise.all(Array.from({ length: 105 }, () => send({})))
  const [full, ...more] = answers.filter(({ status }) => status === 429)
  expect([full?.body.code, full?.headers.get('retry-after')]).toEqual(['queue_full', '1'])
  expect(more.length).toBe(4)
})

it('C-REST-4 one command is read with every step it took, in order', async () => {
  const { id } = (await send({})).body
  const change = { id, deviceId: 'kitchen' }
  const { pool } = api.database
  await transitionCommand(pool, { ...change, to: 'sent' })
  await transitionCommand(pool, { ...change, to: 'progress', detail: { percent: 40 } })
  await transitionCommand(pool, { ...change, to: 'failed', detail: { result: null, error: 'stuck' } })
  const words = { status: 'succeeded', result: 7 }
  await noteLateReply(pool, { ...change, to: 'succeeded', detail: 7, words })
  const { body } = await call(api, `GET /commands/${id}`, { headers: operator })
  expect(body).toMatchObject({ id, status: 'failed', error: 'stuck' })
  const at = expect.stringMatching(/^\d{4}-\d\d-\d\dT.*Z$/)
  expect(body.events).toEqual([
    { status: 'queued', at, detail: null },
    { status: 'sent', at, detail: null },
    { status: 'progress', at, detail: { percent: 40 } },
    { status: 'failed', at, detail: { result: null, error: 'stuck' } },
    { status: 'late_reply', at, detail: words },
  ])
})

it('C-REST-5 a repeated key gets the first answer, whatever has become of the device', async () => {
  await addDevice(api, 'later-off')
  const body = { name: 'reboot', params: { gently: true } }
  const request = { headers: { ...operator, 'idempotency-key': 'before' }, body }
  const first = await call(api, 'POST /devices/later-off/commands', request)
  await call(api, 'PATCH /devices/later-off', { headers: operator, body: { disabled: true } })
  const again = await call(api, 'POST /devices/later-off/commands', request)
  expect([again.status, again.body]).toEqual([202, first.body])
  const other = await call(api, 'POST /devices/later-off/commands', { ...request, body: { name: 'other' } })
  expect([other.status, other.body.code]).toEqual([422, 'idempotency_conflict'])
})

it('C-REST-6 one key at once for two things makes one of them, and refuses the other', async () => {
  for (let i = 0; i < 10; i++) {
    const headers = { 'idempotency-key': `race ${i}` }
    const names = ['one', 'two', 'one', 'two']
    const answers = await Promise.all(names.map((name) => send(headers, { name })))
    const made = answers.find(({ status }) => status === 202)?.body
    const expected = names.map((name) => (name === made.name ? 202 : 422))
    expect(answers.map(({ status }) => status)).toEqual(expected)
    expect(new Set(answers.flatMap(({ body }) => body.id ?? [])).size).toBe(1)
  }
})

it('C-REST-7 the id of a frame and the key of a request are different things', async () => {
  const id = randomUUID()
  const asked = { deviceId: 'kitchen', name: 'reboot', createdBy: 'token:test-operator' }
  const frame = await sendCommand(api.deps, { ...asked, id })
  const request = await send({ 'idempotency-key': id })
  expect([request.status, request.body.id === id]).toEqual([202, false])
  expect(await sendCommand(api.deps, { ...asked, id })).toEqual({
    command: frame.command,
    isNew: false,
  })
})

it('C-TELL-2 what is queued or cancelled here is told to the broker, once, also after an outage', async () => {
  const told = (id: string) =>
    api.broker.seen.filter(({ topic }) => topic === topics.platform('changed', id)).length
  const { id } = (await send({})).body
  await until(() => told(id) === 1)
  await api.broker.stop()
  await until(() => !api.deps.link.isUp)
  await call(api, `DELETE /commands/${id}`, { headers: operator })
  const { body: meanwhile } = await send({})
  await api.broker.start()
  await until(() => told(id) === 2 && told(meanwhile.id) === 1)
})

it('S-AUDIT-2 commands and changes are on record with who made them', async () => {
  const { rows } = await api.database.pool.query("SELECT * FROM audit_entry WHERE action = 'command.send'")
  expect(rows.length).toBeGreaterThan(0)
  expect(rows[0]).toMatchObject({ target: 'kitchen', result: 'ok', address: '127.0.0.1' })
})
