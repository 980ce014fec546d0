import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { isDeepStrictEqual } from 'node:util'
import { expect, it } from 'vitest'
import { repositoryDir } from '../paths.ts'
import { describeEngines, type TestDatabase } from '../testing/database.ts'
import { random } from '../testing/random.ts'
import { createEmptyDatabase } from '../testing/storage-cli.ts'
import { waitFor } from '../testing/wait.ts'
import type { Pool } from './pool.ts'

const SEED = 20_260_727
const KILLS = 4

/** The program that migrates, as built. */
function startMigration({ url }: TestDatabase): ChildProcess {
  return spawn(process.execPath, [join(repositoryDir(), 'infra', 'dist', 'migrate.js')], {
    stdio: 'ignore',
    env: { PATH: process.env.PATH, TELLTALE_DATABASE_URL: url },
  })
}

const isMigrating = async (pool: Pool) =>
  (
    await pool.query(`SELECT FROM pg_stat_activity WHERE datname = current_database()
    AND application_name = 'telltale-migrate'`)
  ).rowCount !== 0

/** Every column and key, and which migrations made them. */
async function schemaOf(pool: Pool): Promise<unknown> {
  const ask = async (query: string) => (await pool.query(query)).rows
  return {
    columns: await ask(`SELECT table_name, column_name, data_type, is_nullable, column_default
      FROM information_schema.columns WHERE table_schema = 'public' ORDER BY 1, 2`),
    keys: await ask(`SELECT conrelid::regclass::text, conname, pg_get_constraintdef(oid) FROM pg_constraint
      WHERE connamespace = 'public'::regnamespace ORDER BY 1, 2`),
    indexes: await ask(`SELECT indexname, indexdef FROM pg_indexes WHERE schemaname = 'public' ORDER BY 1`),
    // None, before the first one is done.
    migrations: await ask('SELECT name FROM schema_migration ORDER BY id').catch(() => []),
  }
}

describeEngines('a migration', (engine) => {
  it('R-DB-18 killed at any moment, then two at once: the schema is that of one that was not disturbed', async () => {
    const whole = await engine.createDatabase()
    const database = await createEmptyDatabase(engine.name)
    const { pool } = database
    const wanted = await schemaOf(whole.pool)
    const next = random(SEED)
    try {
      let halfway = 0
      for (let i = 0; i < KILLS; i++) {
        const migration = startMigration(database)
        const over = once(migration, 'exit')
        await waitFor('its connection', async () => migration.exitCode !== null || (await isMigrating(pool)))
        await sleep(next() * 150)
        migration.kill('SIGKILL')
        await over
        // What it asked for last may still be done.
        await waitFor('its end', async () => !(await isMigrating(pool)))
        if (!isDeepStrictEqual(await schemaOf(pool), wanted)) halfway++
      }
      const both = [startMigration(database), startMigration(database)].map((one) => once(one, 'exit'))
      expect(await Promise.all(both)).toEqual([
        [0, null],
        [0, null],
      ])
      expect(halfway, `seed ${SEED}`).toBeGreaterThan(0)
      expect(await schemaOf(pool)).toEqual(wanted)
    } finally {
      await database.drop()
      await whole.drop()
    }
  })
})
