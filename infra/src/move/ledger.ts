import type { Part } from './plan.ts'
import type { Side } from './side.ts'

/** A part of the plan, as the target remembers it. */
export interface Entry extends Part {
  number: number
  /** Undefined until it was copied. */
  rows: number | undefined
  isVerified: boolean
}

/** The source a half-done move in this database came from; undefined when there is none. */
export async function sourceOfMove({ client }: Side): Promise<string | undefined> {
  const { rows: found } = await client.query(`SELECT to_regclass('storage_move') AS name`)
  if (!found[0]?.name) return undefined
  const { rows } = await client.query<{ source: string }>('SELECT source FROM storage_move LIMIT 1')
  return rows[0]?.source
}

/** The plan is written down once: a resumed move cuts its slices where the first one did. */
export async function beginLedger({ client }: Side, sourceIdentity: string, parts: Part[]): Promise<void> {
  const instant = (ms: number | undefined) => (ms === undefined ? null : new Date(ms).toISOString())
  await client.query('BEGIN')
  await client.query(`CREATE TABLE storage_move (
    number integer PRIMARY KEY, source text NOT NULL, table_name text NOT NULL, from_at timestamptz, to_at timestamptz,
    estimated_rows bigint NOT NULL, rows bigint, is_verified boolean NOT NULL DEFAULT false)`)
  await client.query(
    `INSERT INTO storage_move (number, source, table_name, from_at, to_at, estimated_rows)
     SELECT n, $1, table_name, from_at, to_at, estimated_rows
     FROM unnest($2::text[], $3::timestamptz[], $4::timestamptz[], $5::bigint[])
       WITH ORDINALITY AS p (table_name, from_at, to_at, estimated_rows, n)`,
    [
      sourceIdentity,
      parts.map(({ table }) => table),
      parts.map(({ fromMs }) => instant(fromMs)),
      parts.map(({ toMs }) => instant(toMs)),
      parts.map(({ estimatedRows }) => estimatedRows),
    ],
  )
  await client.query('COMMIT')
}

export async function readLedger({ client }: Side): Promise<Entry[]> {
  const { rows } = await client.query<{
    number: number
    table: string
    from_at: Date | null
    to_at: Date | null
    estimatedRows: number
    rows: number | null
    isVerified: boolean
  }>(
    `SELECT number, table_name AS table, from_at, to_at, estimated_rows::float8 AS "estimatedRows",
       rows::float8 AS rows, is_verified AS "isVerified"
     FROM storage_move ORDER BY number`,
  )
  return rows.map(({ from_at, to_at, rows: copied, ...entry }) => ({
    ...entry,
    fromMs: from_at?.getTime(),
    toMs: to_at?.getTime(),
    rows: copied ?? undefined,
  }))
}

/** Belongs into the transaction that copies the part. */
export async function noteCopied({ client }: Side, entry: Entry, rows: number): Promise<void> {
  await client.query('UPDATE storage_move SET rows = $2 WHERE number = $1', [entry.number, rows])
}

export async function noteVerified({ client }: Side): Promise<void> {
  await client.query('UPDATE storage_move SET is_verified = true')
}

export async function endLedger({ client }: Side): Promise<void> {
  await client.query('DROP TABLE storage_move')
}
