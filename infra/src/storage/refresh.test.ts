import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, beforeEach, describe, expect, inject, it } from 'vitest'
import { limits } from '../limits.ts'
import { copyTemplate } from '../testing/database.ts'
import { TestStorage } from '../testing/storage.ts'
import { waitFor } from '../testing/wait.ts'
import { createTimescaleEngine } from './engine-timescale.ts'
import { createPool, type Pool } from './pool.ts'

const HOUR = 3_600_000
const DAY = 24 * HOUR
/** 100,000 of them are 640 pages, and about as many of the key. */
const READINGS = 600_000
const template = inject('timescaleTemplateUrl')

describe.skipIf(!template)('refreshing continuous aggregates', () => {
  let storage: TestStorage
  let ids: [number, number]
  beforeEach(async () => {
    storage = await TestStorage.open({
      name: 'timescale',
      createDatabase: () => copyTemplate(template ?? ''),
    })
    const { pool } = storage.database
    // Rows it must find, not read; a chunk of the columnstore would be none of that.
    await pool.query(`CALL remove_columnstore_policy('reading', if_exists => true)`)
    ids = (await storage.newSeries()).ids
  })
  afterEach(() => storage.database.drop())

  it('T-REFRESH-1 late readings of an hour cost that hour, not all readings of their day', async () => {
    const { pool } = storage.database
    const day = Math.floor(Date.now() / DAY - 3) * DAY
    const chunk = await fill(day, DAY)
    await storage.rollUpAll()
    // As autovacuum does.
    await pool.query(
      `SELECT brin_summarize_new_values(indexrelid) FROM pg_index JOIN pg_class i ON i.oid = indexrelid
       WHERE indrelid = $1::regclass AND relam = (SELECT oid FROM pg_am WHERE amname = 'brin')`,
      [chunk],
    )
    await storage.store([[ids[0], day + 12.5 * HOUR + 1, 7]])
    const before = await pagesRead(chunk)
    await storage.rollUpAll()
    expect((await pagesRead(chunk)) - before).toBeLessThan(READINGS / 500)
    await storage.expectRolledUp(ids)
  })

  it('T-REFRESH-2 the watermark is not asked for each of many readings that have no statistics yet', async () => {
    const { pool, url } = storage.database
    await fill(Date.now() - 2 * HOUR, 2 * HOUR)
    await pool.query(`ALTER DATABASE ${new URL(url).pathname.slice(1)} SET track_functions = 'all'`)
    const counted = createPool({ url, name: 'counted', max: 1 })
    try {
      const before = await watermarksAsked(counted)
      const engine = createTimescaleEngine(counted)
      while (await engine.rollUp());
      const asked = (await watermarksAsked(counted)) - before
      expect(asked).toBeGreaterThan(0)
      expect(asked).toBeLessThan(READINGS / 100)
    } finally {
      await counted.end()
    }
    await storage.expectRolledUp(ids)
  })

  it('T-REFRESH-3 after late readings took long to fold in, others have the database for a while', async () => {
    const { pool } = storage.database
    const notes = async () => (await pool.query('SELECT FROM late_reading')).rowCount
    await storage.store([[ids[0], Date.now() - HOUR, 1]])
    await storage.rollUpAll()
    await storage.store([[ids[0], Date.now() - 3 * HOUR, 2]])
    const blocker = await pool.connect()
    // Only the fold writes to it: whatever is done before the fold does not count as part of it.
    await blocker.query('BEGIN; LOCK TABLE late_reading IN SHARE MODE')
    const folded = storage.engine.rollUp()
    await waitFor('the fold to wait for the lock', async () => {
      const { rowCount } = await pool.query(
        `SELECT FROM pg_locks WHERE NOT granted AND relation = 'late_reading'::regclass
           AND database = (SELECT oid FROM pg_database WHERE datname = current_database())`,
      )
      return rowCount === 1
    })
    await sleep(limits.rollups.longFoldMs + 200)
    await blocker.query('ROLLBACK')
    blocker.release()
    await folded
    expect(await notes()).toBe(0)
    await storage.store([[ids[0], Date.now() - 4 * HOUR, 3]])
    expect(await storage.engine.rollUp()).toBe(false)
    expect(await notes()).toBe(1)
  })

  /** Readings one after another, in a chunk that nobody else reads. @returns the chunk */
  async function fill(fromMs: number, spanMs: number): Promise<string> {
    const { pool } = storage.database
    const insert = (from: number, to: number) =>
      pool.query(
        `INSERT INTO reading SELECT ($1::int[])[1 + n % 2], to_timestamp($2) + n * $3 * interval '1 millisecond', n
         FROM generate_series($4::int, $5::int) n`,
        [ids, fromMs / 1_000, spanMs / READINGS, from, to],
      )
    await insert(0, 0)
    const { rows } = await pool.query<{ chunk: string }>(
      `SELECT chunk::text FROM show_chunks('reading', newer_than => to_timestamp($1), older_than => to_timestamp($2)) chunk`,
      [fromMs / 1_000 - 86_400, fromMs / 1_000 + 86_400],
    )
    for (const { chunk } of rows) await pool.query(`ALTER TABLE ${chunk} SET (autovacuum_enabled = false)`)
    await insert(1, READINGS - 1)
    return rows[0]?.chunk ?? ''
  }

  /** Pages of the table and its indexes, read by anybody so far. */
  async function pagesRead(table: string): Promise<number> {
    const { pool } = storage.database
    await tellCounts(pool)
    const { rows } = await pool.query<{ pages: number }>(
      `SELECT (heap_blks_read + heap_blks_hit + idx_blks_read + idx_blks_hit)::float8 AS pages
       FROM pg_statio_all_tables WHERE relid = $1::regclass`,
      [table],
    )
    return rows[0]?.pages ?? Number.NaN
  }

  async function watermarksAsked(pool: Pool): Promise<number> {
    await tellCounts(pool)
    const { rows } = await pool.query<{ calls: number }>(
      `SELECT coalesce(sum(calls), 0)::float8 AS calls FROM pg_stat_user_functions WHERE funcname = 'cagg_watermark'`,
    )
    return rows[0]?.calls ?? Number.NaN
  }

  /** Each connection tells what it has counted now and then, and when it is asked to. */
  async function tellCounts(pool: Pool): Promise<void> {
    const tell = () => pool.query('SELECT pg_stat_force_next_flush(), pg_sleep(0.05)')
    await Promise.all(Array.from({ length: pool.totalCount }, tell))
  }
})
