import { StartError } from '../service.ts'
import { relationOf, type Table } from './catalogue.ts'
import { type Move, tableOf, whereOf } from './copy.ts'
import type { Part } from './plan.ts'
import type { Side } from './side.ts'

interface Sum {
  rows: number
  /** Of a hash of each row, in any order. */
  checksum: string
}

/** @throws StartError when source and target do not hold the same rows */
export async function verifyPart(move: Move, part: Part): Promise<number> {
  const table = tableOf(move, part)
  const [theirs, ours] = await Promise.all([sumUp(move.source, table, part), sumUp(move.target, table, part)])
  if (theirs.rows === ours.rows && theirs.checksum === ours.checksum) return ours.rows
  const difference =
    theirs.rows === ours.rows
      ? `other values in the target than in the source (${ours.rows} rows in both)`
      : `${ours.rows} rows in the target and ${theirs.rows} in the source`
  throw new StartError(
    `the copy is not equal: ${describe(part)} has ${difference}; ` +
      'see that nothing else writes into the two databases, and move again into a new, empty one',
  )
}

/** PostgreSQL's hashes of values are the same in every version: hash partitions survive upgrades by them. */
async function sumUp(side: Side, table: Table, part: Part): Promise<Sum> {
  const { rows } = await side.client.query<Sum>(
    `SELECT count(*) AS rows, coalesce(sum(hash_record_extended(row(${table.columns.join(', ')}), 0)), 0)::text
       AS checksum
     FROM ${await relationOf(side, table.name)}${whereOf(table, part)}`,
  )
  return rows[0] ?? { rows: 0, checksum: '' }
}

function describe({ table, fromMs, toMs }: Part): string {
  const instant = (ms: number) => new Date(ms).toISOString().replace(/:00\.000Z$/, 'Z')
  return [
    table,
    ...(fromMs === undefined ? [] : [`from ${instant(fromMs)}`]),
    ...(toMs === undefined ? [] : [`to ${instant(toMs)}`]),
  ].join(' ')
}
