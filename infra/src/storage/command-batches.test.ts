import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { describeEngines, type TestDatabase } from '../testing/database.ts'
import { type BatchTurn, listTurnDevices, noteBatchTurn, takeBatchTurn } from './command-batch-turns.ts'
import {
  type CommandBatchRecord,
  createCommandBatch,
  getCommandBatch,
  listBatchResults,
  listCommandBatches,
  stopCommandBatch,
} from './command-batches.ts'
import { insertCommand } from './commands.ts'
import { inTransaction, type Queryable } from './pool.ts'

const SPAN_MS = 10

describeEngines('command batches', (testEngine) => {
  let database: TestDatabase
  beforeAll(async () => {
    database = await testEngine.createDatabase()
  })
  afterAll(() => database.drop())

  /** The turn of two devices: the first gets its command, the second is refused. */
  async function makeTwo(db: Queryable): Promise<string[]> {
    const turn = (await takeBatchTurn(db, SPAN_MS)) as BatchTurn
    const [first, second] = await listTurnDevices(db, turn, 2)
    if (!first || !second) throw new Error('no devices')
    const { name, params, ttlMs, createdBy } = turn
    const { deviceId, commandId } = first
    const made = { id: commandId, deviceId, name, params, ttlMs, createdBy }
    expect((await insertCommand(database.pool, made)).outcome).toMatch(/created|repeated/)
    const refused = [{ position: second.position, error: 'it is full' }]
    await noteBatchTurn(db, turn, { position: second.position + 1, refused, spanMs: 0 })
    return [first.commandId, second.commandId]
  }

  it('C-BATCH-16 counts add up at every step, and a lost turn is repeated with the same ids', async () => {
    const { pool } = database
    await pool.query(`INSERT INTO device (id, name) SELECT 'd' || n, 'n' FROM generate_series(1, 5) n`)
    const id = randomUUID()
    const asked = {
      name: 'x',
      params: { on: true },
      ttlMs: 1_000,
      createdBy: 'ada',
      idempotencyKey: undefined,
    }
    const made = await createCommandBatch(pool, { ...asked, id, filter: { all: true }, devicesMax: 5 })
    expect(made).toEqual({ outcome: 'created', id })
    const results = async () => (await getCommandBatch(pool, id))?.results
    expect(await results()).toEqual({ waiting: 5 })
    let lostIds: string[] = []
    const lost = inTransaction(pool, async (db) => {
      lostIds = await makeTwo(db)
      // Whoever comes meanwhile has no turn.
      expect(await inTransaction(pool, (other) => takeBatchTurn(other, SPAN_MS))).toBeUndefined()
      throw new Error('lost')
    })
    await expect(lost).rejects.toThrow('lost')
    expect(await results()).toEqual({ queued: 1, waiting: 4 })
    expect(await inTransaction(pool, makeTwo)).toEqual(lostIds)
    expect(await results()).toEqual({ queued: 1, refused: 1, waiting: 3 })
    expect(await stopCommandBatch(pool, id)).toBe('stopped')
    expect(await stopCommandBatch(pool, id)).toBe('repeated')
    expect(await results()).toEqual({ queued: 1, refused: 1, stopped: 3 })
    const rows = await listBatchResults(pool, id, { limit: 10, after: undefined, status: undefined })
    expect(rows.map(({ deviceId, status, error }) => [deviceId, status, error])).toEqual([
      ['d1', 'queued', null],
      ['d2', 'refused', 'it is full'],
      ['d3', 'stopped', null],
      ['d4', 'stopped', null],
      ['d5', 'stopped', null],
    ])
    const [listed] = await listCommandBatches(pool, { limit: 1, before: undefined })
    const { results: _, params, ...summary } = (await getCommandBatch(pool, id)) as CommandBatchRecord
    expect([listed, params]).toEqual([{ ...summary, seq: expect.any(Number) }, { on: true }])
    expect(summary).toMatchObject({ status: 'stopped', made: 2, devices: 5 })
  })
})
