import { randomBytes } from 'node:crypto'
import { describe, inject } from 'vitest'
import { createPool, type Pool } from '../storage/pool.ts'
import { administer } from './administer.ts'

export interface TestDatabase {
  url: string
  pool: Pool
  drop: () => Promise<void>
}

/** An empty, migrated database of the caller's own, copied from the run's template in about 50 ms. */
export function createTestDatabase(): Promise<TestDatabase> {
  return copyTemplate(inject('templateUrl'))
}

export interface TestEngine {
  name: 'plain' | 'timescale'
  createDatabase: () => Promise<TestDatabase>
}

/** The same suite on both engines; on TimescaleDB where the run has a server with it. */
export function describeEngines(what: string, suite: (engine: TestEngine) => void): void {
  describe(`${what} on plain PostgreSQL`, () => suite({ name: 'plain', createDatabase: createTestDatabase }))
  const template = inject('timescaleTemplateUrl')
  if (template)
    describe(`${what} on TimescaleDB`, () =>
      suite({ name: 'timescale', createDatabase: () => copyTemplate(template) }))
}

/** A database of the caller's own, copied from a template of the run. */
export async function copyTemplate(templateUrl: string): Promise<TestDatabase> {
  const template = new URL(templateUrl)
  const name = `test_${randomBytes(6).toString('hex')}`
  await administer(template.href, `CREATE DATABASE ${name} TEMPLATE ${template.pathname.slice(1)}`)
  const url = new URL(template)
  url.pathname = `/${name}`
  const pool = createPool({ url: url.href, name: 'test', max: 4 })
  return {
    url: url.href,
    pool,
    drop: async () => {
      await pool.end()
      await administer(template.href, `DROP DATABASE ${name} WITH (FORCE)`)
    },
  }
}
