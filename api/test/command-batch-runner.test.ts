import { randomUUID } from 'node:crypto'
import { limits } from '@telltale/infra/limits'
import { createPool } from '@telltale/infra/storage/pool'
import { waitFor } from '@telltale/infra/testing/wait'
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest'
import { BatchBench, everybody } from './batch-bench.ts'
import { bearer, call } from './harness.ts'

let bench: BatchBench
beforeAll(async () => {
  bench = await BatchBench.open()
})
afterEach(() => bench.clear())
afterAll(() => bench.api.stop())

it('C-BATCH-7 a device that cannot take it is refused with the reason, and the others get theirs', async () => {
  await bench.addDevices(6)
  await bench.query(`
    UPDATE device SET disabled_at = now() WHERE id = 'd-00002';
    INSERT INTO command (id, device_id, name, params, status, ttl_ms, created_by, expires_at)
    SELECT gen_random_uuid(), 'd-00003', 'x', '{}', 'queued', 1000, 'test', now() + interval '1 hour'
    FROM generate_series(1, ${limits.commands.queuedPerDeviceMax});
    UPDATE device SET type = 'picky' WHERE id = 'd-00005'`)
  const admin = await bearer(bench.api, 'admin')
  const params = { type: 'object', properties: { on: { type: 'boolean' } }, required: ['on'] }
  const type = { commands: { reboot: { params } } }
  expect((await call(bench.api, 'PUT /types/picky', { headers: admin, body: type })).status).toBeLessThan(300)
  const { id } = (await bench.post(everybody)).body
  await bench.query(`DELETE FROM device WHERE id = 'd-00004'`)
  bench.startRunner()
  expect((await bench.ended(id)).results).toEqual({ refused: 4, queued: 2 })
  const { items } = await bench.get(`/command-batches/${id}/results?status=refused`)
  const errors = items.map(({ deviceId, error }: Record<string, string>) => [deviceId, error])
  expect(errors).toEqual([
    ['d-00002', 'The device is disabled. Enable the device first.'],
    ['d-00003', 'The command queue of the device is full. Wait, or cancel queued commands.'],
    ['d-00004', 'The device was deleted.'],
    ['d-00005', expect.stringContaining('body/params')],
  ])
  await bench.query(`DELETE FROM device WHERE id = 'd-00001'`)
  expect((await bench.batchOf(id)).results).toEqual({ refused: 5, queued: 1 })
})

it('C-BATCH-8 stopped in the middle no further command is made, queued ones are cancelled, sent ones go on', async () => {
  await bench.addDevices(40)
  const { id } = (await bench.post(everybody)).body
  // The rest of them would take seconds.
  const runner = bench.startRunner({ commandsPerSecond: 10, turnCommandsMax: 5 })
  await waitFor('some commands', async () => (await bench.count('command')) >= 5)
  await bench.query(`UPDATE command SET status = 'sent', sent_at = now() WHERE device_id <= 'd-00002'`)
  const answer = await bench.stop(id)
  expect([answer.status, answer.body.status]).toEqual([200, 'stopped'])
  const made = await bench.count('command')
  expect(made).toBeLessThan(40)
  await waitFor(
    'the rest to be cancelled',
    async () => (await bench.batchOf(id)).results.cancelled === made - 2,
  )
  const { results, devices } = await bench.batchOf(id)
  expect(results).toEqual({ sent: 2, cancelled: made - 2, stopped: 40 - made })
  expect(Object.values(results as Record<string, number>).reduce((a, b) => a + b)).toBe(devices)
  expect(await bench.count(`command_event WHERE status = 'cancelled'`)).toBe(made - 2)
  const again = await bench.stop(id)
  expect([again.status, again.body.results]).toEqual([200, results])
  expect(await bench.count(`audit_entry WHERE action = 'command.stop_many'`)).toBe(1)
  await runner.stop()
  expect(await bench.count('command')).toBe(made)
})

it('C-BATCH-9 a finished batch can be stopped while commands are queued, and not when all were sent', async () => {
  await bench.addDevices(2)
  bench.startRunner()
  const { id } = (await bench.post(everybody)).body
  await bench.ended(id)
  await bench.query(`UPDATE command SET status = 'sent', sent_at = now()`)
  const over = await bench.stop(id)
  expect([over.status, over.body.code]).toEqual([409, 'command_batch_over'])
  const second = (await bench.post({ ...everybody, name: 'second' })).body
  await bench.ended(second.id)
  expect((await bench.stop(second.id)).status).toBe(200)
  await waitFor('both to be cancelled', async () => (await bench.batchOf(second.id)).results.cancelled === 2)
  expect((await bench.stop(randomUUID())).status).toBe(404)
})

it('C-BATCH-10 two runners make each command once, keep one pace, and two batches advance side by side', async () => {
  await bench.addDevices(20)
  const first = (await bench.post({ ...everybody, name: 'first' })).body
  const second = (await bench.post({ ...everybody, name: 'second' })).body
  const pace = { commandsPerSecond: 10, turnCommandsMax: 5 }
  bench.startRunner(pace)
  bench.startRunner(pace)
  await Promise.all([bench.ended(first.id), bench.ended(second.id)])
  for (const name of ['first', 'second']) {
    const devices = await bench.devicesOf(name)
    expect([devices.length, new Set(devices).size]).toEqual([20, 20])
  }
  const { rows } = await bench.api.database.pool.query<{ name: string; ms: number }>(
    `SELECT name, (extract(epoch FROM created_at) * 1000)::float8 AS ms FROM command ORDER BY seq`,
  )
  // Turns of 5 commands, 500 ms from one beginning to the next: two paces side by side would take half of that. A
  // command is made some time after its turn begins, so the way may look a little shorter.
  const begins = rows.filter((_, i) => i % 5 === 0).map(({ ms }) => ms)
  expect((begins.at(-1) ?? 0) - (begins[0] ?? 0)).toBeGreaterThan(0.75 * 500 * (begins.length - 1))
  // In any stretch of the way both have come equally far, but for a turn.
  const lead = rows.map((_, i) =>
    rows.slice(0, i).reduce((n, { name }) => n + (name === 'first' ? 1 : -1), 0),
  )
  expect(Math.max(...lead.map(Math.abs))).toBeLessThanOrEqual(5)
})

it('C-BATCH-11 a runner killed in the middle of a turn: another goes on, and each device gets one command', async () => {
  await bench.addDevices(30)
  const { id } = (await bench.post(everybody)).body
  const doomed = createPool({ url: bench.api.database.url, name: 'doomed', max: 2 })
  const blocker = await bench.api.database.pool.connect()
  await blocker.query(`BEGIN; SELECT FROM device WHERE id = 'd-00004' FOR UPDATE`)
  bench.startRunner({}, { ...bench.api.deps, pool: doomed })
  // It waits for the fourth device now, with three commands made and none of them noted.
  const waits = `pg_stat_activity WHERE application_name = 'telltale-doomed' AND wait_event_type = 'Lock'`
  await waitFor('the turn to be stuck', async () => (await bench.count(waits)) === 1)
  expect(await bench.count('command')).toBe(3)
  const over = doomed.end()
  await bench.query(
    `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'telltale-doomed'`,
  )
  await over
  await blocker.query('COMMIT')
  blocker.release()
  expect((await bench.batchOf(id)).results).toEqual({ queued: 3, waiting: 27 })
  bench.startRunner()
  expect((await bench.ended(id)).results).toEqual({ queued: 30 })
  expect(new Set(await bench.devicesOf('reboot')).size).toBe(30)
  expect(await bench.count('command')).toBe(30)
})

it('C-BATCH-12 when the database fails in between, devices wait and none is refused', async () => {
  await bench.addDevices(12)
  const { id } = (await bench.post(everybody)).body
  const blocker = await bench.api.database.pool.connect()
  await blocker.query(`BEGIN; SELECT FROM device WHERE id = 'd-00004' FOR UPDATE`)
  const lossy = createPool({ url: bench.api.database.url, name: 'lossy', max: 2 })
  const runner = bench.startRunner({}, { ...bench.api.deps, pool: lossy })
  const stuck = `pg_stat_activity WHERE application_name = 'telltale-lossy' AND wait_event_type = 'Lock'`
  for (const how of ['pg_terminate_backend', 'pg_cancel_backend']) {
    await waitFor('the turn to be stuck', async () => (await bench.count(stuck)) === 1)
    await bench.query(`SELECT ${how}(pid) FROM ${stuck}`)
  }
  await blocker.query('COMMIT')
  blocker.release()
  expect((await bench.ended(id)).results).toEqual({ queued: 12 })
  expect(await bench.devicesOf('reboot')).toHaveLength(12)
  await runner.stop()
  await lossy.end()
})

it('C-BATCH-15 a database clock that was set back holds up no batch', async () => {
  await bench.addDevices(3)
  const { id } = (await bench.post(everybody)).body
  await bench.query(`UPDATE command_batch_pace SET next_at = now() + interval '1 hour'`)
  bench.startRunner()
  expect((await bench.ended(id)).results).toEqual({ queued: 3 })
})
