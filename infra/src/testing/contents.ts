import type { Pool } from '../storage/pool.ts'

export interface TableContents {
  rows: number
  digest: string
}

/**
 * What a database holds, the same for equal ones on any engine: every table as text, and rollups as charts read them.
 * A rollup's sum is left out: its last bits depend on the order of addition.
 */
export async function contentsOf(pool: Pool): Promise<Record<string, TableContents>> {
  const { rows: tables } = await pool.query<{ name: string }>(
    `SELECT table_name AS name FROM information_schema.tables
     WHERE table_schema = 'public' AND table_type = 'BASE TABLE'
       AND table_name !~ '^(reading|reading_text)_p\\d+$|^rollup_(1m|1h|1d)$|^schema_migration$' ORDER BY 1`,
  )
  const contents: Record<string, TableContents> = {}
  for (const { name } of tables) contents[name] = await digest(pool, `SELECT * FROM ${name}`)
  for (const level of ['1m', '1h', '1d'])
    contents[`reading_${level}`] = await digest(
      pool,
      `SELECT series_id, bucket, min, max, count, last FROM reading_${level}`,
    )
  return contents
}

async function digest(pool: Pool, query: string): Promise<TableContents> {
  const { rows } = await pool.query<TableContents>(
    `SELECT count(*) AS rows, coalesce(md5(string_agg(md5(t::text), '' ORDER BY md5(t::text))), '') AS digest
     FROM (${query}) AS t`,
  )
  return rows[0] ?? { rows: 0, digest: '' }
}
