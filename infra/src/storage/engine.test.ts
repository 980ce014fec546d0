import { randomInt } from 'node:crypto'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { describeEngines } from '../testing/database.ts'
import { random } from '../testing/random.ts'
import { type Row, TestStorage } from '../testing/storage.ts'
import { waitFor } from '../testing/wait.ts'
import { openEngine } from './engine.ts'

const MINUTE = 60_000
const HOUR = 60 * MINUTE
const DAY = 24 * HOUR

describeEngines('storage contract', (testEngine) => {
  let storage: TestStorage
  beforeAll(async () => {
    storage = await TestStorage.open(testEngine)
  })
  afterAll(() => storage.database.drop())

  it('T-ENGINE-1 is the engine the database has', () => {
    expect(storage.engine.name).toBe(testEngine.name)
  })

  it('T-ROLLUP-1 rollups equal the readings, for random data in random order, before and after the job ran', async () => {
    const seed = randomInt(2 ** 31)
    const next = random(seed)
    const { ids } = await storage.newSeries()
    const now = Date.now()
    try {
      for (let round = 0; round < 4; round++) {
        const spanMs = [HOUR, DAY, 4 * DAY, 12 * DAY][round] as number
        const rows = new Map<string, Row>()
        for (let i = 0; i < 400; i++) {
          const id = ids[next() < 0.5 ? 0 : 1] as number
          const timeMs = Math.floor(now - next() * spanMs)
          rows.set(`${id} ${timeMs}`, [id, timeMs, Math.round((next() - 0.5) * 1e6) / 100])
        }
        await storage.store([...rows.values()], round === 0 ? 'copy' : 'merge')
        // Right at once where nothing was rolled up yet; where it was, after the late ranges are folded in.
        if (round === 0) await storage.expectRolledUp(ids)
        await storage.rollUpAll()
        await storage.expectRolledUp(ids)
      }
    } catch (error) {
      throw new Error(`seed ${seed}`, { cause: error })
    }
  })

  it('T-ROLLUP-2 values no sum could hold are rolled up all the same', async () => {
    const { ids } = await storage.newSeries()
    const t0 = Date.now() - 2 * DAY
    await storage.store([
      [ids[0], t0, Number.MAX_VALUE],
      [ids[0], t0 + 1, Number.MAX_VALUE],
      [ids[0], t0 + 2, -Number.MAX_VALUE],
      [ids[1], t0, Number.MIN_VALUE],
      [ids[1], t0 + 1, -0],
    ])
    await storage.rollUpAll()
    const { rows } = await storage.database.pool.query(
      'SELECT series_id, min, max, sum, count::int FROM reading_1d WHERE series_id = ANY($1) ORDER BY 1',
      [ids],
    )
    const { MAX_VALUE, MIN_VALUE } = Number
    expect(rows).toEqual([
      { series_id: ids[0], min: -MAX_VALUE, max: MAX_VALUE, sum: MAX_VALUE / 2 ** 30, count: 3 },
      { series_id: ids[1], min: -0, max: MIN_VALUE, sum: 0, count: 2 },
    ])
  })

  it('T-LATE-1 a late reading is noted with it, and in the rollups after the job', async () => {
    const { ids } = await storage.newSeries()
    await storage.rollUpAll()
    const late = Date.now() - 9 * DAY
    await storage.store([
      [ids[0], late, 5],
      [ids[0], late + HOUR, 7],
      [ids[0], Date.now(), 9],
    ])
    const noted = async () =>
      (
        await storage.database.pool.query(
          'SELECT first_at, last_at FROM late_reading WHERE series_id = ANY($1)',
          [ids],
        )
      ).rows
    expect(await noted()).toEqual([{ first_at: new Date(late), last_at: new Date(late + HOUR) }])
    await storage.rollUpAll()
    expect(await noted()).toEqual([])
    await storage.expectRolledUp(ids)
  })

  it('T-LATE-2 late readings, duplicates and conflicts meet compressed and old data as they meet new', async () => {
    const { ids } = await storage.newSeries()
    const t0 = Math.floor((Date.now() - 12 * DAY) / DAY) * DAY
    const rows: Row[] = Array.from({ length: 3_000 }, (_, i) => [
      ids[i % 2] as number,
      t0 + (i >> 1) * 20_000,
      i,
    ])
    await storage.store(rows)
    await storage.rollUpAll()
    if (testEngine.name === 'timescale')
      await storage.database.pool.query(
        `SELECT compress_chunk(c) FROM show_chunks('reading', older_than => now() - interval '1 day') c`,
      )
    expect(await storage.store(rows.slice(0, 1_000), 'merge')).toEqual({ duplicates: 1_000, conflicts: 0 })
    const changed = rows.slice(0, 10).map(([id, timeMs]): Row => [id, timeMs, -1])
    expect(await storage.store([...changed, [ids[0], t0 + 7, 1]], 'merge')).toEqual({
      duplicates: 10,
      conflicts: 10,
    })
    await expect(storage.store(rows.slice(0, 1))).rejects.toMatchObject({ code: '23505' })
    await storage.store([[ids[1], t0 + 7, 2]])
    await storage.rollUpAll()
    await storage.expectRolledUp(ids)
    const { rows: counted } = await storage.database.pool.query(
      'SELECT count(*)::int AS n, count(*) FILTER (WHERE value = -1)::int AS changed FROM reading WHERE series_id = ANY($1)',
      [ids],
    )
    expect(counted[0]).toEqual({ n: 3_002, changed: 0 })
  })

  it('T-ROLLUP-3 a job killed halfway leaves nothing wrong; two at once neither', async () => {
    const { ids } = await storage.newSeries()
    const now = Date.now()
    const rows: Row[] = Array.from({ length: 5_000 }, (_, i) => [
      ids[i % 2] as number,
      now - i * 7 * MINUTE,
      i,
    ])
    await storage.store(rows)
    for (let i = 0; i < 6; i++) {
      const jobs = Promise.allSettled([
        openEngine(storage.database.pool).then((one) => one.rollUp()),
        storage.engine.rollUp(),
      ])
      await storage.database.pool.query('SELECT pg_sleep($1)', [0.004 * i])
      await storage.database.pool.query(
        `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
         WHERE datname = current_database() AND pid <> pg_backend_pid() AND application_name = 'telltale-test'`,
      )
      await jobs
      await storage.store([[ids[0], now - i * DAY - 1, i]], 'merge')
    }
    // A session that was ended gives its lock back a moment later; until then nobody else may work.
    await waitFor('all late readings to be rolled up', async () => {
      await storage.rollUpAll()
      return (await storage.database.pool.query('SELECT FROM late_reading')).rowCount === 0
    })
    await storage.expectRolledUp(ids)
  })

  it('T-ROLLUP-4 buckets start at UTC boundaries through daylight saving changes, whatever the session says', async () => {
    const { ids } = await storage.newSeries()
    const connection = await storage.database.pool.connect()
    try {
      await connection.query(`SET timezone = 'Europe/Berlin'`)
      const day = Math.floor((Date.now() - 3 * DAY) / DAY) * DAY
      await storage.store([
        [ids[0], day, 1],
        [ids[0], day + DAY - 1, 3],
        [ids[0], day + DAY, 5],
      ])
      const read = async () =>
        (
          await connection.query(
            `SELECT (extract(epoch FROM bucket) * 1000)::float8 AS t, count::int FROM reading_1d
             WHERE series_id = $1 ORDER BY 1`,
            [ids[0]],
          )
        ).rows
      const expected = [
        { t: day, count: 2 },
        { t: day + DAY, count: 1 },
      ]
      await storage.rollUpAll()
      expect(await read()).toEqual(expected)
    } finally {
      connection.release(true)
    }
  })

  it('T-ROLLUP-5 while rollups catch up no reading is missing from them', async () => {
    const fresh = await TestStorage.open(testEngine)
    const { pool } = fresh.database
    const { ids } = await fresh.newSeries()
    await fresh.store(
      Array.from({ length: 5_000 }, (_, i): Row => [ids[0], Date.now() - 6 * HOUR + i * 4_000, i]),
    )
    const seen = new Set<number>()
    let isDone = false
    const watching = (async () => {
      while (!isDone) {
        const { rows } = await pool.query('SELECT sum(count)::int AS n FROM reading_1m')
        seen.add(rows[0].n)
      }
    })()
    await fresh.rollUpAll()
    isDone = true
    await watching
    expect([...seen]).toEqual([5_000])
    await fresh.expectRolledUp(ids)
    await fresh.database.drop()
  })

  it('O-STORAGE-1 tells sizes, the oldest reading and its jobs', async () => {
    const { ids } = await storage.newSeries()
    const oldest = Date.now() - 29 * DAY - HOUR
    await storage.store([[ids[0], oldest, 1]], 'merge')
    await storage.engine.maintain({ nowMs: Date.now(), retentionDays: 0, backfillDays: 30 })
    const described = await storage.engine.describe()
    expect(described.oldestReadingMs).toBeLessThanOrEqual(oldest)
    expect(described.bytes.readings).toBeGreaterThan(100_000)
    expect(described.bytes.rollups).toBeGreaterThan(10_000)
    if (testEngine.name === 'plain')
      expect(described).toMatchObject({ compression: null, jobs: [], extensionVersion: null })
    else {
      expect(described.compression?.chunksCompressed).toBeGreaterThan(0)
      expect(described.jobs.map(({ name }) => name)).toEqual(
        expect.arrayContaining(['compression reading', 'refresh_continuous_aggregate reading_1h']),
      )
    }
  })
})
