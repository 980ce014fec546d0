import { randomUUID } from 'node:crypto'
import { limits } from '@telltale/infra/limits'
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest'
import { BatchBench, everybody } from './batch-bench.ts'
import { bearer, call } from './harness.ts'

let bench: BatchBench
beforeAll(async () => {
  bench = await BatchBench.open()
})
afterEach(() => bench.clear())
afterAll(() => bench.api.stop())

it('C-BATCH-1 a dry run counts and stores nothing', async () => {
  await bench.addDevices(3)
  await bench.query(`
    UPDATE device SET disabled_at = now() WHERE id = 'd-00001';
    INSERT INTO session (device_id, broker_id, client_id, connected_at) VALUES ('d-00002', 'b', 'c', now())`)
  const { status, body } = await bench.post({ ...everybody, dryRun: true })
  expect([status, body]).toEqual([200, { devices: 3, online: 1, disabled: 1 }])
  expect(await bench.count('command_batch')).toBe(0)
  expect(await bench.count('audit_entry')).toBe(0)
})

it('C-BATCH-2 the filter means what it means in the list of devices; everybody has to be said', async () => {
  await bench.addDevices(2, { prefix: 'lamp', tags: '{hall,up}', type: 'lamp' })
  await bench.addDevices(3, { prefix: 'pump', tags: '{cellar}', type: 'pump' })
  await bench.addDevices(1, { prefix: 'odd', tags: '{hall}' })
  await bench.query(`UPDATE device SET name = '100%_' WHERE id = 'odd-00001'`)
  await bench.query(
    `INSERT INTO session (device_id, broker_id, client_id, connected_at) VALUES ('pump-00001', 'b', 'c', now())`,
  )
  const counted = async (filter: object) => (await bench.post({ filter, dryRun: true })).body.devices
  const listed = async (query: string) => (await bench.get(`/devices?${query}`)).items.length
  expect(await counted({ all: true })).toBe(6)
  for (const [key, value, expected] of [
    ['tag', 'hall', 3],
    ['q', 'LAMP', 2],
    ['q', '%_', 1],
    ['status', 'online', 1],
    ['status', 'never', 5],
  ] as const) {
    expect([key, value, await counted({ [key]: value })]).toEqual([key, value, expected])
    expect(await listed(`${key}=${encodeURIComponent(value)}`)).toBe(expected)
  }
  expect(await counted({ type: 'pump' })).toBe(3)
  expect(await counted({ all: true, tag: 'hall', type: 'lamp' })).toBe(2)
  expect(await counted({ ids: ['pump-00001', 'lamp-00001', 'nobody'] })).toBe(2)
  for (const filter of [{}, { all: false }, { ids: [] }, { other: 1 }])
    expect([filter, (await bench.post({ filter })).status]).toEqual([filter, 400])
  expect((await bench.post({})).status).toBe(400)
  const nobody = await bench.post({ filter: { tag: 'nobody' } })
  expect([nobody.status, nobody.body.code]).toEqual([422, 'no_devices'])
  expect(await bench.count('command_batch')).toBe(0)
})

it('C-BATCH-3 the idempotency key makes a batch once, for that caller only, also in a double click', async () => {
  await bench.addDevices(2)
  const key = { 'idempotency-key': 'k1' }
  const first = await bench.post({ ...everybody, params: { on: true } }, key)
  expect([first.status, first.headers.get('location')]).toEqual([
    202,
    `/api/v1/command-batches/${first.body.id}`,
  ])
  await bench.addDevices(1, { prefix: 'later' })
  const again = await bench.post({ ...everybody, params: { on: true }, devicesMax: 1 }, key)
  expect([again.status, again.body.id, again.body.devices]).toEqual([202, first.body.id, 2])
  for (const other of [{ params: { on: false } }, { filter: { q: 'd' } }, { ttlMs: 5_000 }]) {
    const { status, body } = await bench.post({ ...everybody, params: { on: true }, ...other }, key)
    expect([status, body.code]).toEqual([422, 'idempotency_conflict'])
  }
  const somebody = await bearer(bench.api, 'operator', 'somebody-else')
  expect(
    (await bench.post({ ...everybody, params: { on: true } }, { ...key, ...somebody })).body.id,
  ).not.toBe(first.body.id)
  const clicks = await Promise.all(
    Array.from({ length: 5 }, () => bench.post(everybody, { 'idempotency-key': 'k2' })),
  )
  expect(new Set(clicks.map(({ body }) => body.id)).size).toBe(1)
  expect(await bench.count('command_batch')).toBe(3)
  expect(await bench.count(`audit_entry WHERE action = 'command.send_many'`)).toBe(3)
})

it('C-BATCH-4 a selection that has grown, or is too large, is refused with how many it matches', async () => {
  await bench.addDevices(3)
  const grown = await bench.post({ ...everybody, devicesMax: 2 })
  expect([grown.status, grown.body.code]).toEqual([409, 'selection_changed'])
  expect(grown.body.errors).toEqual([
    { path: 'body/devicesMax', message: 'the filter matches 3 devices now' },
  ])
  await bench.addDevices(limits.commandBatches.devicesMax, { prefix: 'crowd' })
  const crowd = await bench.post(everybody)
  expect([crowd.status, crowd.body.code]).toEqual([422, 'too_many_devices'])
  const deep = `{"name":"x","filter":{"all":true},"params":${'['.repeat(40)}${']'.repeat(40)}}`
  const tooDeep = await call(bench.api, 'POST /commands', { headers: bench.operator, body: deep })
  expect([tooDeep.status, tooDeep.body.code]).toEqual([422, 'too_deep'])
  expect(await bench.count('command_batch')).toBe(0)
  expect(
    (await bench.post({ ...everybody, devicesMax: limits.commandBatches.devicesMax, filter: { q: 'crowd' } }))
      .status,
  ).toBe(202)
})

it('C-BATCH-5 a viewer reads batches and their results, and sends and stops none', async () => {
  await bench.addDevices(1)
  const viewer = await bearer(bench.api, 'viewer')
  const { id } = (await bench.post(everybody)).body
  const ask = async (line: string, body?: unknown) =>
    (await call(bench.api, line, { headers: viewer, body })).status
  expect(await ask('POST /commands', { ...everybody, name: 'x' })).toBe(403)
  expect(await ask('POST /commands', { ...everybody, name: 'x', dryRun: true })).toBe(403)
  expect(await ask(`DELETE /command-batches/${id}`)).toBe(403)
  for (const path of ['', `/${id}`, `/${id}/results`])
    expect(await ask(`GET /command-batches${path}`)).toBe(200)
  for (const path of ['', '/results'])
    expect(await ask(`GET /command-batches/${randomUUID()}${path}`)).toBe(404)
})

it('C-BATCH-6 each device gets one command, and what becomes of it is in the results, page by page', async () => {
  await bench.addDevices(25)
  const { body } = await bench.post({ ...everybody, params: { on: true }, ttlMs: 60_000 })
  expect(body).toMatchObject({ status: 'running', devices: 25, results: { waiting: 25 }, finishedAt: null })
  const waiting = await bench.get(`/command-batches/${body.id}/results?limit=1`)
  expect(waiting.items).toEqual([
    {
      ...{ deviceId: 'd-00001', deviceName: expect.any(String), commandId: null, status: 'waiting' },
      ...{ error: null, expiresAt: null, finishedAt: null },
    },
  ])
  bench.startRunner()
  expect(await bench.ended(body.id)).toMatchObject({
    results: { queued: 25 },
    finishedAt: expect.any(String),
  })
  await bench.query(
    `UPDATE command SET status = 'succeeded', finished_at = now() WHERE device_id = 'd-00007'`,
  )
  const pages = await bench.walk(`/command-batches/${body.id}/results?limit=10&status=queued`)
  const seen = pages.map(({ deviceId }) => deviceId)
  expect(new Set(seen).size).toBe(24)
  expect(seen).toEqual([...seen].sort())
  const { commandId, expiresAt } = pages[0]
  expect((await bench.get(`/commands/${commandId}`)).expiresAt).toBe(expiresAt)
  const [done] = (await bench.get(`/command-batches/${body.id}/results?status=succeeded`)).items
  const command = await bench.get(`/commands/${done.commandId}`)
  expect(command).toMatchObject({ deviceId: 'd-00007', params: { on: true }, ttlMs: 60_000 })
  expect((await bench.batchOf(body.id)).results).toEqual({ queued: 24, succeeded: 1 })
})

it('C-BATCH-13 ten thousand devices are selected by a handful of statements', async () => {
  await bench.addDevices(limits.commandBatches.devicesMax)
  const { pool } = bench.api.deps
  let statements = 0
  const onAcquire = () => {
    statements += 1
  }
  pool.on('acquire', onAcquire)
  const answer = await bench.post(everybody)
  pool.off('acquire', onAcquire)
  expect([answer.status, answer.body.results]).toEqual([202, { waiting: 10_000 }])
  expect(statements).toBeLessThan(10)
})

it('C-BATCH-14 batches are listed newest first, page by page', async () => {
  await bench.addDevices(1)
  const ids: string[] = []
  for (let i = 0; i < 5; i++) ids.unshift((await bench.post(everybody)).body.id)
  const seen = (await bench.walk('/command-batches?limit=2')).map(({ id }) => id)
  expect(seen).toEqual(ids)
})
