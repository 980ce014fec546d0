import { randomInt } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { limits } from '../limits.ts'
import { describeEngines } from '../testing/database.ts'
import { random } from '../testing/random.ts'
import { type Row, TestStorage } from '../testing/storage.ts'
import { type BucketRow, isPartlyDropped, readBuckets } from './buckets.ts'
import { setDroppedBefore } from './rollups.ts'
import { cutRange, lateParts, sourceFor } from './sources.ts'

const SECOND = 1_000
const MINUTE = 60 * SECOND
const HOUR = 60 * MINUTE
const DAY = 24 * HOUR
const widths = [7 * SECOND, 30 * SECOND, 90 * SECOND, MINUTE, 5 * MINUTE, 7 * MINUTE, 61 * MINUTE].concat([
  HOUR,
  3 * HOUR,
  25 * HOUR,
  DAY,
  7 * DAY,
])

interface Asked {
  seriesIds: number[]
  from: number
  to: number
  bucketMs: number
  limit: number
}

/** What one computes by hand from the readings, in order of bucket and series. */
function expectedBuckets(rows: Row[], { seriesIds, from, to, bucketMs, limit }: Asked): BucketRow[] {
  const buckets = new Map<string, Row[]>()
  for (const row of rows.toSorted((a, b) => a[1] - b[1])) {
    const [id, time] = row
    if (!seriesIds.includes(id) || time < from || time >= to) continue
    const key = `${id} ${Math.floor(time / bucketMs) * bucketMs}`
    buckets.set(key, [...(buckets.get(key) ?? []), row])
  }
  const found = [...buckets].map(([key, all]): BucketRow => {
    const [id = 0, t = 0] = key.split(' ').map(Number)
    const values = all.map(([, , value]) => value)
    const avg = values.reduce((sum, value) => sum + value, 0) / values.length
    return [id, t, avg, Math.min(...values), Math.max(...values), values.length, values.at(-1) ?? 0]
  })
  const newest = new Set([...new Set(found.map(([, t]) => t))].sort((a, b) => b - a).slice(0, limit))
  return found.filter(([, t]) => newest.has(t)).sort(byTime)
}

const byTime = (a: BucketRow, b: BucketRow) => a[1] - b[1] || a[0] - b[0]
/** Sums are added up in different orders. */
const near = (rows: BucketRow[]) =>
  rows.map(([id, t, avg, ...rest]) => [id, t, Number(avg.toPrecision(9)), ...rest])

describeEngines('buckets', (testEngine) => {
  let storage: TestStorage
  beforeAll(async () => {
    storage = await TestStorage.open(testEngine)
  })
  afterAll(() => storage.database.drop())

  async function expectExact(rows: Row[], asked: Asked): Promise<void> {
    const found = await readBuckets(storage.database.pool, { ...asked, source: sourceFor(asked.bucketMs) })
    expect(near(found.toSorted(byTime)), JSON.stringify(asked)).toEqual(near(expectedBuckets(rows, asked)))
    // In order of time without our help.
    expect(found.map(([, t]) => t)).toEqual(found.map(([, t]) => t).sort((a, b) => a - b))
  }

  it('T-EXACT-1 are what the readings give, for random readings, ranges and widths, also where rollups are behind', async () => {
    const seed = randomInt(2 ** 31)
    const next = random(seed)
    const pick = (from: number, to: number) => Math.floor(from + next() * (to - from))
    const { ids } = await storage.newSeries()
    const now = Date.now()
    const stored = new Map<string, Row>()
    const store = async (rows: Row[]) => {
      // Of two for one instant the first stays.
      const fresh = rows.filter((row) => {
        const key = `${row[0]} ${row[1]}`
        if (stored.has(key)) return false
        stored.set(key, row)
        return true
      })
      await storage.store(fresh, 'merge')
    }
    const reading = (id: number, from: number, to: number): Row => [id, pick(from, to), pick(-1e4, 1e4) / 8]
    try {
      const dense = Array.from({ length: 6_000 }, () => reading(ids[0], now - 3 * DAY, now))
      const sparse = Array.from({ length: 300 }, () => reading(ids[1], now - 28 * DAY, now))
      await store([...dense, ...sparse])
      await storage.rollUpAll()
      for (let batch = 0; batch < 25; batch++) {
        const id = ids[pick(0, 2)] as number
        const from = pick(now - 20 * DAY, now)
        const to = Math.min(now, from + pick(1, [MINUTE, HOUR, 2 * DAY][pick(0, 3)] as number))
        await store(Array.from({ length: pick(1, 30) }, () => reading(id, from, to)))
      }
      for (let round = 0; round < 120; round++) {
        const lengthMs = Math.exp(next() * Math.log(30 * DAY)) + 1
        const from = pick(now - 29 * DAY, now)
        const bucketMs = widths[pick(0, widths.length)] as number
        // Ends on bucket boundaries and off them, in the past and behind now.
        const align = next() < 0.3 ? bucketMs : 1
        const to = Math.max(from + 1, Math.ceil((from + lengthMs) / align) * align)
        const seriesIds = next() < 0.5 ? [...ids] : [ids[pick(0, 2)] as number]
        const limit = next() < 0.3 ? pick(1, 20) : 1_000_000
        await expectExact([...stored.values()], { seriesIds, from, to, bucketMs, limit })
      }
    } catch (error) {
      throw new Error(`seed ${seed}`, { cause: error })
    }
  })

  it('T-EXACT-2 are exact with more late stretches than are read one by one', async () => {
    const { ids } = await storage.newSeries()
    const start = Math.floor(Date.now() / DAY) * DAY - 10 * DAY
    const even = Array.from(
      { length: 2_000 },
      (_, i): Row => [ids[i % 2] as number, start + i * 5 * MINUTE, i],
    )
    await storage.store(even)
    await storage.rollUpAll()
    const late = Array.from(
      { length: 150 },
      (_, i): Row => [ids[i % 2] as number, start + i * 53 * MINUTE + 7, -i],
    )
    for (const row of late) await storage.store([row], 'merge')
    for (const bucketMs of [MINUTE, HOUR, DAY]) {
      const range = { from: start + 12_345, to: start + 7 * DAY - 54_321 }
      await expectExact([...even, ...late], { seriesIds: ids, ...range, bucketMs, limit: 1_000_000 })
    }
  })

  it('T-DROPPED-1 come from rollups where retention has dropped the readings', async () => {
    const { ids } = await storage.newSeries()
    const [id] = ids
    const { pool } = storage.database
    const start = Math.floor(Date.now() / DAY) * DAY - 20 * DAY
    const rows = Array.from({ length: 20 * 24 }, (_, i): Row => [id, start + i * HOUR + 1, i])
    await storage.store(rows)
    await storage.rollUpAll()
    const range = { seriesIds: ids, from: start, to: start + 19 * DAY, limit: 1_000 }
    expect(await isPartlyDropped(pool, range)).toBe(false)
    const droppedMs = start + 9 * DAY
    await setDroppedBefore(pool, droppedMs)
    await pool.query('DELETE FROM reading WHERE series_id = $1 AND time < $2', [id, new Date(droppedMs)])
    // Noted before retention came, folded in by nobody since.
    await pool.query('INSERT INTO late_reading (series_id, first_at, last_at) VALUES ($1, $2, $3)', [
      id,
      new Date(start + 3 * DAY),
      new Date(start + 11 * DAY),
    ])
    expect(await isPartlyDropped(pool, range)).toBe(true)
    expect(await isPartlyDropped(pool, { ...range, from: droppedMs })).toBe(false)
    for (const bucketMs of [MINUTE, HOUR, DAY]) await expectExact(rows, { ...range, bucketMs })
    await pool.query(`UPDATE retention_state SET dropped_before = '-infinity'`)
  })

  it('T-EXACT-3 of a mean that no plain sum could hold are right', async () => {
    const { ids } = await storage.newSeries()
    const [id] = ids
    const start = Date.now() - HOUR
    const values = [1.7e308, 1.7e308, 1.7e308, 5e-324, -1.7e308]
    await storage.store(values.map((value, i): Row => [id, start + i, value]))
    const range = { seriesIds: [id], from: start, to: start + MINUTE, limit: 10 }
    const [bucket] = await readBuckets(storage.database.pool, { ...range, bucketMs: 366 * DAY, source: '1d' })
    expect((bucket?.[2] ?? 0) / 6.8e307).toBeCloseTo(1, 9)
    expect(bucket?.slice(3)).toEqual([-1.7e308, 1.7e308, 5, -1.7e308])
  })
})

describe('sources', () => {
  it('T-SOURCE-1 are the coarsest rollup that fills a bucket exactly', () => {
    const cases: [number, string][] = [
      [10 * SECOND, 'raw'],
      [90 * SECOND, 'raw'],
      [MINUTE, '1m'],
      [90 * MINUTE, '1m'],
      [HOUR, '1h'],
      [25 * HOUR, '1h'],
      [DAY, '1d'],
      [7 * DAY, '1d'],
    ]
    for (const [width, source] of cases) expect(sourceFor(width)).toBe(source)
  })

  it('T-SOURCE-2 cover a range without a seam, coarse in the middle and fine at the ends', () => {
    const from = Date.UTC(2026, 0, 1, 22, 58, 59)
    const to = Date.UTC(2026, 0, 4, 1, 1, 1)
    const pieces = cutRange({ fromMs: from, toMs: to }, '1d')
    expect(pieces.map(({ source }) => source)).toEqual(['raw', '1m', '1h', '1d', '1h', '1m', 'raw'])
    expect(pieces[0]?.fromMs).toBe(from)
    expect(pieces.at(-1)?.toMs).toBe(to)
    for (const [i, piece] of pieces.entries()) if (i > 0) expect(piece.fromMs).toBe(pieces[i - 1]?.toMs)
    expect(cutRange({ fromMs: from, toMs: from + 1 }, '1d')).toEqual([
      { source: 'raw', fromMs: from, toMs: from + 1 },
    ])
  })

  it('T-SOURCE-3 read late stretches one by one while they are few, and joined when they are many', () => {
    const piece = { source: '1m', fromMs: 0, toMs: 30 * DAY } as const
    const late = (n: number) => ({
      spans: Array.from({ length: n }, (_, i) => ({
        seriesId: i,
        fromMs: i * HOUR,
        toMs: i * HOUR + MINUTE,
      })),
      sinceMs: Number.NEGATIVE_INFINITY,
    })
    const max = limits.history.latePartsMax
    expect(lateParts(piece, late(3), max)).toEqual(
      [0, 1, 2].map((i) => ({ seriesIds: [i], fromMs: i * HOUR, toMs: i * HOUR + MINUTE })),
    )
    expect(lateParts(piece, late(700), max).length).toBeLessThanOrEqual(max)
    expect(lateParts({ ...piece, source: 'raw' }, late(3), max)).toEqual([])
  })
})
