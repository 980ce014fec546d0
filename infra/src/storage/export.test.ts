import { randomInt } from 'node:crypto'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { describeEngines } from '../testing/database.ts'
import { random } from '../testing/random.ts'
import { type Row, TestStorage } from '../testing/storage.ts'
import { exportReadings } from './export.ts'
import { findSeries } from './readings.ts'

const DAY = 86_400_000

describeEngines('exports', (testEngine) => {
  let storage: TestStorage
  beforeAll(async () => {
    storage = await TestStorage.open(testEngine)
  })
  afterAll(() => storage.database.drop())

  it('T-EXPORT-6 hold every reading once and in order, whatever the density', async () => {
    const seed = randomInt(2 ** 31)
    const next = random(seed)
    const { pool } = storage.database
    const { deviceId, ids } = await storage.newSeries()
    const now = Date.now()
    const rows = new Map<string, Row>()
    const add = (id: number, timeMs: number) => rows.set(`${id} ${timeMs}`, [id, timeMs, next()])
    // A few a day; then many within a second, more than a slice holds; both series at the same instants.
    for (let i = 0; i < 200; i++) add(ids[0], Math.floor(now - next() * 28 * DAY))
    const burst = Math.floor(now - 10 * DAY)
    for (let i = 0; i < 7_000; i++) {
      add(ids[0], burst + i)
      if (i % 2 === 0) add(ids[1], burst + i)
    }
    for (let i = 0; i < 3_000; i++) add(ids[1], Math.floor(now - next() * DAY))
    const numbers = [...rows.values()]
    await storage.store(numbers, 'merge')
    await pool.query(`UPDATE series SET mixed = true WHERE id = $1`, [ids[1]])
    const texts = [burst - DAY, burst + 3, now - 1].map((timeMs) => [ids[1], timeMs, `at ${timeMs}`] as const)
    await storage.engine.cover(texts.map(([, timeMs]) => timeMs))
    for (const [id, timeMs, text] of texts)
      await pool.query('INSERT INTO reading_text VALUES ($1, $2, $3)', [id, new Date(timeMs), text])
    const series = await findSeries(pool, { deviceIds: [deviceId], limit: 10 })
    try {
      for (let round = 0; round < 6; round++) {
        const from = round === 0 ? 0 : Math.floor(now - next() * 29 * DAY)
        const to = round === 0 ? now + 1 : Math.floor(from + 1 + next() * (now - from))
        const expected = [...numbers, ...texts]
          .filter(([, timeMs]) => timeMs >= from && timeMs < to)
          .map(([id, timeMs, value]) => `${timeMs} ${id} ${value}`)
        const found: string[] = []
        let lastUs = 0
        for await (const points of exportReadings(pool, { series, from, to }))
          for (const [id, timeUs, number, text] of points) {
            expect(timeUs).toBeGreaterThanOrEqual(lastUs)
            lastUs = timeUs
            found.push(`${timeUs / 1_000} ${id} ${text ?? number}`)
          }
        expect(found.sort()).toEqual(expected.sort())
      }
    } catch (error) {
      throw new Error(`seed ${seed}`, { cause: error })
    }
  })

  it('T-EXPORT-7 hold readings between two milliseconds too', async () => {
    const { pool } = storage.database
    const { deviceId, ids } = await storage.newSeries()
    const start = Math.floor(Date.now() / 1_000) * 1_000 - 3_600_000
    await pool.query(
      `INSERT INTO reading SELECT $1, $2::timestamptz + n * interval '1 microsecond', n FROM generate_series(0, 12000) n`,
      [ids[0], new Date(start)],
    )
    const series = await findSeries(pool, { deviceIds: [deviceId], limit: 10 })
    const values: (number | null)[] = []
    for await (const points of exportReadings(pool, { series, from: start, to: start + 12 }))
      for (const [, , number] of points) values.push(number)
    expect(values).toEqual(Array.from({ length: 12_000 }, (_, n) => n))
  })
})
