import { afterAll, beforeAll, expect, it } from 'vitest'
import { limits } from '../limits.ts'
import { describeEngines } from '../testing/database.ts'
import { type Row, TestStorage } from '../testing/storage.ts'
import { waitFor } from '../testing/wait.ts'
import { deleteDevice, workOnDeletions } from './deletions.ts'
import { resolveSeries } from './series.ts'

const MINUTE = 60_000
const DAY = 24 * 60 * MINUTE

describeEngines('deletions', (testEngine) => {
  let storage: TestStorage
  beforeAll(async () => {
    storage = await TestStorage.open(testEngine)
  })
  afterAll(() => storage.database.drop())

  it('T-DELETE-1 a deleted device goes at once, its readings and rollups in the background, its record stays', async () => {
    const { deviceId, ids } = await storage.newSeries()
    const other = await storage.newSeries()
    const rows: Row[] = Array.from({ length: 2_000 }, (_, i) => [
      (i % 4 < 2 ? ids : other.ids)[i % 2] as number,
      Date.now() - 6 * DAY + i * MINUTE,
      i,
    ])
    await storage.store(rows)
    await storage.rollUpAll()
    expect(await deleteDevice(storage.database.pool, deviceId, 'ada')).toBe(true)
    expect(await deleteDevice(storage.database.pool, deviceId, 'ada')).toBe(false)
    while (await workOnDeletions(storage.database.pool, storage.engine));
    for (const table of [
      'reading',
      'reading_1m',
      'reading_1h',
      'reading_1d',
      'late_reading',
      'latest_reading',
    ])
      expect(await storage.count(table, ids), table).toBe(0)
    expect(await storage.count('reading', other.ids)).toBe(1_000)
    const record = async () =>
      (
        await storage.database.pool.query(
          'SELECT readings_deleted::int AS n, finished_at FROM device_deletion WHERE device_id = $1',
          [deviceId],
        )
      ).rows[0]
    // A batch that was under way could still write: it is not finished before its grace is over.
    expect(await record()).toEqual({ n: 1_000, finished_at: null })
    await storage.store([[ids[0], Date.now(), 1]])
    await storage.database.pool.query(
      'UPDATE device_deletion SET requested_at = requested_at - $1 * interval $$1 ms$$',
      [limits.deletions.graceMs],
    )
    await workOnDeletions(storage.database.pool, storage.engine)
    expect(await record()).toEqual({ n: 1_001, finished_at: expect.any(Date) })
    await storage.rollUpAll()
    await storage.expectRolledUp(other.ids)
  })

  it('T-DELETE-4 deletions become visible in the order of their ids', async () => {
    const { pool } = storage.database
    const [first, second] = [await storage.newSeries(), await storage.newSeries()]
    // Something keeps the first one from ending.
    const blocker = await pool.connect()
    await blocker.query('BEGIN')
    await blocker.query('SELECT FROM device WHERE id = $1 FOR UPDATE', [first.deviceId])
    const deletions = [deleteDevice(pool, first.deviceId, 'ada')]
    await waitFor('the first to wait', async () => {
      const { rowCount } = await pool.query(
        `SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`,
      )
      return rowCount === 1
    })
    deletions.push(deleteDevice(pool, second.deviceId, 'ada'))
    await waitFor('the second to wait as well', async () => {
      const { rowCount } = await pool.query(
        `SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`,
      )
      return rowCount === 2
    })
    await blocker.query('ROLLBACK')
    blocker.release()
    expect(await Promise.all(deletions)).toEqual([true, true])
    const { rows } = await pool.query('SELECT device_id FROM device_deletion ORDER BY id DESC LIMIT 2')
    expect(rows.map((row) => row.device_id)).toEqual([second.deviceId, first.deviceId])
  })

  it('T-DELETE-2 a device made again gets series of its own', async () => {
    const { deviceId, ids } = await storage.newSeries()
    await deleteDevice(storage.database.pool, deviceId, 'ada')
    await storage.database.pool.query('INSERT INTO device (id, name) VALUES ($1, $1)', [deviceId])
    const [again] = await resolveSeries(storage.database.pool, [{ deviceId, metric: 'a', kind: 'number' }])
    expect(ids).not.toContain(again?.id)
  })
})
