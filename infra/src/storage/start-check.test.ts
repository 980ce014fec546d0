import { afterAll, beforeAll, expect, it } from 'vitest'
import { startTestApi } from '../testing/api.ts'
import { startTestBroker, type TestBroker } from '../testing/broker.ts'
import { createTestDatabase, type TestDatabase } from '../testing/database.ts'
import { checkDatabase } from './start-check.ts'

let database: TestDatabase
let broker: TestBroker | undefined

beforeAll(async () => {
  database = await createTestDatabase()
})
afterAll(async () => {
  await broker?.program.kill()
  await database?.drop()
})

const sql = (text: string) => database.pool.query(text)
const databaseName = () => new URL(database.url).pathname.slice(1)

/** How both programs refuse to start on the database as it is: one line each. */
async function refusals(): Promise<string[]> {
  const outcome = (starting: Promise<unknown>) =>
    starting.then(
      () => 'started',
      (error: Error) => error.message.trim().replace(/^(broker|api) did not start /, ''),
    )
  const nobody = { url: 'mqtt://127.0.0.1:9', port: 9, platformSecret: 'of-this-test-only' } as TestBroker
  return Promise.all([outcome(startTestBroker(database.url)), outcome(startTestApi(database, nobody))])
}

it('R-START-1 a schema newer than the program: broker and API refuse with one sentence', async () => {
  await sql("INSERT INTO schema_migration (name, run_on) VALUES ('9999_future', now())")
  const sentence =
    'telltale: the database was migrated by a newer Telltale (9999_future); start that version or restore a backup'
  const expected = `(exit code 1):\n${sentence}`
  expect(await refusals()).toEqual([expected, expected])
  await sql("DELETE FROM schema_migration WHERE name = '9999_future'")
})

it('R-START-2 a schema older than the program, or none: both say what to run first', async () => {
  const { rows } = await sql('SELECT name, run_on FROM schema_migration ORDER BY name DESC LIMIT 1')
  const { name } = rows[0]
  await database.pool.query('DELETE FROM schema_migration WHERE name = $1', [name])
  const sentence = `telltale: the database lacks ${name}, which this version needs: `
  const cure = 'run the migration (node infra/dist/migrate.js) first'
  const expected = `(exit code 1):\n${sentence}${cure}`
  expect(await refusals()).toEqual([expected, expected])
  await database.pool.query('INSERT INTO schema_migration (name, run_on) VALUES ($1, now())', [name])
  await sql('ALTER TABLE schema_migration RENAME TO somewhere_else')
  await expect(checkDatabase(database.pool)).rejects.toThrow('the database lacks 0001_initial')
  await sql('ALTER TABLE somewhere_else RENAME TO schema_migration')
  await expect(checkDatabase(database.pool)).resolves.toBeUndefined()
})

it('R-START-3 a database that takes no writes is refused with a sentence', async () => {
  await sql(`ALTER DATABASE ${databaseName()} SET default_transaction_read_only = on`)
  const expected = expect.stringMatching(/^\(exit code 1\):\ntelltale: the database is read-only; set .*$/)
  expect(await refusals()).toEqual([expected, expected])
  await sql(`ALTER DATABASE ${databaseName()} RESET default_transaction_read_only`)
})

it('R-START-4 a setting of the database that is no safe one is warned of, in a sentence', async () => {
  await sql(`ALTER DATABASE ${databaseName()} SET synchronous_commit = off`)
  broker = await startTestBroker(database.url)
  expect(broker.program.output()).toContain('synchronous_commit is off in the database: ')
  await sql(`ALTER DATABASE ${databaseName()} RESET synchronous_commit`)
  await broker.program.stop()
  await broker.restart()
  expect(broker.program.output()).not.toContain('in the database: ')
})
