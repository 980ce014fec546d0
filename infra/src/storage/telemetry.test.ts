import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { createTestDatabase, type TestDatabase } from '../testing/database.ts'
import { type Engine, openEngine } from './engine.ts'
import { createPool } from './pool.ts'
import { resolveSeries } from './series.ts'
import { type Rows, type StoreOptions, storeBatch, trimRejected } from './telemetry.ts'

let database: TestDatabase
let engine: Engine
let seriesId: number
const T0 = Date.UTC(2026, 5, 1)
const copy: StoreOptions = { way: 'copy', late: [] }
const merge: StoreOptions = { way: 'merge', late: [] }

beforeAll(async () => {
  database = await createTestDatabase()
  engine = await openEngine(database.pool)
  await engine.cover([T0, T0 + 1_000_000])
  await database.pool.query(`INSERT INTO device (id, name) VALUES ('d', 'D'), ('e', 'E')`)
})
afterAll(() => database.drop())
beforeEach(async () => {
  await database.pool.query('TRUNCATE reading, reading_text, rejected_message; DELETE FROM series')
  const [series] = await resolveSeries(database.pool, [{ deviceId: 'd', metric: 'm', kind: 'number' }])
  seriesId = series?.id ?? -1
})

const noTexts: Rows<string> = { seriesIds: [], timesMs: [], values: [] }
const numbers = (rows: [timeMs: number, value: number][]): Rows<number> => ({
  seriesIds: rows.map(() => seriesId),
  timesMs: rows.map(([timeMs]) => timeMs),
  values: rows.map(([, value]) => value),
})
const stored = async () => {
  const { rows } = await database.pool.query(
    'SELECT (extract(epoch FROM time) * 1000)::float8 AS t, value FROM reading ORDER BY time',
  )
  return rows.map((row) => [row.t, row.value])
}

describe('storeBatch', () => {
  it('T-STORE-1 COPY keeps every bit of time and value', async () => {
    const rows: [number, number][] = [
      [T0, -0],
      [T0 + 1, 1e300],
      [T0 + 2, Number.MIN_VALUE],
      [T0 + 999_999, -12.345678901234567],
    ]
    await storeBatch(database.pool, { numbers: numbers(rows), texts: noTexts, rejected: [] }, copy)
    expect(await stored()).toEqual(rows)
  })

  it('T-STORE-2 COPY refuses a batch with a duplicate whole; merge stores the rest and counts', async () => {
    const batch = { numbers: numbers([[T0, 1]]), texts: noTexts, rejected: [] }
    await storeBatch(database.pool, batch, copy)
    const again = {
      ...batch,
      numbers: numbers([
        [T0, 1],
        [T0 + 5, 2],
        [T0, 7],
      ]),
    }
    await expect(storeBatch(database.pool, again, copy)).rejects.toMatchObject({ code: '23505' })
    expect(await stored()).toEqual([[T0, 1]])
    expect(await storeBatch(database.pool, again, merge)).toEqual({ duplicates: 2, conflicts: 1 })
    expect(await stored()).toEqual([
      [T0, 1],
      [T0 + 5, 2],
    ])
  })

  it('T-STORE-3 of two values for one identity in one batch the first stays', async () => {
    const batch = {
      numbers: numbers([
        [T0, 1],
        [T0, 2],
      ]),
      texts: noTexts,
      rejected: [],
    }
    expect(await storeBatch(database.pool, batch, merge)).toEqual({ duplicates: 1, conflicts: 1 })
    expect(await stored()).toEqual([[T0, 1]])
  })

  it('T-STORE-4 numbers, texts and rejected messages share one commit', async () => {
    const batch = {
      numbers: numbers([[T0, 1]]),
      texts: { seriesIds: [seriesId], timesMs: [T0], values: ['a\u2028\u{1F600}'] },
      rejected: [
        {
          key: randomUUID(),
          deviceId: 'd',
          receivedAtMs: T0,
          topic: 't',
          reason: 'r',
          payload: Buffer.from([0, 255]),
          payloadBytes: 2,
        },
        {
          key: randomUUID(),
          deviceId: 'gone',
          receivedAtMs: T0,
          topic: 't',
          reason: 'r',
          payload: Buffer.of(),
          payloadBytes: 0,
        },
      ],
    }
    await storeBatch(database.pool, batch, copy)
    const { rows } = await database.pool.query(
      `SELECT (SELECT count(*) FROM reading) AS n, (SELECT value FROM reading_text) AS text,
         (SELECT encode(payload, 'hex') FROM rejected_message) AS payload`,
    )
    expect(rows[0]).toEqual({ n: 1, text: 'a\u2028\u{1F600}', payload: '00ff' })
  })

  it('T-STORE-5 only the newest rejected messages of a device are kept', async () => {
    const rejected = Array.from({ length: 7 }, (_, i) => ({
      key: randomUUID(),
      deviceId: i < 2 ? 'e' : 'd',
      receivedAtMs: T0 + i,
      topic: 't',
      reason: String(i),
      payload: Buffer.of(),
      payloadBytes: 0,
    }))
    await storeBatch(database.pool, { numbers: numbers([]), texts: noTexts, rejected }, merge)
    expect(await trimRejected(database.pool, 3)).toBe(2)
    const { rows } = await database.pool.query('SELECT reason FROM rejected_message ORDER BY id')
    expect(rows.map((row) => row.reason)).toEqual(['0', '1', '4', '5', '6'])
  })
})

describe('resolveSeries', () => {
  it('T-SERIES-1 two writers that meet a new metric at once agree on its id', async () => {
    const wanted = [{ deviceId: 'd', metric: `it's "new" \u0001`, kind: 'number' as const }]
    const answers = await Promise.all([1, 2, 3, 4].map(() => resolveSeries(database.pool, wanted)))
    expect(new Set(answers.map(([series]) => series?.id)).size).toBe(1)
  })

  it('T-SERIES-2 a boolean series that meets a number becomes one; strings leave it alone', async () => {
    const ask = async (kind: 'number' | 'boolean' | 'string') =>
      (await resolveSeries(database.pool, [{ deviceId: 'd', metric: 'ok', kind }]))[0]?.kind
    expect(await ask('boolean')).toBe('boolean')
    expect(await ask('string')).toBe('boolean')
    expect(await ask('number')).toBe('number')
    expect(await ask('boolean')).toBe('number')
  })

  it('T-SERIES-3 a device has room for 1,000 metrics; an unknown device for none', async () => {
    const many = Array.from({ length: 1_005 }, (_, i) => ({
      deviceId: 'e',
      metric: `m${i}`,
      kind: 'number' as const,
    }))
    const ids = await resolveSeries(database.pool, many)
    expect(ids.filter((series) => series === undefined).length).toBe(5)
    expect(await resolveSeries(database.pool, [{ deviceId: 'gone', metric: 'm', kind: 'number' }])).toEqual([
      undefined,
    ])
  })
})

describe('plain engine', () => {
  it('O-ENGINE-1 makes partitions for late and future rows, also from two processes at once', async () => {
    const other = await openEngine(database.pool)
    const late = Date.UTC(2019, 0, 1)
    await Promise.all([
      engine.cover([late]),
      other.cover([late]),
      openEngine(database.pool).then((e) => e.cover([late])),
    ])
    await storeBatch(database.pool, { numbers: numbers([[late, 1]]), texts: noTexts, rejected: [] }, copy)
    expect(await stored()).toEqual([[late, 1]])
  })

  it('O-ENGINE-4 partitions are weeks of UTC, whatever the time zone of the database', async () => {
    const elsewhere = await createTestDatabase()
    const name = new URL(elsewhere.url).pathname.slice(1)
    await elsewhere.pool.query(`ALTER DATABASE ${name} SET timezone = 'America/New_York'`)
    const pool = createPool({ url: elsewhere.url, name: 'test', max: 2 })
    const monday = Date.UTC(2026, 5, 1)
    const rows = { seriesIds: [1, 1], timesMs: [monday, monday + 7 * 86_400_000 - 1], values: [1, 2] }
    await (await openEngine(pool)).cover([monday])
    await storeBatch(pool, { numbers: rows, texts: noTexts, rejected: [] }, copy)
    expect((await pool.query('SELECT FROM reading')).rowCount).toBe(2)
    await pool.end()
    await elsewhere.drop()
  })

  it('O-ENGINE-3 two rows a century apart cost two partitions, not five thousand', async () => {
    await engine.cover([Date.UTC(1930, 0, 1), Date.UTC(2030, 0, 1)])
    const { rows } = await database.pool.query(
      `SELECT count(*) AS n FROM pg_inherits WHERE inhparent = 'reading'::regclass`,
    )
    expect(rows[0].n).toBeLessThan(10)
  })

  it('O-ENGINE-2 retention drops whole partitions older than it and nothing newer', async () => {
    const now = Date.UTC(2026, 6, 1)
    const old = now - 100 * 86_400_000
    const young = now - 20 * 86_400_000
    await engine.cover([old])
    await engine.cover([young])
    const rows = numbers([
      [old, 1],
      [young, 2],
    ])
    await storeBatch(database.pool, { numbers: rows, texts: noTexts, rejected: [] }, copy)
    while (await engine.rollUp());
    await engine.maintain({ nowMs: now, retentionDays: 30, backfillDays: 30 })
    expect(await stored()).toEqual([[young, 2]])
    // What was dropped can be written again: the partition is remade.
    await engine.cover([old])
    await storeBatch(database.pool, { numbers: numbers([[old, 3]]), texts: noTexts, rejected: [] }, copy)
  })
})
