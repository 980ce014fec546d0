import { LEVELS } from '../storage/rollups.ts'
import { materializedTable } from '../storage/timescale-install.ts'
import type { Side } from './side.ts'

/** Copied in slices of this column; every other table is copied whole. */
const TIME_COLUMNS: ReadonlyMap<string, string> = new Map([
  ['reading', 'time'],
  ['reading_text', 'time'],
  ...LEVELS.map(({ level }) => [`rollup_${level}`, 'bucket'] as const),
])

/** What a new database makes for itself. */
const NOT_COPIED = ['schema_migration', 'storage_move']

export interface Table {
  name: string
  /** Quoted. */
  columns: string[]
  /** Tables its foreign keys point to. */
  needs: string[]
  timeColumn: string | undefined
}

/** Every table of the schema, so that one a later migration adds is not forgotten; without those of extensions. */
export async function listTables({ client }: Side): Promise<Table[]> {
  const { rows } = await client.query<Omit<Table, 'timeColumn'>>(
    `SELECT c.relname AS name,
       ARRAY(SELECT quote_ident(attname) FROM pg_attribute
         WHERE attrelid = c.oid AND attnum > 0 AND NOT attisdropped AND attgenerated = '' ORDER BY attnum) AS columns,
       ARRAY(SELECT f.relname::text FROM pg_constraint k JOIN pg_class f ON f.oid = k.confrelid
         WHERE k.conrelid = c.oid AND k.contype = 'f' AND f.oid <> c.oid) AS needs
     FROM pg_class c
     WHERE c.relnamespace = current_schema()::regnamespace AND c.relkind IN ('r', 'p') AND NOT c.relispartition
       AND c.relname <> ALL ($1::text[])
       AND NOT EXISTS (SELECT FROM pg_depend d
         WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e')
     ORDER BY c.relname`,
    [NOT_COPIED],
  )
  return inKeyOrder(rows.map((row) => ({ ...row, timeColumn: TIME_COLUMNS.get(row.name) })))
}

/** A table after those its foreign keys point to; the large ones, which are copied in slices, last. */
function inKeyOrder(tables: Table[]): Table[] {
  const ordered: Table[] = []
  const isPlaced = (name: string) => ordered.some((table) => table.name === name)
  while (ordered.length < tables.length) {
    const ready = tables.filter(({ name, needs }) => !isPlaced(name) && needs.every(isPlaced))
    if (ready.length === 0) throw new Error('tables refer to each other in a circle')
    ordered.push(...ready)
  }
  const isSliced = (table: Table) => table.timeColumn !== undefined
  return [...ordered.filter((table) => !isSliced(table)), ...ordered.filter(isSliced)]
}

/** Where a table's rows are on this side, quoted: the rollups of TimescaleDB lie behind continuous aggregates. */
export async function relationOf({ client, engine }: Side, name: string): Promise<string> {
  const level = LEVELS.find((candidate) => name === `rollup_${candidate.level}`)?.level
  return engine === 'timescale' && level ? materializedTable(client, level) : `"${name}"`
}

export interface Sequence {
  tableName: string
  columnName: string
  /** Quoted, with its schema. */
  name: string
}

export async function listSequences({ client }: Side): Promise<Sequence[]> {
  const { rows } = await client.query<Sequence>(
    `SELECT c.relname AS "tableName", a.attname AS "columnName",
       pg_get_serial_sequence(quote_ident(c.relname), a.attname) AS name
     FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
     WHERE c.relnamespace = current_schema()::regnamespace AND c.relkind IN ('r', 'p') AND NOT c.relispartition
       AND c.relname <> ALL ($1::text[])
       AND pg_get_serial_sequence(quote_ident(c.relname), a.attname) IS NOT NULL`,
    [NOT_COPIED],
  )
  return rows
}
