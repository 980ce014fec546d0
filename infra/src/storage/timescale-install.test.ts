import { randomBytes } from 'node:crypto'
import pg from 'pg'
import { describe, expect, inject, it } from 'vitest'
import { administer } from '../testing/administer.ts'
import { openEngine } from './engine.ts'
import { createPlainEngine } from './engine-plain.ts'
import { applyMigrations, migrate } from './migrate.ts'
import { createPool, type Pool } from './pool.ts'

const DAY = 86_400_000
const template = inject('timescaleTemplateUrl')

describe.skipIf(!template)('from plain PostgreSQL to TimescaleDB', () => {
  it('O-CONVERT-1 a database that has readings is converted, however often that is killed on the way', async () => {
    await withPlainDatabase(async (url, pool) => {
      await fill(pool)
      const before = await digest(pool)
      // Readings of the oldest weeks are dropped: their rollups are all there is.
      const plain = createPlainEngine(pool)
      while (await plain.rollUp());
      const rolledBefore = await rolled(pool)
      await pool.query('DROP TABLE reading_p20251229')
      const killed = new Set<string>()
      const killOnce = (line: string) => {
        if (killed.has(line) || !/\((1|3|5) of/.test(line)) return
        killed.add(line)
        void endMigration(pool)
      }
      let attempts = 0
      for (let done = false; !done; attempts++)
        done = await migrate(url, { say: killOnce }).then(
          () => true,
          () => false,
        )
      expect(attempts).toBeGreaterThan(3)
      const engine = await openEngine(pool)
      expect(engine.name).toBe('timescale')
      while (await engine.rollUp());
      const after = await digest(pool)
      expect(after.reading_text).toEqual(before.reading_text)
      expect(after.reading.n).toBe(before.reading.n - 7 * 144 * 2)
      expect(await rolled(pool)).toEqual(rolledBefore)
      // What a policy that looks far back does: where the readings are gone it must find nothing to do.
      for (const level of ['1m', '1h', '1d'])
        await pool.query(
          `CALL refresh_continuous_aggregate('reading_${level}', NULL, now() - interval '3 days')`,
        )
      expect(await rolled(pool)).toEqual(rolledBefore)
      const { rows } = await pool.query(
        `SELECT relname FROM pg_class WHERE relname LIKE 'reading%plain%' OR relname ~ 'reading.*_p[0-9]'`,
      )
      expect(rows).toEqual([])
      // Once more is once too many for nothing to happen.
      await migrate(url)
      expect(await digest(pool)).toEqual(after)
    })
  })

  it('O-CONVERT-2 a start waits for nobody who writes readings where all is as it should be', async () => {
    await withPlainDatabase(async (url, pool) => {
      await migrate(url)
      const writer = await pool.connect()
      try {
        await writer.query('BEGIN; INSERT INTO reading VALUES (1, now(), 1)')
        await pool.query(`ALTER DATABASE ${new URL(url).pathname.slice(1)} SET lock_timeout = '1s'`)
        await migrate(url)
      } finally {
        await writer.query('ROLLBACK')
        writer.release()
      }
    })
  })
})

async function withPlainDatabase(use: (url: string, pool: Pool) => Promise<void>): Promise<void> {
  const url = new URL(template ?? '')
  const name = `test_convert_${randomBytes(4).toString('hex')}`
  await administer(url.href, `CREATE DATABASE ${name}`)
  url.pathname = `/${name}`
  const client = new pg.Client({ connectionString: url.href })
  await client.connect()
  await applyMigrations(client)
  await client.end()
  const pool = createPool({ url: url.href, name: 'convert-test', max: 2 })
  try {
    await use(url.href, pool)
  } finally {
    await pool.end()
    await administer(url.href, `DROP DATABASE ${name} WITH (FORCE)`)
  }
}

/** Five weeks of two series, a reading every ten minutes, and a text a day. */
async function fill(pool: Pool): Promise<void> {
  const start = Date.UTC(2025, 11, 29)
  const plain = createPlainEngine(pool)
  await plain.cover(Array.from({ length: 35 }, (_, day) => start + day * DAY))
  await pool.query(`INSERT INTO device (id, name) VALUES ('d', 'D')`)
  await pool.query(
    `INSERT INTO series (device_id, metric, kind) VALUES ('d', 'a', 'number'), ('d', 'b', 'number'), ('d', 's', 'string')`,
  )
  await pool.query(
    `INSERT INTO reading SELECT s, t, sin(extract(epoch FROM t)) + s
     FROM generate_series($1::timestamptz, $2::timestamptz, interval '10 min') t, generate_series(1, 2) s`,
    [new Date(start), new Date(start + 35 * DAY - 1)],
  )
  await pool.query(
    `INSERT INTO reading_text SELECT 3, t, 'day ' || t::date
     FROM generate_series($1::timestamptz, $2::timestamptz, interval '1 day') t`,
    [new Date(start), new Date(start + 35 * DAY - 1)],
  )
}

async function digest(pool: Pool) {
  const of = async (table: string): Promise<{ n: number; sum: string }> =>
    (
      await pool.query(
        `SELECT count(*)::int AS n, md5(string_agg(series_id || ' ' || extract(epoch FROM time) || ' ' || value, ','
           ORDER BY series_id, time)) AS sum FROM ${table}`,
      )
    ).rows[0]
  return { reading: await of('reading'), reading_text: await of('reading_text') }
}

async function rolled(pool: Pool) {
  const { rows } = await pool.query(
    `SELECT extract(epoch FROM bucket)::float8 AS t, series_id, min, max, count::int FROM reading_1d ORDER BY 1, 2`,
  )
  return rows
}

async function endMigration(pool: Pool): Promise<void> {
  await pool.query(
    `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
     WHERE application_name = 'telltale-migrate' AND datname = current_database()`,
  )
}
