import { afterAll, afterEach, beforeAll, describe, expect, inject, test } from 'vitest'
import type { Pool } from '../storage/pool.ts'
import { contentsOf } from '../testing/contents.ts'
import {
  createTestDatabase,
  describeEngines,
  type TestDatabase,
  type TestEngine,
} from '../testing/database.ts'
import { fillWithHistory } from '../testing/history.ts'
import { createEmptyDatabase, runStorage, type StorageRun } from '../testing/storage-cli.ts'
import { waitFor } from '../testing/wait.ts'

const TIMEOUT_MS = 120_000
const targets: TestEngine['name'][] = inject('timescaleTemplateUrl') ? ['plain', 'timescale'] : ['plain']

const databases: TestDatabase[] = []
afterEach(async () => {
  for (const database of databases.splice(0)) await database.drop()
})

async function keep(database: Promise<TestDatabase>): Promise<TestDatabase> {
  databases.push(await database)
  return database
}

function move(source: TestDatabase, target: TestDatabase): StorageRun {
  return runStorage(['move', '--from', source.url, '--to', target.url])
}

describeEngines('moving a database', (engine) => {
  // One for every target: a move leaves its source as it was.
  let source: TestDatabase
  beforeAll(async () => {
    source = await engine.createDatabase()
    await fillWithHistory(source.pool, { secondsApart: 60 })
  })
  afterAll(() => source.drop())

  test.each(targets)(
    'O-MOVE-1 everything is in the new database, on %s',
    { timeout: TIMEOUT_MS },
    async (name) => {
      const target = await keep(createEmptyDatabase(name))
      const before = await contentsOf(source.pool)
      const empty = Object.keys(before).filter((table) => before[table]?.rows === 0)
      expect(empty, 'a table the history does not fill is not tested').toEqual([])

      const { code, stdout, stderr } = await move(source, target).ended
      expect(stderr).not.toContain('not equal')
      expect({ code, stdout }).toMatchObject({
        code: 0,
        stdout: expect.stringContaining('rows are equal in both'),
      })

      expect(await contentsOf(target.pool)).toEqual(before)
      expect(await contentsOf(source.pool), 'the source is as it was').toEqual(before)
      const { rows } = await target.pool.query(
        `INSERT INTO series (device_id, metric, kind) VALUES ('cellar', 'new', 'number') RETURNING id`,
      )
      expect(rows, 'an id that was given before is not given again').toEqual([{ id: 5 }])
      if (name === 'timescale') await expectRollupsToStay(target.pool)
      const again = await move(source, target).ended
      expect(again).toMatchObject({ code: 1, stderr: expect.stringContaining('is not empty') })
    },
  )
})

/** The widest refresh there is finds nothing that would have to go. */
async function expectRollupsToStay(pool: Pool): Promise<void> {
  const count = async () => (await pool.query('SELECT count(*) AS n, min(bucket) FROM reading_1m')).rows[0]
  const before = await count()
  const client = await pool.connect()
  // Longer than anything that the product asks for.
  await client.query('SET statement_timeout = 0')
  for (const level of ['1m', '1h', '1d'])
    await client.query(`CALL refresh_continuous_aggregate('reading_${level}', NULL, NULL)`)
  client.release(true)
  expect(await count()).toEqual(before)
}

describe('a move that is interrupted', () => {
  let source: TestDatabase
  beforeAll(async () => {
    source = await createTestDatabase()
    await fillWithHistory(source.pool, { secondsApart: 2 })
  }, TIMEOUT_MS)
  afterAll(() => source.drop())

  async function interrupt(target: TestDatabase, signal: NodeJS.Signals) {
    const run = move(source, target)
    await waitFor('a slice of readings to be under way, after one that is done', async () => {
      const { rowCount } = await target.pool.query(
        `SELECT FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'telltale-move'
           AND state = 'active' AND query LIKE 'COPY "reading"%'`,
      )
      return rowCount === 1 && (await partsDone(target.pool)) > 0
    })
    run.kill(signal)
    return run.ended
  }

  test.each(targets)(
    'O-MOVE-2 goes on where it was, and is equal in the end, on %s',
    { timeout: TIMEOUT_MS },
    async (name) => {
      const target = await keep(createEmptyDatabase(name))

      expect(await interrupt(target, 'SIGKILL')).toMatchObject({ code: null })
      await sessionEnds(target.pool)
      expect(await interrupt(target, 'SIGINT')).toMatchObject({
        code: 130,
        stderr: expect.stringMatching(/interrupted; the same command goes on from here\n$/),
      })
      await sessionEnds(target.pool)
      const { rows: noted } = await target.pool.query(
        `SELECT sum(rows)::int AS rows, bool_or(rows IS NULL) AS "isUnfinished" FROM storage_move
       WHERE table_name = 'reading'`,
      )
      const { rows: there } = await target.pool.query('SELECT count(*)::int AS rows FROM reading')
      expect(noted[0], 'whole slices only').toEqual({ ...there[0], isUnfinished: true })
      const first = 'SELECT ctid, xmin FROM reading WHERE series_id = 1 ORDER BY time LIMIT 1'
      const { rows: oldest } = await target.pool.query(first)

      const { code, stderr } = await move(source, target).ended
      expect(code, stderr).toBe(0)
      expect(await contentsOf(target.pool)).toEqual(await contentsOf(source.pool))
      expect((await target.pool.query(first)).rows, 'what was there was not copied again').toEqual(oldest)
    },
  )

  test.each(targets)(
    'O-MOVE-4 a row that was changed in between is found, on %s',
    { timeout: TIMEOUT_MS },
    async (name) => {
      const target = await keep(createEmptyDatabase(name))
      await interrupt(target, 'SIGKILL')
      const oldest = 'series_id = 1 AND time = (SELECT min(time) FROM reading)'
      await waitFor('the row to be free', async () => {
        const { rowCount } = await target.pool.query(`UPDATE reading SET value = value + 1 WHERE ${oldest}`)
        return rowCount === 1
      })

      const changed = await move(source, target).ended
      expect(changed.code).toBe(1)
      expect(changed.stderr).toMatch(
        /the copy is not equal: reading from \d{4}-\S+Z to \d{4}-\S+Z has other values/,
      )

      await target.pool.query(`UPDATE reading SET value = value - 1 WHERE ${oldest}`)
      await target.pool.query(`DELETE FROM device_credential WHERE device_id = 'cellar'`)
      const missing = await move(source, target).ended
      expect(missing.code).toBe(1)
      expect(missing.stderr).toContain('device_credential has 1 rows in the target and 2 in the source')
    },
  )
})

/** The server notices a moment later that the program is gone. */
async function sessionEnds(pool: Pool): Promise<void> {
  await waitFor('the end of the session', async () => {
    const { rowCount } = await pool.query(
      `SELECT FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'telltale-move'`,
    )
    return rowCount === 0
  })
}

async function partsDone(pool: Pool): Promise<number> {
  const { rows } = await pool.query(`SELECT to_regclass('storage_move') AS name`)
  if (!rows[0]?.name) return 0
  const counted = await pool.query<{ n: number }>(
    `SELECT count(*) AS n FROM storage_move WHERE rows > 0 AND table_name = 'reading'`,
  )
  return counted.rows[0]?.n ?? 0
}
