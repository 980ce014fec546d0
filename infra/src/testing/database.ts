import { randomBytes } from 'node:crypto'
import pg from 'pg'
import { inject } from 'vitest'
import { createPool, type Pool } from '../storage/pool.ts'

export interface TestDatabase {
  url: string
  pool: Pool
  drop: () => Promise<void>
}

/** An empty, migrated database of the caller's own, copied from the run's template in about 50 ms. */
export async function createTestDatabase(): Promise<TestDatabase> {
  const template = new URL(inject('templateUrl'))
  const name = `test_${randomBytes(6).toString('hex')}`
  await administer(template, `CREATE DATABASE ${name} TEMPLATE ${template.pathname.slice(1)}`)
  const url = new URL(template)
  url.pathname = `/${name}`
  const pool = createPool({ url: url.href, name: 'test', max: 4 })
  return {
    url: url.href,
    pool,
    drop: async () => {
      await pool.end()
      await administer(template, `DROP DATABASE ${name} WITH (FORCE)`)
    },
  }
}

async function administer(template: URL, sql: string): Promise<void> {
  const url = new URL(template)
  url.pathname = '/postgres'
  const client = new pg.Client({ connectionString: url.href })
  await client.connect()
  try {
    // Two copies of one template at a time are refused; the lock makes parallel test files wait.
    await client.query('SELECT pg_advisory_lock(42)')
    await client.query(sql)
  } finally {
    await client.end()
  }
}
