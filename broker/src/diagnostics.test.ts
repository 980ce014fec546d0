import { limits } from '@telltale/infra/limits'
import type { Logger } from '@telltale/infra/log'
import { listProblems } from '@telltale/infra/storage/problems'
import { createTestDatabase, type TestDatabase } from '@telltale/infra/testing/database'
import { waitFor } from '@telltale/infra/testing/wait'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { Diagnostics } from './diagnostics.ts'

const { gatheredMax, logLinesPerMinute, nameCharsMax, detailCharsMax } = limits.problems

let database: TestDatabase
let diagnostics: Diagnostics
let lines: Record<string, unknown>[]

beforeEach(async () => {
  database = await createTestDatabase()
  lines = []
  diagnostics = open()
})
afterEach(async () => {
  vi.useRealTimers()
  await diagnostics.stop()
  await database.drop()
})

function open(): Diagnostics {
  const keep = (fields: Record<string, unknown>) => lines.push(fields)
  return new Diagnostics({ pool: database.pool, log: { info: keep, warn: keep } as unknown as Logger })
}

const list = () => listProblems(database.pool, { limit: 10_000 })
const written = (n: number) =>
  waitFor(`${n} problems in the database`, async () => {
    const items = await list()
    return items.length >= n && items
  })

it('O-DIAG-7 a refusal is in the database about a second later, the same ones as one row', async () => {
  diagnostics.start()
  const limit = { name: 'connections of one address', value: 11, allowed: 10 }
  const who = { deviceId: 'kitchen', clientId: 'c', address: '10.0.0.7' }
  diagnostics.report({ code: 'wrong_secret', ...who, detail: 'wrong secret' })
  diagnostics.report({ code: 'wrong_secret', ...who, detail: 'wrong again' })
  diagnostics.report({ code: 'limit_connections', address: '10.0.0.7', detail: '', limit })
  const items = await written(2)
  expect(items.find(({ code }) => code === 'wrong_secret')).toMatchObject({
    ...who,
    detail: 'wrong again',
    count: 2,
    limit: null,
  })
  expect(items.find(({ code }) => code === 'limit_connections')).toMatchObject({
    deviceId: null,
    clientId: null,
    limit,
  })
  expect(diagnostics.takeCounts()).toEqual({ wrong_secret: 2, limit_connections: 1 })
  diagnostics.report({ code: 'wrong_secret', ...who, detail: 'and again' })
  await waitFor('the third to be counted', async () => (await list()).some(({ count }) => count === 3))
  expect(await list()).toHaveLength(2)
})

it('O-DIAG-8 what is left is written at the end', async () => {
  diagnostics.start()
  diagnostics.report({ code: 'mqtt5', deviceId: 'kitchen', detail: '' })
  await diagnostics.stop()
  expect(await list()).toMatchObject([{ code: 'mqtt5', deviceId: 'kitchen' }])
})

it('O-DIAG-9 whatever clients call themselves can be stored, cut to a bound', async () => {
  const long = '🔥'.repeat(5_000)
  diagnostics.report({ code: 'malformed', deviceId: 'a\0b', clientId: '\ud800', address: null, detail: '\0' })
  diagnostics.report({ code: 'oversized', deviceId: long, clientId: `x${long}`, detail: long })
  diagnostics.report({ code: 'not_mqtt', deviceId: '', clientId: '', detail: '' })
  await diagnostics.stop()
  const items = await list()
  const of = (wanted: string) => items.find(({ code }) => code === wanted)
  expect(of('malformed')).toMatchObject({ deviceId: 'a\ufffdb', clientId: '\ufffd', detail: '\ufffd' })
  expect(of('oversized')?.deviceId).toHaveLength(nameCharsMax)
  expect(of('oversized')?.clientId).toHaveLength(nameCharsMax)
  expect(of('oversized')?.detail).toHaveLength(detailCharsMax)
  expect(of('not_mqtt')).toMatchObject({ deviceId: null, clientId: null, detail: '' })
})

it('O-DIAG-10 of a flood only so much is kept and logged, and all of it is counted', async () => {
  vi.useFakeTimers({ toFake: ['performance'] })
  diagnostics.start()
  for (let i = 0; i < gatheredMax + 500; i++)
    diagnostics.report({ code: 'unknown_device', deviceId: `d${i}`, address: '10.0.0.7', detail: 'x' })
  diagnostics.report({ code: 'mqtt5', deviceId: 'late', detail: 'x' })
  expect(lines.filter(({ code }) => code === 'unknown_device')).toHaveLength(logLinesPerMinute)
  expect(lines.filter(({ code }) => code === 'mqtt5')).toHaveLength(1)
  expect(diagnostics.takeCounts()).toEqual({ unknown_device: gatheredMax + 500, mqtt5: 1 })
  expect(await written(gatheredMax)).toHaveLength(gatheredMax)
  vi.advanceTimersByTime(60_000)
  const suppressed = gatheredMax + 500 - logLinesPerMinute
  await waitFor('the line that counts the others', () =>
    lines.some((line) => line.code === 'unknown_device' && line.suppressed === suppressed),
  )
  diagnostics.report({ code: 'unknown_device', deviceId: 'next', detail: 'x' })
  expect(lines.at(-1)).toMatchObject({ code: 'unknown_device', deviceId: 'next' })
})

it('O-DIAG-11 what a lost database connection kept from being written is written once it is back', async () => {
  const blocker = await database.pool.connect()
  await blocker.query('BEGIN; LOCK TABLE connection_problem')
  diagnostics.start()
  diagnostics.report({ code: 'wrong_secret', deviceId: 'kitchen', detail: 'first' })
  await waitFor('the write to wait, and to lose its connection', async () => {
    const { rows } = await database.pool.query(
      `SELECT pg_terminate_backend(pid) AS done FROM pg_stat_activity
       WHERE datname = current_database() AND wait_event_type = 'Lock'`,
    )
    return rows.length > 0
  })
  diagnostics.report({ code: 'wrong_secret', deviceId: 'kitchen', detail: 'second' })
  await waitFor('the failure to be logged', () => lines.some(({ problems }) => problems === 1))
  await blocker.query('COMMIT')
  blocker.release()
  expect(await written(1)).toMatchObject([{ code: 'wrong_secret', count: 2, detail: 'second' }])
})

it('O-DIAG-12 what the database refuses for good is given up, and what comes later is written', async () => {
  await database.pool.query(`ALTER TABLE connection_problem ADD CHECK (code <> 'mqtt5')`)
  diagnostics.start()
  diagnostics.report({ code: 'mqtt5', deviceId: 'kitchen', detail: '' })
  await waitFor('the failure to be logged', () => lines.some(({ problems }) => problems === 1))
  diagnostics.report({ code: 'disabled', deviceId: 'kitchen', detail: '' })
  expect(await written(1)).toMatchObject([{ code: 'disabled' }])
  expect(diagnostics.takeCounts()).toEqual({ mqtt5: 1, disabled: 1 })
})

it('O-DIAG-16 a broker removes what is too much a minute later', async () => {
  vi.useFakeTimers({ toFake: ['performance'] })
  // By the clock that is moved below.
  diagnostics = open()
  await database.pool.query(
    `INSERT INTO connection_problem (device_id, address, code, detail, count, first_at, last_at)
     SELECT 'pushy', n::text, 'mqtt5', '', 1, now(), now() FROM generate_series(1, 200) n`,
  )
  diagnostics.start()
  diagnostics.report({ code: 'disabled', deviceId: 'kitchen', detail: '' })
  await written(201)
  vi.advanceTimersByTime(limits.problems.pruneMs)
  const { perDeviceMax } = limits.problems
  await waitFor('the oldest to go', async () => (await list()).length === perDeviceMax + 1)
})
