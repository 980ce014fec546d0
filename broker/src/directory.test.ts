import { limits } from '@telltale/infra/limits'
import { createLog } from '@telltale/infra/log'
import { createPool, type Pool } from '@telltale/infra/storage/pool'
import { registerDevice } from '@telltale/infra/testing/broker'
import { createTestDatabase, type TestDatabase } from '@telltale/infra/testing/database'
import { type DatabaseProxy, startDatabaseProxy } from '@telltale/infra/testing/database-proxy'
import { afterAll, beforeAll, expect, it, vi } from 'vitest'
import { DeviceDirectory } from './directory.ts'
import { PromptDatabase } from './prompt-database.ts'

let database: TestDatabase
let proxy: DatabaseProxy
let pool: Pool

beforeAll(async () => {
  database = await createTestDatabase()
  proxy = await startDatabaseProxy(database.url)
  pool = createPool({ url: proxy.url, name: 'directory', max: 2 })
})
afterAll(async () => {
  vi.restoreAllMocks()
  proxy?.pass()
  await pool?.end()
  await proxy?.close()
  await database?.drop()
})

it('R-AWAY-9 while the database is away a device that was known stays known, and only one never heard of waits', async () => {
  const log = createLog('broker', 'fatal')
  const directory = new DeviceDirectory({ pool, database: new PromptDatabase({ pool, log }) })
  await registerDevice(database.pool, 'known')
  expect(await directory.isRegistered('known')).toBe(true)
  expect(await directory.isRegistered('fresh')).toBe(false)
  await registerDevice(database.pool, 'fresh')
  proxy.refuse()
  // Long after the answer of before counted.
  const realNow = performance.now.bind(performance)
  vi.spyOn(performance, 'now').mockImplementation(() => realNow() + 100 * limits.directory.trustedMs)
  const fresh = directory.isRegistered('fresh')
  expect(await Promise.race([fresh, directory.isRegistered('known')])).toBe(true)
  const isFreshFirst = await Promise.race([
    fresh.then(() => true),
    directory.isRegistered('known').then(() => false),
  ])
  expect(isFreshFirst).toBe(false)
  await database.pool.query(`DELETE FROM device WHERE id = 'known'`)
  proxy.pass()
  expect(await fresh).toBe(true)
  expect(await directory.isRegistered('known')).toBe(false)
})
