import { openEngine } from '@telltale/infra/storage/engine'
import { resolveSeries } from '@telltale/infra/storage/series'
import { describeEngines } from '@telltale/infra/testing/database'
import { waitFor } from '@telltale/infra/testing/wait'
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest'
import { FaultWorld } from './fault-world.ts'

const DAY_MS = 86_400_000
const ROUNDS = 4

describeEngines('maintenance under load', (testEngine) => {
  let world: FaultWorld
  beforeAll(async () => {
    world = await FaultWorld.open({ database: await testEngine.createDatabase() })
  })
  beforeEach(() => world.tellWhy())
  afterAll(() => world?.close())

  it('R-DB-16 compression and retention work on the days that late readings come into', async () => {
    const { load, database } = world
    const { pool } = database
    const engine = await openEngine(pool)
    await pool.query(`INSERT INTO device (id, name) VALUES ('old', 'Old')`)
    const [series] = await resolveSeries(pool, [{ deviceId: 'old', metric: 'm', kind: 'number' }])
    const oldRows = async () =>
      (await pool.query('SELECT FROM reading WHERE series_id = $1', [series?.id])).rowCount
    for (let round = 0; round < ROUNDS; round++) {
      const nowMs = Date.now()
      // What retention drops, beside what it keeps.
      const oldMs = nowMs - (25 + 7 * round) * DAY_MS
      await engine.cover([oldMs])
      await pool.query('INSERT INTO reading VALUES ($1, $2, 1)', [series?.id, new Date(oldMs)])
      await waitFor('retention', async () => {
        await engine.rollUp()
        await engine.maintain({ nowMs, retentionDays: 15, backfillDays: 10 })
        if (testEngine.name === 'timescale') await squeeze()
        return (await oldRows()) === 0
      })
      await load.goesOn()
    }
    await world.recovered()
    expect(await load.faults()).toEqual([])
  })

  /** What the policies do, at once: old chunks go, the others are compressed with what came into them meanwhile. */
  async function squeeze(): Promise<void> {
    const { pool } = world.database
    await pool.query(`SELECT drop_chunks('reading', now() - interval '15 days')`)
    const { rows } = await pool.query(
      `SELECT c::text FROM show_chunks('reading', now() - interval '1 day') c`,
    )
    expect(rows.length).toBeGreaterThan(0)
    for (const { c } of rows) await pool.query('SELECT compress_chunk($1::regclass)', [c])
  }
})
