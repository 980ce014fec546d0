import { topics } from '@telltale/broker/contract'
import { workOnDeletions } from '@telltale/infra/storage/deletions'
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
  await api.database.pool.query('DELETE FROM device')
  api.broker.seen.length = 0
})

const revocations = (id: string) =>
  api.broker.seen.filter(({ topic, qos }) => topic === topics.platform('revoked', id) && qos === 1).length

it('D-CREATE-1 the secret of a device is shown once, and stored only as a hash', async () => {
  const created = await call(api, 'POST /devices', {
    headers: operator,
    body: { id: 'kitchen', name: 'Kitchen' },
  })
  expect([created.status, created.headers.get('location')]).toEqual([201, '/api/v1/devices/kitchen'])
  expect(created.body.secret).toMatch(/^[\w-]{43}$/)
  expect(created.body.presence).toEqual({ status: 'never', since: null, reason: null, seenAt: null })
  const read = await call(api, 'GET /devices/kitchen', { headers: viewer })
  const { secret, ...device } = created.body
  expect(read.body).toEqual(device)
  const { rows } = await api.database.pool.query('SELECT * FROM device_credential')
  expect(JSON.stringify(rows)).not.toContain(secret)
})

it('D-CREATE-2 without an id a readable one is made; a taken one is refused', async () => {
  const made = await call(api, 'POST /devices', { headers: operator, body: { name: 'Cold room 3' } })
  expect(made.body.id).toMatch(/^cold-room-3-[0-9a-f]{6}$/)
  await addDevice(api, 'kitchen')
  const again = await call(api, 'POST /devices', { headers: operator, body: { id: 'kitchen', name: 'x' } })
  expect([again.status, again.body.code]).toEqual([409, 'device_exists'])
})

it('S-NAMES-1 a hostile name comes back exactly as it was given', async () => {
  const name = `<img src=x onerror=alert(1)> "'; DROP TABLE device; -- \u202e 🔥`
  await call(api, 'POST /devices', { headers: operator, body: { id: 'kitchen', name } })
  const read = await call(api, 'GET /devices/kitchen', { headers: viewer })
  expect(read.body.name).toBe(name)
  expect(read.headers.get('content-type')).toMatch('application/json')
  expect(read.headers.get('x-content-type-options')).toBe('nosniff')
  const refused = await call(api, 'POST /devices', { headers: operator, body: { name: 'nul \u0000' } })
  expect([refused.status, refused.body.code]).toEqual([422, 'unstorable_text'])
})

it('D-LIST-1 pages neither repeat nor skip, filters match, and wildcards are plain text', async () => {
  for (let i = 0; i < 7; i++) await addDevice(api, `device-${i}`, `Sensor ${i}`)
  await addDevice(api, 'odd', '100% _real_')
  await call(api, 'PATCH /devices/device-3', { headers: operator, body: { tags: ['roof'] } })
  const seen: string[] = []
  for (let cursor = ''; ; ) {
    const { body } = await call(api, `GET /devices?limit=3${cursor}`, { headers: viewer })
    seen.push(...body.items.map(({ id }: { id: string }) => id))
    if (body.nextCursor === null) break
    cursor = `&cursor=${encodeURIComponent(body.nextCursor)}`
  }
  expect(seen).toEqual([
    'device-0',
    'device-1',
    'device-2',
    'device-3',
    'device-4',
    'device-5',
    'device-6',
    'odd',
  ])
  const find = async (query: string) => {
    const { body } = await call(api, `GET /devices?${query}`, { headers: viewer })
    return body.items.map(({ id }: { id: string }) => id)
  }
  expect(await find('q=SENSOR%202')).toEqual(['device-2'])
  expect(await find('q=%25')).toEqual(['odd'])
  expect(await find('q=_real')).toEqual(['odd'])
  expect(await find('q=0%25')).toEqual(['odd'])
  expect(await find('tag=roof')).toEqual(['device-3'])
  expect(await find('status=never&limit=1')).toEqual(['device-0'])
  expect(await find('status=online')).toEqual([])
})

it('D-CHANGE-1 a change touches only what it names; disabling tells the broker', async () => {
  await addDevice(api, 'kitchen', 'Kitchen')
  const body = { type: 'thermometer', tags: ['a', 'b'] }
  const changed = await call(api, 'PATCH /devices/kitchen', { headers: operator, body })
  expect(changed.body).toMatchObject({ name: 'Kitchen', ...body, disabledAt: null })
  const typeless = await call(api, 'PATCH /devices/kitchen', { headers: operator, body: { type: null } })
  expect(typeless.body).toMatchObject({ type: null, tags: ['a', 'b'] })
  expect(revocations('kitchen')).toBe(0)
  const disabled = await call(api, 'PATCH /devices/kitchen', { headers: operator, body: { disabled: true } })
  expect(Date.parse(disabled.body.disabledAt)).toBeGreaterThan(0)
  await until(() => revocations('kitchen') === 1)
  const enabled = await call(api, 'PATCH /devices/kitchen', { headers: operator, body: { disabled: false } })
  expect(enabled.body.disabledAt).toBeNull()
  expect((await call(api, 'PATCH /devices/kitchen', { headers: operator, body: {} })).status).toBe(400)
  expect((await call(api, 'PATCH /devices/none', { headers: operator, body: { name: 'x' } })).status).toBe(
    404,
  )
})

it('D-CRED-1 at most two credentials are active, also when asked at once; revoking tells the broker', async () => {
  await addDevice(api, 'kitchen')
  const ask = () => call(api, 'POST /devices/kitchen/credentials', { headers: operator })
  const answers = await Promise.all([ask(), ask(), ask()])
  expect(answers.map(({ status }) => status).sort()).toEqual([201, 409, 409])
  const second = answers.find(({ status }) => status === 201)
  const list = await call(api, 'GET /devices/kitchen/credentials', { headers: operator })
  expect(list.body.items).toHaveLength(2)
  expect(JSON.stringify(list.body)).not.toContain(second?.body.secret)
  const revoke = () =>
    call(api, `DELETE /devices/kitchen/credentials/${second?.body.id}`, { headers: operator })
  expect((await revoke()).status).toBe(204)
  await until(() => revocations('kitchen') === 1)
  expect((await revoke()).status).toBe(404)
  expect((await ask()).status).toBe(201)
})

it('S-IDOR-1 a credential is revoked only under its own device', async () => {
  await addDevice(api, 'kitchen')
  await addDevice(api, 'cellar')
  const { body } = await call(api, 'GET /devices/kitchen/credentials', { headers: operator })
  const line = `DELETE /devices/cellar/credentials/${body.items[0].id}`
  expect((await call(api, line, { headers: operator })).status).toBe(404)
})

it('D-DELETE-1 deleting a device removes it at once, tells the broker, and shows how far its readings are', async () => {
  await addDevice(api, 'kitchen')
  const { store } = await import('./harness.ts')
  await store(api, 'kitchen', { metric: 't', points: [[Date.now(), 1]] })
  await store(api, 'kitchen', { metric: 's', points: [[Date.now(), 'x']] })
  expect((await call(api, 'DELETE /devices/kitchen', { headers: operator })).status).toBe(204)
  await until(() => revocations('kitchen') === 1)
  const { rows } = await api.database.pool.query('SELECT count(*) AS n FROM series')
  expect(rows[0].n).toBe(0)
  const deletions = async () => (await call(api, 'GET /deletions', { headers: viewer })).body.items
  expect(await deletions()).toMatchObject([
    { deviceId: 'kitchen', requestedBy: 'token:test-operator', readingsDeleted: 0, finishedAt: null },
  ])
  // What a broker does.
  await workOnDeletions(api.database.pool, await openEngine(api.database.pool))
  expect(await deletions()).toMatchObject([{ readingsDeleted: 2 }])
  expect((await call(api, 'DELETE /devices/kitchen', { headers: operator })).status).toBe(404)
})

interface SessionRow {
  connected: string
  disconnected?: string
  reason?: string
  reported?: string
}

async function addSession(deviceId: string, { connected, disconnected, reason, reported }: SessionRow) {
  await api.database.pool.query(
    `INSERT INTO session (device_id, broker_id, client_id, connected_at, disconnected_at, reason, reported, reported_at)
     VALUES ($1, 'b', 'c', now() - $2::interval, now() - $3::interval, $4, $5::text,
       CASE WHEN $5::text IS NOT NULL THEN now() END)`,
    [deviceId, connected, disconnected ?? null, reason ?? null, reported ?? null],
  )
}

/** In milliseconds, the newest first. */
async function connectTimes(deviceId: string): Promise<number[]> {
  const { rows } = await api.database.pool.query<{ connectedAt: Date }>(
    'SELECT connected_at AS "connectedAt" FROM session WHERE device_id = $1 ORDER BY connected_at DESC',
    [deviceId],
  )
  return rows.map(({ connectedAt }) => connectedAt.getTime())
}

const addActivity = (deviceId: string, seen: string, intervalMs: number) =>
  api.database.pool.query(
    'INSERT INTO device_activity (device_id, seen_at, interval_ms) VALUES ($1, now() - $2::interval, $3)',
    [deviceId, seen, intervalMs],
  )

it('P-STATUS-1 presence follows the newest session, what the device said, and its silence', async () => {
  for (const id of ['never', 'online', 'offline', 'said', 'silent', 'slow', 'back']) await addDevice(api, id)
  await addSession('online', { connected: '1 hour', disconnected: '30 min', reason: 'connection_lost' })
  await addSession('online', { connected: '10 min' })
  await addActivity('online', '5 s', 1_000)
  await addSession('offline', { connected: '1 hour', disconnected: '5 min', reason: 'keep_alive_lost' })
  await addSession('said', { connected: '1 hour', reported: 'offline' })
  await addSession('silent', { connected: '1 hour' })
  await addActivity('silent', '31 s', 1_000)
  await addSession('slow', { connected: '1 hour' })
  await addActivity('slow', '20 min', 10 * 60_000)
  await addSession('back', { connected: '2 s' })
  await addActivity('back', '1 day', 1_000)
  const { body } = await call(api, 'GET /devices', { headers: viewer })
  const found = body.items.map(
    ({ id, presence }: { id: string; presence: { status: string; reason: string } }) => [
      id,
      presence.status,
      presence.reason,
    ],
  )
  expect(found).toEqual([
    ['back', 'online', 'connected'],
    ['never', 'never', null],
    ['offline', 'offline', 'keep_alive_lost'],
    ['online', 'online', 'connected'],
    ['said', 'offline', 'said_offline'],
    ['silent', 'silent', 'silent'],
    ['slow', 'online', 'connected'],
  ])
  const silent = body.items.find(({ id }: { id: string }) => id === 'silent')
  expect(silent.presence.since).toBe(silent.presence.seenAt)
  const fleet = await call(api, 'GET /fleet', { headers: viewer })
  expect(fleet.body).toEqual({ total: 7, online: 3, silent: 1, offline: 2, never: 1 })
  const filtered = await call(api, 'GET /devices?status=silent', { headers: viewer })
  expect(filtered.body.items).toHaveLength(1)
})

it('P-HISTORY-1 uptime counts the overlap of a takeover once and the open session until now', async () => {
  await addDevice(api, 'kitchen')
  await addSession('kitchen', { connected: '50 min', disconnected: '30 min', reason: 'taken_over' })
  await addSession('kitchen', { connected: '40 min', disconnected: '20 min', reason: 'disconnected' })
  await addSession('kitchen', { connected: '10 min' })
  const presence = (from: number, to: number) =>
    call(api, `GET /devices/kitchen/presence?from=${from}&to=${to}`, { headers: viewer })
  const [begun = 0, second = 0] = await connectTimes('kitchen')
  // Ten minutes of the open one, however long all of this takes.
  const { body } = await presence(begun - 90 * 60_000, begun + 10 * 60_000)
  expect(body.uptimePercent).toBeCloseTo(40, 1)
  expect(body.sessions.map(({ reason }: { reason: string }) => reason)).toEqual([
    null,
    'disconnected',
    'taken_over',
  ])
  expect(body.sessions[1].durationMs).toBe(20 * 60_000)
  const part = await presence(second, second + 20 * 60_000)
  expect(part.body.uptimePercent).toBeCloseTo(100, 1)
  expect(part.body.sessions).toHaveLength(2)
})

it('T-REJECTED-1 rejected messages are paged newest first, with what is no text shown as bytes', async () => {
  await addDevice(api, 'kitchen')
  for (const payload of ['{"a":', 'two', '\x00\xff<b>\n'])
    await api.database.pool.query(
      `INSERT INTO rejected_message (device_id, received_at, topic, reason, payload, payload_bytes)
       VALUES ('kitchen', now(), 'devices/kitchen/telemetry', 'not JSON', $1, 5)`,
      [Buffer.from(payload, 'latin1')],
    )
  const first = await call(api, 'GET /devices/kitchen/rejected?limit=2', { headers: viewer })
  expect(first.body.items.map(({ payload }: { payload: string }) => payload)).toEqual([
    '\\x00\\xff<b>\n',
    'two',
  ])
  const next = await call(api, `GET /devices/kitchen/rejected?limit=2&cursor=${first.body.nextCursor}`, {
    headers: viewer,
  })
  expect(next.body).toMatchObject({ items: [{ payload: '{"a":' }], nextCursor: null })
})
