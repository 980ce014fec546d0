import { expect } from 'vitest'
import { type Engine, openEngine } from '../storage/engine.ts'
import { lateSpans } from '../storage/late.ts'
import type { Pool } from '../storage/pool.ts'
import { LEVELS } from '../storage/rollups.ts'
import { resolveSeries } from '../storage/series.ts'
import { type BatchResult, type StoreWay, storeBatch } from '../storage/telemetry.ts'
import type { TestDatabase, TestEngine } from './database.ts'
import { waitFor } from './wait.ts'

/** As if a while had passed since the late readings were noted: the job takes them now. */
export async function letNotesRest(pool: Pool): Promise<void> {
  await pool.query(`UPDATE late_reading SET noted_at = noted_at - interval '1 hour'`)
}

export type Row = [seriesId: number, timeMs: number, value: number]

/** A database with an engine, and what storage suites do with it. */
export class TestStorage {
  readonly database: TestDatabase
  readonly engine: Engine
  #devices = 0

  constructor(database: TestDatabase, engine: Engine) {
    this.database = database
    this.engine = engine
  }

  static async open(testEngine: TestEngine): Promise<TestStorage> {
    const database = await testEngine.createDatabase()
    const engine = await openEngine(database.pool)
    await engine.maintain({ nowMs: Date.now(), retentionDays: 0, backfillDays: 30 })
    return new TestStorage(database, engine)
  }

  /** A device of its own for each test, with two number series. */
  async newSeries(): Promise<{ deviceId: string; ids: [number, number] }> {
    const deviceId = `d${++this.#devices}`
    await this.database.pool.query('INSERT INTO device (id, name) VALUES ($1, $1)', [deviceId])
    const wanted = ['a', 'b'].map((metric) => ({ deviceId, metric, kind: 'number' as const }))
    const [a, b] = await resolveSeries(this.database.pool, wanted)
    return { deviceId, ids: [a?.id ?? -1, b?.id ?? -1] }
  }

  async store(rows: Row[], way: StoreWay = 'copy'): Promise<BatchResult> {
    const numbers = {
      seriesIds: rows.map(([id]) => id),
      timesMs: rows.map(([, timeMs]) => timeMs),
      values: rows.map(([, , value]) => value),
    }
    await this.engine.cover(numbers.timesMs)
    const texts = { seriesIds: [], timesMs: [], values: [] }
    const options = { way, late: lateSpans(numbers, Date.now()) }
    const result = await storeBatch(this.database.pool, { numbers, texts, rejected: [] }, options)
    await letNotesRest(this.database.pool)
    return result
  }

  async rollUpAll(): Promise<void> {
    await waitFor('everything to be rolled up', async () => {
      // A policy that works in the background has to end first.
      while (await this.engine.rollUp());
      const { rows } = await this.database.pool.query(
        `SELECT FROM late_reading UNION ALL SELECT FROM rollup_progress
         WHERE level = '1m' AND done_until < now() - interval '12 minutes'`,
      )
      return rows.length === 0
    })
  }

  /** What the rollup relations say is what the readings say. */
  async expectRolledUp(seriesIds: number[]): Promise<void> {
    for (const { level, widthMs } of LEVELS) {
      const { rows: rolled } = await this.database.pool.query(
        `SELECT series_id, (extract(epoch FROM bucket) * 1000)::float8 AS t, min, max, sum, count, last
         FROM reading_${level} WHERE series_id = ANY($1) ORDER BY 1, 2`,
        [seriesIds],
      )
      const { rows: raw } = await this.database.pool.query(
        `SELECT series_id,
           (extract(epoch FROM date_bin($2 * interval '1 millisecond', time, 'epoch')) * 1000)::float8 AS t,
           min(value), max(value), sum(value / 1073741824) AS sum, count(*),
           (array_agg(value ORDER BY time DESC))[1] AS last
         FROM reading WHERE series_id = ANY($1) GROUP BY 1, 2 ORDER BY 1, 2`,
        [seriesIds, widthMs],
      )
      // Sums are added up in different orders.
      const near = (row: { sum: number }) => ({ ...row, sum: Number((row.sum * 2 ** 30).toFixed(6)) })
      expect(rolled.map(near), level).toEqual(raw.map(near))
    }
  }

  async count(table: string, seriesIds: number[]): Promise<number> {
    const { rows } = await this.database.pool.query(
      `SELECT count(*)::int AS n FROM ${table} WHERE series_id = ANY($1)`,
      [seriesIds],
    )
    return rows[0].n
  }
}
