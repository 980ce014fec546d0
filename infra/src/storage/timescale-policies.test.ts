import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import { copyTemplate } from '../testing/database.ts'
import { TestStorage } from '../testing/storage.ts'
import { waitFor } from '../testing/wait.ts'
import { nextChunkHours } from './timescale-policies.ts'

const DAY = 86_400_000
const template = inject('timescaleTemplateUrl')

describe.skipIf(!template)('policies of TimescaleDB', () => {
  let storage: TestStorage
  beforeAll(async () => {
    storage = await TestStorage.open({
      name: 'timescale',
      createDatabase: () => copyTemplate(template ?? ''),
    })
  })
  afterAll(() => storage.database.drop())

  async function configs(procedure: string, key: string): Promise<string[]> {
    const { rows } = await storage.database.pool.query(
      `SELECT (config->>$2)::interval::text AS value FROM timescaledb_information.jobs WHERE proc_name = $1 ORDER BY 1`,
      [procedure, key],
    )
    return rows.map(({ value }) => value)
  }

  it('O-POLICY-1 old chunks reach the columnstore even where the background workers fail', async () => {
    const { ids } = await storage.newSeries()
    const now = Date.now()
    await storage.store(Array.from({ length: 5_000 }, (_, i) => [ids[0], now - 3 * DAY - i * 1_000, i % 7]))
    let aheadMs = 0
    await waitFor('the columnstore', async () => {
      // What fails or does not come is done by ourselves when it is due: half a day on, each time.
      aheadMs += DAY / 2
      await storage.engine.maintain({ nowMs: now + aheadMs, retentionDays: 0, backfillDays: 30 })
      return ((await storage.engine.describe()).compression?.chunksCompressed ?? 0) > 0
    })
    const { compression } = await storage.engine.describe()
    expect(compression?.beforeBytes).toBeGreaterThan(2 * (compression?.afterBytes ?? 0))
    expect(await storage.count('reading', ids)).toBe(5_000)
  })

  it('O-POLICY-2 policies follow the settings, and a refresh never reaches what retention has dropped', async () => {
    const maintain = (retentionDays: number, backfillDays: number) =>
      storage.engine.maintain({ nowMs: Date.now(), retentionDays, backfillDays })
    await storage.rollUpAll()
    await maintain(0, 30)
    expect(await configs('policy_retention', 'drop_after')).toEqual([])
    expect(await configs('policy_refresh_continuous_aggregate', 'start_offset')).toEqual(
      Array(3).fill('34 days'),
    )
    await maintain(10, 30)
    expect(await configs('policy_retention', 'drop_after')).toEqual(['15 days', '15 days'])
    expect(await configs('policy_refresh_continuous_aggregate', 'start_offset')).toEqual(
      Array(3).fill('14 days'),
    )
    // Kept longer from now on; what is gone stays gone, and its rollups must not be made again from nothing.
    await maintain(90, 30)
    expect(await configs('policy_retention', 'drop_after')).toEqual(['91 days', '91 days'])
    expect(await configs('policy_refresh_continuous_aggregate', 'start_offset')).toEqual(
      Array(3).fill('14 days'),
    )
    await maintain(0, 1)
    expect(await configs('policy_retention', 'drop_after')).toEqual([])
    expect(await configs('policy_refresh_continuous_aggregate', 'start_offset')).toEqual(
      Array(3).fill('5 days'),
    )
  })
})

it('O-CHUNK-1 chunks widen while they are small and narrow before they outgrow the memory', () => {
  const GIB = 2 ** 30
  expect(nextChunkHours(24, 3 * GIB, 4 * GIB)).toBe(12)
  expect(nextChunkHours(24, GIB / 2, 4 * GIB)).toBe(24)
  expect(nextChunkHours(24, GIB / 100, 4 * GIB)).toBe(168)
  expect(nextChunkHours(168, 1, 4 * GIB)).toBe(168)
  expect(nextChunkHours(1, 9 * GIB, 4 * GIB)).toBe(1)
})
