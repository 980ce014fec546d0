import { existsSync } from 'node:fs'
import { open, rename, rm, stat } from 'node:fs/promises'
import { listTables, relationOf } from '../move/catalogue.ts'
import { refuseForeignSource } from '../move/refusals.ts'
import { openSide, type Side } from '../move/side.ts'
import { type Releases, StartError } from '../service.ts'
import { checkClientTool, runClientTool } from './client-tools.ts'
import { countRows, databaseSettings, serverMajor, timescaleVersion, writeContents } from './contents.ts'

export interface BackupOptions {
  from: string
  file: string
  say: (line: string) => void
  releases: Releases
}

/**
 * Writes a dump of the whole database and, beside it, what is in it: both see the same moment, while everything runs.
 * @returns a sentence about it
 * @throws StartError when it cannot be done
 */
export async function backUp({ from, file, say, releases }: BackupOptions): Promise<string> {
  if (existsSync(file)) throw new StartError(`${file} exists already; give another --file`)
  const source = await openSide(from, { program: 'backup', readOnly: true })
  releases.add('connection', () => source.client.end())
  await refuseForeignSource(source)
  const major = await serverMajor(source)
  const pgDumpMajor = await checkClientTool('pg_dump', major, `the server has version ${major}`)
  const snapshot = await takeSnapshot(source)
  say(`writing ${file}`)
  const partial = `${file}.part`
  releases.add('unfinished file', () => rm(partial, { force: true }))
  // The owner's alone from its first byte on: it holds the hashes of all secrets.
  await (await open(partial, 'w', 0o600)).close()
  const args = ['--format=custom', `--snapshot=${snapshot}`, `--file=${partial}`]
  const [{ code, stderr }, rows] = await Promise.all([
    runClientTool('pg_dump', { url: from, args, releases }),
    countRows(source),
  ])
  if (code !== 0) throw new StartError(`pg_dump failed: ${stderr.trim()}`)
  const { size: dumpBytes } = await stat(partial)
  await writeContents(file, {
    createdAt: new Date().toISOString(),
    ...{ dumpBytes, pgDumpMajor, serverMajor: major, rows },
    timescaleVersion: await timescaleVersion(source),
    databaseSettings: await databaseSettings(source),
  })
  await rename(partial, file)
  const total = Object.values(rows).reduce((sum, count) => sum + count, 0)
  return `${file} holds ${total.toLocaleString('en')} rows in ${dumpBytes.toLocaleString('en')} bytes; keep ${file}.json with it`
}

/**
 * A moment for pg_dump and for our counts. Locked before it: TimescaleDB empties a chunk when it moves it into the
 * columnstore, and for a snapshot from before that the rows would be in neither place.
 */
async function takeSnapshot(source: Side): Promise<string> {
  const tables: string[] = []
  for (const { name } of await listTables(source)) tables.push(await relationOf(source, name))
  await source.client.query(
    `BEGIN ISOLATION LEVEL REPEATABLE READ; LOCK TABLE ${tables.join(', ')} IN ACCESS SHARE MODE`,
  )
  const { rows } = await source.client.query<{ snapshot: string }>('SELECT pg_export_snapshot() AS snapshot')
  return rows[0]?.snapshot ?? ''
}
