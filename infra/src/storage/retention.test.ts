import { expect, it } from 'vitest'
import { describeEngines } from '../testing/database.ts'
import { letNotesRest } from '../testing/storage.ts'
import { waitFor } from '../testing/wait.ts'
import { openEngine } from './engine.ts'
import { lateSpans } from './late.ts'
import { resolveSeries } from './series.ts'
import { storeBatch } from './telemetry.ts'

const DAY = 86_400_000

describeEngines('retention', (testEngine) => {
  it('O-RETENTION-1 drops old readings and keeps their rollups, late readings notwithstanding', async () => {
    const database = await testEngine.createDatabase()
    try {
      const { pool } = database
      const engine = await openEngine(pool)
      await pool.query(`INSERT INTO device (id, name) VALUES ('d', 'D')`)
      const [series] = await resolveSeries(pool, [{ deviceId: 'd', metric: 'm', kind: 'number' }])
      const id = series?.id ?? -1
      const now = Date.now()
      const store = async (timesMs: number[]) => {
        await engine.cover(timesMs)
        const numbers = { seriesIds: timesMs.map(() => id), timesMs, values: timesMs.map(() => 1) }
        const texts = { seriesIds: [], timesMs: [], values: [] }
        await storeBatch(
          pool,
          { numbers, texts, rejected: [] },
          { way: 'merge', late: lateSpans(numbers, now) },
        )
        await letNotesRest(pool)
      }
      await store(Array.from({ length: 45 }, (_, day) => now - day * DAY))
      while (await engine.rollUp());
      const options = { nowMs: now, retentionDays: 20, backfillDays: 30 }
      await engine.maintain(options)
      const retain = async () => {
        if (testEngine.name === 'plain') return engine.maintain(options)
        expect(await runJobs('policy_retention')).toBe(2)
      }
      const runJobs = async (procedure: string) => {
        const { rows } = await pool.query(
          'SELECT job_id FROM timescaledb_information.jobs WHERE proc_name = $1',
          [procedure],
        )
        for (const { job_id } of rows) await pool.query('CALL run_job($1)', [job_id])
        return rows.length
      }
      await retain()
      const { rows: oldest } = await pool.query('SELECT min(time) AS time, count(*)::int AS n FROM reading')
      expect(oldest[0].time.getTime()).toBeLessThanOrEqual(now - 20 * DAY)
      expect(oldest[0].time.getTime()).toBeGreaterThan(now - 35 * DAY)
      const kept = async () =>
        (await pool.query('SELECT sum(count)::int AS n FROM reading_1d WHERE series_id = $1', [id])).rows[0].n
      expect(await kept()).toBe(45)
      // Late where nothing was dropped, and late where all was: the first counts, neither costs a rollup.
      await store([now - 19 * DAY - 1, now - 40 * DAY - 1])
      await waitFor('the late readings to be rolled up', async () => {
        // A policy that works on them in the background has to end first.
        while (await engine.rollUp());
        return (await pool.query('SELECT FROM late_reading')).rowCount === 0
      })
      await engine.maintain(options)
      if (testEngine.name === 'timescale') await runJobs('policy_refresh_continuous_aggregate')
      await retain()
      expect(await kept()).toBe(46)
    } finally {
      await database.drop()
    }
  })
})
