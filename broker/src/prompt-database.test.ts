import { createLog } from '@telltale/infra/log'
import { Releases } from '@telltale/infra/service'
import { keepBrokerSeen, startBroker } from '@telltale/infra/storage/brokers'
import { createPool, type Pool } from '@telltale/infra/storage/pool'
import { createTestDatabase, type TestDatabase } from '@telltale/infra/testing/database'
import { type DatabaseProxy, startDatabaseProxy } from '@telltale/infra/testing/database-proxy'
import { waitFor } from '@telltale/infra/testing/wait'
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest'
import type { BrokerConfig } from './config.ts'
import { openPools } from './pools.ts'
import { DatabaseAway, PromptDatabase } from './prompt-database.ts'

let database: TestDatabase
let proxy: DatabaseProxy
let promptPool: Pool
let prompt: PromptDatabase
const log = createLog('broker', 'fatal')
const releases = new Releases()

beforeAll(async () => {
  database = await createTestDatabase()
  proxy = await startDatabaseProxy(database.url)
  ;({ promptPool } = openPools({ TELLTALE_DATABASE_URL: proxy.url } as BrokerConfig, log, releases))
  prompt = new PromptDatabase({ pool: promptPool, log })
})
afterEach(() => proxy.pass())
afterAll(async () => {
  await releases.run()
  await proxy?.close()
  await database?.drop()
})

const one = (pool: Pool) => pool.query('SELECT 1')

it('R-AWAY-18 a database that has been away and answers slowly, but in time, is there: for questions and the sign of life', async () => {
  await startBroker(database.pool, 'slow')
  await prompt.ask(one)
  proxy.refuse()
  await expect(prompt.ask(one)).rejects.toThrow(DatabaseAway)
  // A connection takes several times as long as an answer on it, and longer than an answer may take.
  proxy.slow(600)
  await waitFor('an answer', () => prompt.ask(one).catch(() => undefined))
  await keepBrokerSeen(promptPool, 'slow')
})

it('R-AWAY-19 one that a person has to mend is away; one question it refuses takes nothing from the others', async () => {
  const url = new URL(proxy.url)
  url.pathname = '/not-there'
  const gone = createPool({ url: url.href, name: 'prompt', max: 1 })
  releases.add('another pool', () => gone.end())
  await expect(new PromptDatabase({ pool: gone, log }).ask(one)).rejects.toThrow(DatabaseAway)

  const note = (pool: Pool) => pool.query('SET transaction_read_only = on; CREATE TABLE note ()')
  await expect(prompt.ask(note)).rejects.toThrow(DatabaseAway)
  expect(await prompt.isThere()).toBe(true)
  const fault = () => Promise.reject(new TypeError('ours'))
  await expect(prompt.ask(fault)).rejects.toThrow('ours')
})
