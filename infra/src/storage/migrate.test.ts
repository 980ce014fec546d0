import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { StartError } from '../service.ts'
import { createTestDatabase, type TestDatabase } from '../testing/database.ts'
import { startDatabaseProxy } from '../testing/database-proxy.ts'
import { waitFor } from '../testing/wait.ts'
import { advisoryLocks } from './locks.ts'
import { migrate, withoutPassword } from './migrate.ts'

let database: TestDatabase
beforeAll(async () => {
  database = await createTestDatabase()
})
afterAll(() => database.drop())

describe('migrate', () => {
  it('O-MIGRATE-1 two starters at once both end with one schema', async () => {
    await database.pool.query('DROP SCHEMA public CASCADE; CREATE SCHEMA public')
    await Promise.all([migrate(database.url), migrate(database.url), migrate(database.url)])
    const { rows } = await database.pool.query('SELECT count(*) AS n FROM device')
    expect(rows[0].n).toBe(0)
  })

  it('O-MIGRATE-2 a schema newer than this version is refused with a sentence', async () => {
    await database.pool.query("INSERT INTO schema_migration (name, run_on) VALUES ('9999_future', now())")
    await expect(migrate(database.url)).rejects.toThrow(/newer Telltale \(9999_future\)/)
  })

  it('O-MIGRATE-4 a database that a move left half done is refused', async () => {
    const half = await createTestDatabase()
    await half.pool.query('CREATE TABLE storage_move (source text)')
    await expect(migrate(half.url)).rejects.toThrow(/storage:move into this database was not finished/)
    await half.drop()
  })

  it('O-MIGRATE-3 an unreachable database is named without its password', async () => {
    const lines: string[] = []
    const problem = /^cannot reach the database at postgres:\/\/u:…@127\.0\.0\.1:1\/x: /
    const migrating = migrate('postgres://u:hunter2@127.0.0.1:1/x', {
      waitMs: 300,
      say: (line) => lines.push(line),
    })
    await expect(migrating).rejects.toThrow(problem)
    expect(lines).toEqual([expect.stringMatching(problem)])
  })

  it.each([
    ['postgres://u:gehe:im@127.0.0.1:1/x', 'postgres://u:…@127.0.0.1:1/x'],
    ['postgres://u:p@geheim@127.0.0.1:1/x', 'postgres://u:…@127.0.0.1:1/x'],
    ['postgres://127.0.0.1:1/x?user=u&password=geheim', 'postgres://127.0.0.1:1/x'],
    ['postgres://u@[::1]:1/x?sslpassword=geheim', 'postgres://u@[::1]:1/x'],
    ['postgres://u:12#geheim@127.0.0.1/x', '(an address that cannot be read)'],
    ['postgres://u:12/geheim@127.0.0.1/x', '(an address that cannot be read)'],
    ['postgres://u:geheim/@127.0.0.1/x', '(an address that cannot be read)'],
  ])('O-MIGRATE-3 wherever the password stands: %s', (url, shown) => {
    expect(withoutPassword(url)).toBe(shown)
  })

  it('O-MIGRATE-6 a database that goes away meanwhile is told in a line', async () => {
    const proxy = await startDatabaseProxy(database.url)
    const holder = await database.pool.connect()
    await holder.query('SELECT pg_advisory_lock($1)', [advisoryLocks.migration])
    const migrating = migrate(proxy.url)
    const told = migrating.catch((error: unknown) => error)
    const waiting = `SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND NOT granted
      AND database = (SELECT oid FROM pg_database WHERE datname = current_database())`
    await waitFor('it to be under way', async () => (await database.pool.query(waiting)).rowCount === 1)
    proxy.refuse()
    const problem = await told
    expect(problem).toBeInstanceOf(StartError)
    expect((problem as Error).message).toMatch(/^the database at postgres:.* did not take its schema: ./)
    holder.release(true)
    await proxy.close()
  })

  it('O-MIGRATE-5 waiting is for a database that is away, not for one that does not know us', async () => {
    const unknown = new URL(database.url)
    unknown.pathname = '/of-nobody'
    const lines: string[] = []
    const migrating = migrate(unknown.href, { waitMs: 3_600_000, say: (line) => lines.push(line) })
    await expect(migrating).rejects.toThrow(/of-nobody/)
    expect(lines).toEqual([])
  })
})
