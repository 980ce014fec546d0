import { randomUUID } from 'node:crypto'
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest'
import { addDevice, bearer, call, startApi, type TestApi } from './harness.ts'

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
  expect([...seen].sort()).toEqual([...ids].sort())
  const cancelled = await call(api, `DELETE /commands/${ids[0]}`, { headers: operator })
  expect([cancelled.status, cancelled.body.status]).toEqual([200, 'cancelled'])
  expect((await call(api, `GET /commands/${ids[0]}`, { headers: operator })).body.status).toBe('cancelled')
  const again = await call(api, `DELETE /commands/${ids[0]}`, { headers: operator })
  expect([again.status, again.body.code]).toEqual([409, 'command_not_queued'])
  expect((await call(api, `DELETE /commands/${randomUUID()}`, { headers: operator })).status).toBe(404)
})

it('C-REST-3 a disabled device takes none, and a full queue says so', async () => {
  await addDevice(api, 'off')
  await call(api, 'PATCH /devices/off', { headers: operator, body: { disabled: true } })
  const refused = await call(api, 'POST /devices/off/commands', { headers: operator, body: { name: 'x' } })
  expect([refused.status, refused.body.code]).toEqual([409, 'device_disabled'])
  const answers = await Promise.all(Array.from({ length: 105 }, () => send({})))
  const full = answers.find(({ status }) => status === 429)
  expect([full?.body.code, full?.headers.get('retry-after')]).toEqual(['queue_full', '1'])
})

it('S-AUDIT-2 commands and changes are on record with who made them', async () => {
  const { rows } = await api.database.pool.query("SELECT * FROM audit_entry WHERE action = 'command.send'")
  expect(rows.length).toBeGreaterThan(0)
  expect(rows[0]).toMatchObject({ target: 'kitchen', result: 'ok', address: '127.0.0.1' })
})
