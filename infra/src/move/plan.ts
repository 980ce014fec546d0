import { relationOf, type Table } from './catalogue.ts'
import type { Side } from './side.ts'

/** A slice is one transaction: what a kill repeats. About half a minute of copying. */
const SLICE_ROWS = 20_000_000
/** Where there is no index by time each slice reads all of its partition, so there are not many. */
const SLICES_MAX = 32
/** What a row of readings or rollups takes at least, to guess their number from the size of a table. */
const ROW_BYTES_MIN = 52

/** A whole table, or a slice of one. */
export interface Part {
  table: string
  /** Half-open, epoch milliseconds; undefined where it has no bound. */
  fromMs: number | undefined
  toMs: number | undefined
  /** A guess; 0 where there is nothing. */
  estimatedRows: number
}

interface Range {
  fromMs: number
  toMs: number
  rows: number
}

export async function planParts(source: Side, tables: Table[]): Promise<Part[]> {
  const parts: Part[] = []
  for (const table of tables) parts.push(...(await planTable(source, table)))
  return parts
}

async function planTable(source: Side, { name, timeColumn }: Table): Promise<Part[]> {
  const relation = await relationOf(source, name)
  if (timeColumn === undefined) return [whole(name, await estimateRows(source, relation))]
  const ranges = await readRanges(source, relation)
  if (ranges.length > 0) return withoutGaps(ranges).flatMap((range) => divide(name, range))
  const rows = await estimateRows(source, relation)
  if (rows <= SLICE_ROWS) return [whole(name, rows)]
  return withoutGaps([{ ...(await readSpan(source, relation, timeColumn)), rows }]).flatMap((range) =>
    divide(name, range),
  )
}

function whole(table: string, estimatedRows: number): Part {
  return { table, fromMs: undefined, toMs: undefined, estimatedRows }
}

/** Everything between and around the ranges belongs to the plan: rows that should not be there are found. */
function withoutGaps(ranges: Range[]): Range[] {
  const all: Range[] = []
  let endMs = Number.NEGATIVE_INFINITY
  for (const range of [...ranges].sort((a, b) => a.fromMs - b.fromMs)) {
    if (range.fromMs > endMs) all.push({ fromMs: endMs, toMs: range.fromMs, rows: 0 })
    all.push(range)
    endMs = range.toMs
  }
  all.push({ fromMs: endMs, toMs: Number.POSITIVE_INFINITY, rows: 0 })
  return all
}

function divide(table: string, { fromMs, toMs, rows }: Range): Part[] {
  const count = rows === 0 ? 1 : Math.min(SLICES_MAX, Math.ceil(rows / SLICE_ROWS))
  const bound = (i: number) => {
    const ms = i === 0 ? fromMs : i === count ? toMs : Math.round(fromMs + ((toMs - fromMs) * i) / count)
    return Number.isFinite(ms) ? ms : undefined
  }
  return Array.from({ length: count }, (_, i) => ({
    table,
    fromMs: bound(i),
    toMs: bound(i + 1),
    estimatedRows: Math.round(rows / count),
  }))
}

/** The partitions or chunks of a table; none when it has none. */
async function readRanges({ client, engine }: Side, relation: string): Promise<Range[]> {
  const { rows } = await client.query<Range>(
    `SELECT extract(epoch FROM bounds[1]::timestamptz)::float8 * 1000 AS "fromMs",
       extract(epoch FROM bounds[2]::timestamptz)::float8 * 1000 AS "toMs",
       ceil(pg_relation_size(oid) / ${ROW_BYTES_MIN}.0)::float8 AS rows
     FROM (SELECT c.oid, regexp_match(pg_get_expr(c.relpartbound, c.oid), 'FROM \\(''(.+)''\\) TO \\(''(.+)''\\)')
         AS bounds
       FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
       WHERE i.inhparent = $1::regclass AND c.relispartition) AS p`,
    [relation],
  )
  return engine === 'timescale' ? readChunks(client, relation) : rows
}

async function readChunks(client: Side['client'], relation: string): Promise<Range[]> {
  const { rows } = await client.query<Range>(
    `SELECT extract(epoch FROM range_start)::float8 * 1000 AS "fromMs",
       extract(epoch FROM range_end)::float8 * 1000 AS "toMs",
       greatest(1, approximate_row_count(chunk), ceil(pg_relation_size(chunk) / ${ROW_BYTES_MIN}.0))::float8 AS rows
     FROM (SELECT range_start, range_end, format('%I.%I', chunk_schema, chunk_name)::regclass AS chunk
       FROM timescaledb_information.chunks
       WHERE format('%I.%I', hypertable_schema, hypertable_name)::regclass = $1::regclass) AS c`,
    [relation],
  )
  return rows
}

async function estimateRows({ client }: Side, relation: string): Promise<number> {
  const { rows } = await client.query<{ rows: number }>(
    `SELECT greatest(reltuples, ceil(pg_relation_size(oid) / ${ROW_BYTES_MIN}.0) * (reltuples < 0)::int)::float8 AS rows
     FROM pg_class WHERE oid = $1::regclass`,
    [relation],
  )
  return rows[0]?.rows ?? 0
}

async function readSpan(
  { client }: Side,
  relation: string,
  column: string,
): Promise<{ fromMs: number; toMs: number }> {
  const { rows } = await client.query<{ fromMs: number; toMs: number }>(
    `SELECT extract(epoch FROM min(${column}))::float8 * 1000 AS "fromMs",
       extract(epoch FROM max(${column}))::float8 * 1000 + 1 AS "toMs" FROM ${relation}`,
  )
  return rows[0] ?? { fromMs: 0, toMs: 0 }
}
