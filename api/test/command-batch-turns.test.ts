import { limits } from '@telltale/infra/limits'
import { type Connection, createPool, type Pool } from '@telltale/infra/storage/pool'
import { waitFor } from '@telltale/infra/testing/wait'
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from 'vitest'
import { BatchBench, everybody } from './batch-bench.ts'
import { type Answer, call } from './harness.ts'

const { turnCommandsMax, connectionsMax, stopWaitMs } = limits.commandBatches
/** Connections of the API in these tests; each stop that waits holds one. */
const API_CONNECTIONS = 8

let bench: BatchBench
/** The runner's, as in main.ts. */
let own: Pool
/** Of somebody who keeps a turn from going on, and looks at what happens. */
let outside: Pool
let blocker: Connection | undefined

beforeAll(async () => {
  bench = await BatchBench.open()
})
beforeEach(() => {
  const { url } = bench.api.database
  own = createPool({ url, name: 'own', max: connectionsMax })
  outside = createPool({ url, name: 'outside', max: 2 })
})
afterEach(async () => {
  await goOn()
  await bench.clear()
  await Promise.all([own.end(), outside.end()])
})
afterAll(() => bench.api.stop())

async function count(from: string): Promise<number> {
  return (await outside.query(`SELECT count(*) AS n FROM ${from}`)).rows[0].n
}

const waiting = (name: string) =>
  count(`pg_stat_activity WHERE application_name = 'telltale-${name}' AND wait_event_type = 'Lock'`)

/** A batch for 30 devices whose first turn has made three commands and is stuck with the fourth, until `goOn`. */
async function stuckTurn(pace = {}): Promise<string> {
  await bench.addDevices(30)
  const { id } = (await bench.post(everybody)).body
  blocker = await outside.connect()
  await blocker.query(`BEGIN; SELECT FROM device WHERE id = 'd-00004' FOR UPDATE`)
  bench.startRunner(pace, { ...bench.api.deps, pool: own })
  await waitFor('the turn to be stuck', async () => (await waiting('own')) === 1)
  return id
}

async function goOn(): Promise<void> {
  const holder = blocker
  blocker = undefined
  await holder?.query('COMMIT')
  holder?.release()
}

it('C-BATCH-17 stops wait for a turn on every connection of the API, and the turn ends all the same', async () => {
  // No second turn before the stops have theirs.
  const id = await stuckTurn({ commandsPerSecond: 1 })
  const stops = Array.from({ length: 3 * API_CONNECTIONS }, () => bench.stop(id))
  await waitFor('the stops to wait', async () => (await waiting('api')) === API_CONNECTIONS)
  await goOn()
  expect((await Promise.all(stops)).map(({ status }: Answer) => status)).toEqual(stops.map(() => 200))
  // Had the turn run short of connections, it would have ended at the fifth.
  expect(await count('command')).toBe(turnCommandsMax)
  const { results } = await bench.batchOf(id)
  expect(results.stopped).toBe(30 - turnCommandsMax)
})

it('C-BATCH-18 a stop that waits too long gives its connection back, says so, and stops nothing', async () => {
  const id = await stuckTurn()
  const stops = await Promise.all([bench.stop(id), bench.stop(id)])
  expect(stops.map(({ status, body }) => [status, body.code])).toEqual(
    stops.map(() => [503, 'command_batch_busy']),
  )
  expect(stops[0]?.headers.get('retry-after')).toBe('1')
  expect(stopWaitMs).toBeLessThan(limits.database.connectTimeoutMs)
  await goOn()
  expect((await bench.ended(id)).results).toEqual({ queued: 30 })
})

it('C-BATCH-19 a turn that has lost its lock makes no command of a batch that was stopped meanwhile', async () => {
  const id = await stuckTurn()
  await outside.query(`SELECT pg_terminate_backend(pid) FROM pg_stat_activity
    WHERE application_name = 'telltale-own' AND state = 'idle in transaction'`)
  await waitFor('the lock to be gone', async () => (await bench.stop(id)).status === 200)
  await goOn()
  const three = async () => (await bench.batchOf(id)).results.cancelled === 3
  await waitFor('the commands to be cancelled', three)
  expect((await bench.batchOf(id)).results).toEqual({ cancelled: 3, stopped: 27 })
  expect(await count('command')).toBe(3)
})

it('C-BATCH-20 a list says how far each batch has come, whatever it holds, and counts nothing', async () => {
  await bench.addDevices(30)
  const {
    id,
    params: _,
    results: __,
    ...summary
  } = (await bench.post({ ...everybody, params: { on: true } })).body
  bench.startRunner()
  const { finishedAt } = await bench.ended(id)
  blocker = await outside.connect()
  // Whoever reads devices or commands waits here.
  await blocker.query('BEGIN; LOCK TABLE command, command_batch_device, device IN ACCESS EXCLUSIVE MODE')
  const { status, body } = await call(bench.api, 'GET /command-batches', { headers: bench.operator })
  expect(status).toBe(200)
  expect(body.items).toEqual([{ ...summary, id, status: 'finished', made: 30, finishedAt }])
})
