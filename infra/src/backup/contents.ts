import { readFile, stat, writeFile } from 'node:fs/promises'
import { Type } from 'typebox'
import { Value } from 'typebox/value'
import { listTables, relationOf } from '../move/catalogue.ts'
import type { Side } from '../move/side.ts'
import { StartError } from '../service.ts'
import { timescaleState } from '../storage/timescale-install.ts'

/** What a backup holds, written beside it: what a restore needs to know before, and is compared with afterwards. */
const schema = Type.Object({
  createdAt: Type.String(),
  dumpBytes: Type.Integer(),
  pgDumpMajor: Type.Integer(),
  serverMajor: Type.Integer(),
  timescaleVersion: Type.Union([Type.String(), Type.Null()]),
  /** `name=value`, set for the database as a whole; pg_dump does not write them. */
  databaseSettings: Type.Array(Type.String()),
  /** Table → rows. */
  rows: Type.Record(Type.String(), Type.Integer()),
})
export type Contents = Type.Static<typeof schema>

const fileOf = (file: string) => `${file}.json`

export async function writeContents(file: string, contents: Contents): Promise<void> {
  await writeFile(fileOf(file), `${JSON.stringify(contents, null, 2)}\n`, { mode: 0o600 })
}

/** @throws StartError when the backup is not whole */
export async function readContents(file: string): Promise<Contents> {
  const { size } = await stat(file).catch(() => {
    throw new StartError(`there is no file ${file}`)
  })
  const text = await readFile(fileOf(file), 'utf8').catch(() => {
    throw new StartError(`${fileOf(file)} is missing: a restore is checked against it`)
  })
  const contents = parse(text)
  if (!Value.Check(schema, contents)) throw new StartError(`${fileOf(file)} is not what storage:backup wrote`)
  if (size !== contents.dumpBytes)
    throw new StartError(
      `${file} has ${size} bytes, but its backup had ${contents.dumpBytes}: it is not whole`,
    )
  return contents
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

export async function countRows(side: Side): Promise<Record<string, number>> {
  const counts: Record<string, number> = {}
  for (const { name } of await listTables(side)) {
    const { rows } = await side.client.query<{ rows: number }>(
      `SELECT count(*)::float8 AS rows FROM ${await relationOf(side, name)}`,
    )
    counts[name] = rows[0]?.rows ?? 0
  }
  return counts
}

export async function serverMajor({ client }: Side): Promise<number> {
  const { rows } = await client.query<{ major: number }>(
    `SELECT current_setting('server_version_num')::int / 10000 AS major`,
  )
  return rows[0]?.major ?? 0
}

export async function timescaleVersion({ client }: Side): Promise<string | null> {
  return (await timescaleState(client)).extensionVersion
}

/** Without the one that TimescaleDB sets while it is restored. */
export async function databaseSettings({ client }: Side): Promise<string[]> {
  const { rows } = await client.query<{ setting: string }>(
    `SELECT unnest(setconfig) AS setting FROM pg_db_role_setting s JOIN pg_database d ON d.oid = s.setdatabase
     WHERE d.datname = current_database() AND s.setrole = 0`,
  )
  return rows.map(({ setting }) => setting).filter((setting) => !setting.startsWith('timescaledb.restoring='))
}
