import { randomInt } from 'node:crypto'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { limits } from '../limits.ts'
import { describeEngines, type TestDatabase } from '../testing/database.ts'
import { random } from '../testing/random.ts'
import { waitFor } from '../testing/wait.ts'
import { deleteDevice, workOnDeletions } from './deletions.ts'
import { type Engine, openEngine } from './engine.ts'
import { lateBeforeMs } from './late.ts'
import { LEVELS } from './rollups.ts'
import { resolveSeries } from './series.ts'
import { storeBatch } from './telemetry.ts'

const MINUTE = 60_000
const HOUR = 60 * MINUTE
const DAY = 24 * HOUR

describeEngines('storage contract', (testEngine) => {
  let database: TestDatabase
  let engine: Engine
  beforeAll(async () => {
    database = await testEngine.createDatabase()
    engine = await openEngine(database.pool)
    await engine.maintain({ nowMs: Date.now(), retentionDays: 0, backfillDays: 30 })
  })
  afterAll(() => database.drop())

  let devices = 0
  /** A device of its own for each test, with two number series. */
  async function newSeries(): Promise<{ deviceId: string; ids: [number, number] }> {
    const deviceId = `d${++devices}`
    await database.pool.query('INSERT INTO device (id, name) VALUES ($1, $1)', [deviceId])
    const wanted = ['a', 'b'].map((metric) => ({ deviceId, metric, kind: 'number' as const }))
    const [a, b] = await resolveSeries(database.pool, wanted)
    return { deviceId, ids: [a?.id ?? -1, b?.id ?? -1] }
  }

  type Row = [seriesId: number, timeMs: number, value: number]
  async function store(rows: Row[], way: 'copy' | 'merge' = 'copy') {
    const numbers = {
      seriesIds: rows.map(([id]) => id),
      timesMs: rows.map(([, timeMs]) => timeMs),
      values: rows.map(([, , value]) => value),
    }
    await engine.cover(numbers.timesMs)
    const texts = { seriesIds: [], timesMs: [], values: [] }
    const options = { way, lateBeforeMs: lateBeforeMs(Date.now()) }
    return storeBatch(database.pool, { numbers, texts, rejected: [] }, options)
  }

  async function rollUpAll(): Promise<void> {
    while (await engine.rollUp());
  }

  /** What the rollup relation says, and what the readings say. */
  async function compare(seriesIds: number[]) {
    for (const { level, widthMs } of LEVELS) {
      const { rows: rolled } = await database.pool.query(
        `SELECT series_id, (extract(epoch FROM bucket) * 1000)::float8 AS t, min, max, sum, count, last
         FROM reading_${level} WHERE series_id = ANY($1) ORDER BY 1, 2`,
        [seriesIds],
      )
      const { rows: raw } = await database.pool.query(
        `SELECT series_id, (extract(epoch FROM date_bin($2 * interval '1 millisecond', time, 'epoch')) * 1000)::float8 AS t,
           min(value), max(value), sum(value / 1073741824) AS sum, count(*),
           (array_agg(value ORDER BY time DESC))[1] AS last
         FROM reading WHERE series_id = ANY($1) GROUP BY 1, 2 ORDER BY 1, 2`,
        [seriesIds, widthMs],
      )
      const near = (row: { sum: number }) => ({ ...row, sum: Number((row.sum * 2 ** 30).toFixed(6)) })
      expect(rolled.map(near), level).toEqual(raw.map(near))
    }
  }

  it('T-ENGINE-1 is the engine the database has', () => {
    expect(engine.name).toBe(testEngine.name)
  })

  it('T-ROLLUP-1 rollups equal the readings, for random data in random order, before and after the job ran', async () => {
    const seed = randomInt(2 ** 31)
    const next = random(seed)
    const { ids } = await newSeries()
    const now = Date.now()
    try {
      for (let round = 0; round < 4; round++) {
        const spanMs = [HOUR, 3 * DAY, 20 * DAY, 29 * DAY][round] as number
        const rows = new Map<string, Row>()
        for (let i = 0; i < 400; i++) {
          const id = ids[next() < 0.5 ? 0 : 1] as number
          const timeMs = Math.floor(now - next() * spanMs)
          rows.set(`${id} ${timeMs}`, [id, timeMs, Math.round((next() - 0.5) * 1e6) / 100])
        }
        await store([...rows.values()], round === 0 ? 'copy' : 'merge')
        // Right at once where nothing was rolled up yet; where it was, after the late ranges are folded in.
        if (round === 0) await compare(ids)
        await rollUpAll()
        await compare(ids)
      }
    } catch (error) {
      throw new Error(`seed ${seed}`, { cause: error })
    }
  })

  it('T-ROLLUP-2 values no sum could hold are rolled up all the same', async () => {
    const { ids } = await newSeries()
    const t0 = Date.now() - 2 * DAY
    await store([
      [ids[0], t0, Number.MAX_VALUE],
      [ids[0], t0 + 1, Number.MAX_VALUE],
      [ids[0], t0 + 2, -Number.MAX_VALUE],
      [ids[1], t0, Number.MIN_VALUE],
      [ids[1], t0 + 1, -0],
    ])
    await rollUpAll()
    const { rows } = await database.pool.query(
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
    const { ids } = await newSeries()
    await rollUpAll()
    const late = Date.now() - 9 * DAY
    await store([
      [ids[0], late, 5],
      [ids[0], late + HOUR, 7],
      [ids[0], Date.now(), 9],
    ])
    const noted = async () =>
      (
        await database.pool.query('SELECT first_at, last_at FROM late_reading WHERE series_id = ANY($1)', [
          ids,
        ])
      ).rows
    expect(await noted()).toEqual([{ first_at: new Date(late), last_at: new Date(late + HOUR) }])
    await rollUpAll()
    expect(await noted()).toEqual([])
    await compare(ids)
  })

  it('T-LATE-2 late readings, duplicates and conflicts meet compressed and old data as they meet new', async () => {
    const { ids } = await newSeries()
    const t0 = Math.floor((Date.now() - 12 * DAY) / DAY) * DAY
    const rows: Row[] = Array.from({ length: 3_000 }, (_, i) => [
      ids[i % 2] as number,
      t0 + (i >> 1) * 20_000,
      i,
    ])
    await store(rows)
    await rollUpAll()
    if (testEngine.name === 'timescale')
      await database.pool.query(
        `SELECT compress_chunk(c) FROM show_chunks('reading', older_than => now() - interval '1 day') c`,
      )
    expect(await store(rows.slice(0, 1_000), 'merge')).toEqual({ duplicates: 1_000, conflicts: 0 })
    const changed = rows.slice(0, 10).map(([id, timeMs]): Row => [id, timeMs, -1])
    expect(await store([...changed, [ids[0], t0 + 7, 1]], 'merge')).toEqual({ duplicates: 10, conflicts: 10 })
    await expect(store(rows.slice(0, 1))).rejects.toMatchObject({ code: '23505' })
    await store([[ids[1], t0 + 7, 2]])
    await rollUpAll()
    await compare(ids)
    const { rows: counted } = await database.pool.query(
      'SELECT count(*)::int AS n, count(*) FILTER (WHERE value = -1)::int AS changed FROM reading WHERE series_id = ANY($1)',
      [ids],
    )
    expect(counted[0]).toEqual({ n: 3_002, changed: 0 })
  })

  it('T-ROLLUP-3 a job killed halfway leaves nothing wrong; two at once neither', async () => {
    const { ids } = await newSeries()
    const now = Date.now()
    const rows: Row[] = Array.from({ length: 5_000 }, (_, i) => [
      ids[i % 2] as number,
      now - i * 7 * MINUTE,
      i,
    ])
    await store(rows)
    for (let i = 0; i < 6; i++) {
      const jobs = Promise.allSettled([
        openEngine(database.pool).then((one) => one.rollUp()),
        engine.rollUp(),
      ])
      await database.pool.query('SELECT pg_sleep($1)', [0.004 * i])
      await database.pool.query(
        `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
         WHERE datname = current_database() AND pid <> pg_backend_pid() AND application_name = 'telltale-test'`,
      )
      await jobs
      await store([[ids[0], now - i * DAY - 1, i]], 'merge')
    }
    // A session that was ended gives its lock back a moment later; until then nobody else may work.
    await waitFor('all late readings to be rolled up', async () => {
      await rollUpAll()
      return (await database.pool.query('SELECT FROM late_reading')).rowCount === 0
    })
    await compare(ids)
  })

  it('T-ROLLUP-4 buckets start at UTC boundaries through daylight saving changes, whatever the session says', async () => {
    const { ids } = await newSeries()
    const connection = await database.pool.connect()
    try {
      await connection.query(`SET timezone = 'Europe/Berlin'`)
      const day = Math.floor((Date.now() - 3 * DAY) / DAY) * DAY
      await store([
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
      await rollUpAll()
      expect(await read()).toEqual(expected)
    } finally {
      connection.release(true)
    }
  })

  it('T-DELETE-1 a deleted device goes at once, its readings and rollups in the background, its record stays', async () => {
    const { deviceId, ids } = await newSeries()
    const other = await newSeries()
    const rows: Row[] = Array.from({ length: 2_000 }, (_, i) => [
      (i % 4 < 2 ? ids : other.ids)[i % 2] as number,
      Date.now() - 6 * DAY + i * MINUTE,
      i,
    ])
    await store(rows)
    await rollUpAll()
    expect(await deleteDevice(database.pool, deviceId, 'ada')).toBe(true)
    expect(await deleteDevice(database.pool, deviceId, 'ada')).toBe(false)
    while (await workOnDeletions(database.pool, engine));
    const left = async (table: string, series: number[]) =>
      (
        await database.pool.query(`SELECT count(*)::int AS n FROM ${table} WHERE series_id = ANY($1)`, [
          series,
        ])
      ).rows[0].n
    for (const table of [
      'reading',
      'reading_1m',
      'reading_1h',
      'reading_1d',
      'late_reading',
      'latest_reading',
    ])
      expect(await left(table, ids), table).toBe(0)
    expect(await left('reading', other.ids)).toBe(1_000)
    const record = async () =>
      (
        await database.pool.query(
          'SELECT readings_deleted::int AS n, finished_at FROM device_deletion WHERE device_id = $1',
          [deviceId],
        )
      ).rows[0]
    // A batch that was under way could still write: it is not finished before its grace is over.
    expect(await record()).toEqual({ n: 1_000, finished_at: null })
    await store([[ids[0], Date.now(), 1]])
    await database.pool.query(
      'UPDATE device_deletion SET requested_at = requested_at - $1 * interval $$1 ms$$',
      [limits.deletions.graceMs],
    )
    await workOnDeletions(database.pool, engine)
    expect(await record()).toEqual({ n: 1_001, finished_at: expect.any(Date) })
    await rollUpAll()
    await compare(other.ids)
  })

  it('T-DELETE-2 a device made again gets series of its own', async () => {
    const { deviceId, ids } = await newSeries()
    await deleteDevice(database.pool, deviceId, 'ada')
    await database.pool.query('INSERT INTO device (id, name) VALUES ($1, $1)', [deviceId])
    const [again] = await resolveSeries(database.pool, [{ deviceId, metric: 'a', kind: 'number' }])
    expect(ids).not.toContain(again?.id)
  })

  it('O-STORAGE-1 tells sizes, the oldest reading and its jobs', async () => {
    const { ids } = await newSeries()
    const oldest = Date.now() - 29 * DAY - HOUR
    await store([[ids[0], oldest, 1]], 'merge')
    await engine.maintain({ nowMs: Date.now(), retentionDays: 0, backfillDays: 30 })
    const described = await engine.describe()
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
      const store = async (timesMs: number[], lateBefore = 0) => {
        await engine.cover(timesMs)
        const numbers = { seriesIds: timesMs.map(() => id), timesMs, values: timesMs.map(() => 1) }
        const texts = { seriesIds: [], timesMs: [], values: [] }
        await storeBatch(pool, { numbers, texts, rejected: [] }, { way: 'merge', lateBeforeMs: lateBefore })
      }
      await store(Array.from({ length: 80 }, (_, day) => now - day * DAY))
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
      expect(oldest[0].time.getTime()).toBeGreaterThan(now - 40 * DAY)
      const kept = async () =>
        (await pool.query('SELECT sum(count)::int AS n FROM reading_1d WHERE series_id = $1', [id])).rows[0].n
      expect(await kept()).toBe(80)
      // Late where nothing was dropped, and late where all was: the first counts, neither costs a rollup.
      await store([now - 19 * DAY - 1, now - 70 * DAY - 1], now)
      while (await engine.rollUp());
      await engine.maintain(options)
      if (testEngine.name === 'timescale') await runJobs('policy_refresh_continuous_aggregate')
      await retain()
      expect(await kept()).toBeGreaterThanOrEqual(81)
    } finally {
      await database.drop()
    }
  })
})
