import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { printBlock } from './first-minutes.ts'
import { createTestDatabase, type TestDatabase } from './testing/database.ts'
import { type UpConfig, upConfig } from './up-config.ts'

let database: TestDatabase
const printed: string[] = []

beforeEach(async () => {
  database = await createTestDatabase()
  printed.length = 0
  vi.spyOn(console, 'log').mockImplementation((text: string) => printed.push(text))
})
afterEach(async () => {
  vi.restoreAllMocks()
  await database.drop()
})

async function blockOf(config: UpConfig): Promise<string[]> {
  await printBlock(database.pool, config, { device: undefined, firstPassword: undefined })
  return printed.join('\n').split('\n')
}

describe('the printed block', () => {
  it('O-SET-8 shows the address for TLS where there is one', async () => {
    const plain = upConfig([], {})
    expect((await blockOf(plain)).join()).not.toContain('mqtts://')
    const withTls = { ...plain, TELLTALE_MQTTS_PORT: 8883, TELLTALE_MQTTS_HOST: '::' }
    expect(await blockOf(withTls)).toContain('  MQTT, TLS   mqtts://[::1]:8883')
  })
})
