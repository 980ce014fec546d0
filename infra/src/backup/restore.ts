import { listTables } from '../move/catalogue.ts'
import { engineOf, openSide, type Side } from '../move/side.ts'
import { type Releases, StartError } from '../service.ts'
import { checkClientTool, runClientTool } from './client-tools.ts'
import { type Contents, countRows, readContents, serverMajor } from './contents.ts'

export interface RestoreOptions {
  file: string
  to: string
  say: (line: string) => void
  releases: Releases
}

/**
 * Restores a backup into an empty database and counts its rows.
 * @returns a sentence about it
 * @throws StartError when it cannot be done, or when a count differs
 */
export async function restore({ file, to, say, releases }: RestoreOptions): Promise<string> {
  const contents = await readContents(file)
  await checkClientTool(
    'pg_restore',
    contents.pgDumpMajor,
    'the backup was written by that version of pg_dump',
  )
  const target = await openSide(to, { program: 'restore', readOnly: false })
  releases.add('connection', () => target.client.end())
  await refuse(target, contents)
  const { timescaleVersion } = contents
  if (timescaleVersion) await prepareTimescale(target, timescaleVersion)
  say(`restoring ${file}, of ${contents.createdAt}`)
  const args = ['--no-owner', '--no-privileges', file]
  const { stderr } = await runClientTool('pg_restore', { url: to, args, releases })
  if (timescaleVersion) await target.client.query('SELECT timescaledb_post_restore()')
  const error = firstError(stderr)
  if (error)
    throw new StartError(`pg_restore failed: ${error}; drop ${target.name}, create it anew and try again`)
  await applySettings(target, contents.databaseSettings)
  await checkCounts(to, contents, releases)
  await target.client.query('ANALYZE')
  const total = Object.values(contents.rows).reduce((sum, count) => sum + count, 0)
  return `${total.toLocaleString('en')} rows are back; let Telltale start on this database`
}

async function prepareTimescale({ client }: Side, version: string): Promise<void> {
  try {
    await client.query(`CREATE EXTENSION IF NOT EXISTS timescaledb VERSION '${version}'`)
    await client.query('SELECT timescaledb_pre_restore()')
  } catch (error) {
    throw new StartError(`${(error as Error).message}; restoring TimescaleDB takes a superuser`)
  }
}

/** Before anything is changed. */
async function refuse(target: Side, contents: Contents): Promise<void> {
  const [table] = await listTables(target)
  if (table)
    throw new StartError(`${target.name} is not empty (it has a table ${table.name}); restore into a new one`)
  const major = await serverMajor(target)
  if (major < contents.serverMajor)
    throw new StartError(
      `${target.name} is PostgreSQL ${major}, but the backup is of ${contents.serverMajor}; use a server as new as that`,
    )
  if (contents.timescaleVersion) await refuseOtherTimescale(target, contents.timescaleVersion)
}

async function refuseOtherTimescale({ client, name }: Side, wanted: string): Promise<void> {
  const { rows } = await client.query<{ available: boolean; installed: string | null }>(
    // Only some users may see what is preloaded; for the others the restore itself finds out.
    `SELECT EXISTS (SELECT FROM pg_available_extension_versions WHERE name = 'timescaledb' AND version = $1)
         AND NOT EXISTS (SELECT FROM pg_settings
           WHERE name = 'shared_preload_libraries' AND setting !~ '\\mtimescaledb\\M') AS available,
       (SELECT extversion FROM pg_extension WHERE extname = 'timescaledb') AS installed`,
    [wanted],
  )
  const found = rows[0]
  if (found?.installed && found.installed !== wanted)
    throw new StartError(
      `the backup needs TimescaleDB ${wanted}, and ${name} has ${found.installed} in it; restore into one with that version`,
    )
  if (!found?.available)
    throw new StartError(`the backup needs TimescaleDB ${wanted}, which ${name} does not have`)
}

/** pg_restore from version 17 on sets a parameter that older servers do not know; nothing depends on it. */
const HARMLESS = /unrecognized configuration parameter "transaction_timeout"/

function firstError(stderr: string): string | undefined {
  return stderr.split('\n').find((line) => /^pg_restore: error: /.test(line) && !HARMLESS.test(line))
}

async function applySettings({ client }: Side, databaseSettings: string[]): Promise<void> {
  for (const setting of databaseSettings) {
    const [name = '', value = ''] = setting.split(/=(.*)/s)
    const { rows } = await client.query<{ sql: string }>(
      `SELECT format('ALTER DATABASE %I SET %s = %L', current_database(), $1::text, $2::text) AS sql`,
      [name, value],
    )
    await client.query(rows[0]?.sql ?? '')
  }
}

/** On a session of its own: one from before the restore does not know what TimescaleDB got meanwhile. */
async function checkCounts(to: string, contents: Contents, releases: Releases): Promise<void> {
  const restored = await openSide(to, { program: 'restore', readOnly: true })
  releases.add('second connection', () => restored.client.end())
  const counted = await countRows({ ...restored, engine: await engineOf(restored.client) })
  for (const [table, rows] of Object.entries(contents.rows))
    if (counted[table] !== rows)
      throw new StartError(
        `the restore is not whole: ${table} has ${counted[table] ?? 0} rows instead of ${rows}`,
      )
}
