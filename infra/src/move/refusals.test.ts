import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, describe, expect, test } from 'vitest'
import { startEmbeddedPostgres } from '../postgres.ts'
import { migrate } from '../storage/migrate.ts'
import { createPool } from '../storage/pool.ts'
import { registerDevice, startTestBroker } from '../testing/broker.ts'
import { createTestDatabase, type TestDatabase } from '../testing/database.ts'
import { createEmptyDatabase, runStorage } from '../testing/storage-cli.ts'

const releases: (() => Promise<unknown>)[] = []
afterEach(async () => {
  for (const release of releases.splice(0).reverse()) await release()
})

async function keep(made: Promise<TestDatabase>): Promise<TestDatabase> {
  const database = await made
  releases.push(database.drop)
  return database
}

function move(source: TestDatabase, target: TestDatabase) {
  return runStorage(['move', '--from', source.url, '--to', target.url]).ended
}

async function tablesOf({ pool }: TestDatabase): Promise<string[]> {
  const { rows } = await pool.query<{ name: string }>(
    `SELECT relname::text AS name FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p')`,
  )
  return rows.map(({ name }) => name)
}

describe('a move is refused', () => {
  test('O-MOVE-3 into a database that is used, or not ours, or the same one', async () => {
    const source = await keep(createTestDatabase())
    const used = await keep(createTestDatabase())
    await registerDevice(used.pool, 'kitchen')
    expect(await move(source, used)).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(
        /is not empty \(device has rows\); move into an empty database instead\n$/,
      ),
    })
    const foreign = await keep(createEmptyDatabase('plain'))
    await foreign.pool.query('CREATE TABLE invoice ()')
    expect(await move(source, foreign)).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('holds tables of something else (invoice)'),
    })
    expect(await tablesOf(foreign), 'nothing was made in it').toEqual(['invoice'])
    expect(await move(source, source)).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('same database'),
    })
  })

  test('O-MOVE-3 into a half-done move from another database', async () => {
    const source = await keep(createTestDatabase())
    const target = await keep(createTestDatabase())
    await target.pool.query(
      `CREATE TABLE storage_move (source text); INSERT INTO storage_move VALUES ('1/1')`,
    )
    expect(await move(source, target)).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('half-done move from another database'),
    })
  })

  test('O-MOVE-3 from a database without Telltale, or with another schema', async () => {
    const empty = await keep(createEmptyDatabase('plain'))
    const target = await keep(createEmptyDatabase('plain'))
    expect(await move(empty, target)).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('holds no Telltale'),
    })
    expect(await tablesOf(target), 'nothing was made in it').toEqual([])
    const newer = await keep(createTestDatabase())
    await newer.pool.query(`INSERT INTO schema_migration (name, run_on) VALUES ('9999_later', now())`)
    expect(await move(newer, target)).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('by a newer Telltale'),
    })
    const older = await keep(createTestDatabase())
    await older.pool.query(`DELETE FROM schema_migration WHERE id = (SELECT max(id) FROM schema_migration)`)
    expect(await move(older, target)).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('start this version on it once'),
    })
  })

  test('O-MOVE-3 while a broker works on the source', async () => {
    const source = await keep(createTestDatabase())
    const target = await keep(createEmptyDatabase('plain'))
    const broker = await startTestBroker(source.url)
    releases.push(broker.program.stop)
    expect(await move(source, target)).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/telltale-\w+ works on .*; stop Telltale there, then run this again\n$/),
    })
  })

  test('O-MOVE-3 while a broker whose sessions are hidden gives signs of life', async () => {
    const source = await keep(createTestDatabase())
    const target = await keep(createEmptyDatabase('plain'))
    const beat = () =>
      source.pool.query(`INSERT INTO broker VALUES ('broker-7', now(), now())
        ON CONFLICT (id) DO UPDATE SET seen_at = excluded.seen_at`)
    await beat()
    const timer = setInterval(beat, 200)
    releases.push(async () => clearInterval(timer))
    expect(await move(source, target)).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('the broker broker-7 works on'),
    })
  })

  test('O-MOVE-3 with a wrong command line, which exits with 2', async () => {
    const wrong = await runStorage(['move', '--from', 'mysql://x', '--into', 'y']).ended
    expect(wrong).toMatchObject({ code: 2, stderr: expect.stringContaining("unknown option '--into'") })
    expect(await runStorage(['move', '--from', 'mysql://x']).ended).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('--from: its value is not a PostgreSQL address'),
    })
    expect(await runStorage(['move']).ended).toMatchObject({ code: 2 })
    expect(await runStorage(['move', '--help']).ended).toMatchObject({
      code: 0,
      stdout: expect.stringContaining('--to <url>'),
    })
    const away = await runStorage([
      'move',
      '--from',
      'postgres://u:hush@127.0.0.1:1/x',
      '--to',
      'postgres://b/y',
    ]).ended
    expect(away).toMatchObject({ code: 1, stderr: expect.stringContaining('cannot reach the database at') })
    expect(away.stderr, 'never a password').not.toContain('hush')
  })
})

test('O-MOVE-5 the embedded database is moved when --from is left out', { timeout: 60_000 }, async () => {
  const dataDir = await mkdtemp(join(tmpdir(), 'telltale-move-'))
  releases.push(() => rm(dataDir, { recursive: true, force: true }))
  const env = { TELLTALE_DATA_DIR: dataDir }
  const target = await keep(createEmptyDatabase('plain'))
  const args = ['move', '--to', target.url]
  expect(await runStorage(args, env).ended).toMatchObject({
    code: 1,
    stderr: expect.stringContaining('there is no embedded database in'),
  })
  const embedded = await startEmbeddedPostgres({ dataDir })
  await migrate(embedded.url)
  const pool = createPool({ url: embedded.url, name: 'test', max: 1 })
  await registerDevice(pool, 'kitchen')
  await pool.end()
  await embedded.stop()

  const { code, stderr } = await runStorage(args, env).ended
  expect(code, stderr).toBe(0)
  const { rows } = await target.pool.query('SELECT id FROM device')
  expect(rows).toEqual([{ id: 'kitchen' }])
})
