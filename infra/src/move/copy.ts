import { pipeline } from 'node:stream/promises'
import { from as copyFrom, to as copyTo } from 'pg-copy-streams'
import type { Engine } from '../storage/engine.ts'
import { listSequences, relationOf, type Table } from './catalogue.ts'
import { type Entry, noteCopied } from './ledger.ts'
import type { Part } from './plan.ts'
import type { Side } from './side.ts'

const DAY_MS = 86_400_000

export interface Move {
  source: Side
  target: Side
  targetEngine: Engine
  tables: ReadonlyMap<string, Table>
}

/**
 * Copies one part in one transaction, together with the note that it was copied: killed at any moment, it was copied
 * once or not at all. Rows stream through; memory does not grow with their number.
 * @param onRows told about how many more rows were read
 * @returns the number of rows
 */
export async function copyPart(move: Move, entry: Entry, onRows: (count: number) => void): Promise<number> {
  const { source, target } = move
  const table = tableOf(move, entry)
  const columns = table.columns.join(', ')
  // Text for the small tables: it does not care how two servers number their types.
  const format = table.timeColumn ? 'binary' : 'text'
  // Of a row in COPY's binary format: a series id, and otherwise eight bytes each. For the bar only.
  const bytes = 12 * table.columns.length - 2
  const into = await relationOf(target, entry.table)
  await coverPart(move, entry)
  await target.client.query('BEGIN')
  try {
    // What migrations put there.
    if (!table.timeColumn) await target.client.query(`DELETE FROM ${into}`)
    const reader = source.client.query(
      copyTo(`COPY (${await selectPart(source, table, entry)}) TO STDOUT (FORMAT ${format})`),
    )
    const writer = target.client.query(copyFrom(`COPY ${into} (${columns}) FROM STDIN (FORMAT ${format})`))
    await pipeline(
      reader,
      async function* count(chunks: AsyncIterable<Buffer>) {
        for await (const chunk of chunks) {
          onRows(chunk.length / bytes)
          yield chunk
        }
      },
      writer,
    )
    await noteCopied(target, entry, writer.rowCount)
    await target.client.query('COMMIT')
    return writer.rowCount
  } catch (error) {
    await target.client.query('ROLLBACK').catch(() => {})
    throw error
  }
}

/** By key: the target's indexes are written from front to back, however large they are. */
async function selectPart(source: Side, table: Table, part: Part): Promise<string> {
  const from = await relationOf(source, table.name)
  const order = table.timeColumn ? ` ORDER BY series_id, ${table.timeColumn}` : ''
  return `SELECT ${table.columns.join(', ')} FROM ${from}${whereOf(table, part)}${order}`
}

export function whereOf({ timeColumn }: Table, { fromMs, toMs }: Part): string {
  const bounds = [
    ...(fromMs === undefined ? [] : [`${timeColumn} >= '${new Date(fromMs).toISOString()}'`]),
    ...(toMs === undefined ? [] : [`${timeColumn} < '${new Date(toMs).toISOString()}'`]),
  ]
  return bounds.length > 0 ? ` WHERE ${bounds.join(' AND ')}` : ''
}

export function tableOf({ tables }: Move, { table }: Part): Table {
  const found = tables.get(table)
  if (!found) throw new Error(`the plan names ${table}, which is not there`)
  return found
}

/** Only where there are rows: a gap of years needs no partitions. */
async function coverPart(
  { targetEngine }: Move,
  { table, fromMs, toMs, estimatedRows }: Part,
): Promise<void> {
  if (!table.startsWith('reading') || fromMs === undefined || toMs === undefined || estimatedRows === 0)
    return
  const days = Array.from({ length: Math.ceil((toMs - fromMs) / DAY_MS) }, (_, i) => fromMs + i * DAY_MS)
  await targetEngine.cover([...days, toMs - 1])
}

/** Ids go on where the source's would have, also where the newest rows were deleted. */
export async function copySequences({ source, target }: Move): Promise<void> {
  const theirs = await listSequences(source)
  for (const { tableName, columnName, name } of await listSequences(target)) {
    const from = theirs.find((one) => one.tableName === tableName && one.columnName === columnName)
    if (!from) throw new Error(`the source has no sequence for ${tableName}.${columnName}`)
    const { rows } = await source.client.query(`SELECT last_value, is_called FROM ${from.name}`)
    await target.client.query('SELECT setval($1, $2, $3)', [name, rows[0]?.last_value, rows[0]?.is_called])
  }
}
