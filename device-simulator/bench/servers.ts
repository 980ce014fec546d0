/** The servers under test: the embedded PostgreSQL of the product, and a TimescaleDB server where one is given. */
import { randomBytes } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startEmbeddedPostgres } from '@telltale/infra/postgres'
import { type Releases, StartError } from '@telltale/infra/service'
import { openEngine } from '@telltale/infra/storage/engine'
import { migrate } from '@telltale/infra/storage/migrate'
import { createPool, type Pool } from '@telltale/infra/storage/pool'
import { administer } from '@telltale/infra/testing/administer'
import { postmasterOf } from './machine.ts'

export type EngineName = 'plain' | 'timescale'

export interface Server {
  engine: EngineName
  url: string
  /** Versions and settings, for the results. */
  description: string
}

/** A migrated database of the bench's own. */
export interface Database {
  engine: EngineName
  url: string
  pool: Pool
  postmasterPid: number
  drop(): Promise<void>
}

/** What the bench itself asks may take long: loading, counting, compressing. */
const STATEMENT_TIMEOUT_MS = 900_000
const POOL_CONNECTIONS = 4

/** The address of a server with TimescaleDB, as the tests use it. */
export const timescaleUrl = () => process.env.TELLTALE_TEST_TIMESCALE_URL || undefined

export async function startServer(engine: EngineName, releases: Releases): Promise<Server> {
  if (engine === 'timescale') {
    const url = timescaleUrl()
    if (!url) throw new StartError('TELLTALE_TEST_TIMESCALE_URL names no server with TimescaleDB')
    return { engine, url, description: await describeServer(url) }
  }
  const dataDir = await mkdtemp(join(tmpdir(), 'telltale-bench-'))
  releases.add('data folder', () => rm(dataDir, { recursive: true, force: true }))
  const { url, stop } = await startEmbeddedPostgres({ dataDir })
  releases.add('embedded PostgreSQL', stop)
  return { engine, url, description: await describeServer(url) }
}

export async function createDatabase(server: Server, releases: Releases): Promise<Database> {
  const name = `telltale_bench_${randomBytes(4).toString('hex')}`
  await administer(server.url, `CREATE DATABASE ${name}`)
  let dropping: Promise<void> | undefined
  let pool: Pool | undefined
  // Twice when a part has dropped it before everything ends.
  const drop = () => {
    dropping ??= Promise.resolve(pool?.end()).then(() =>
      administer(server.url, `DROP DATABASE ${name} WITH (FORCE)`),
    )
    return dropping
  }
  releases.add(`database ${name}`, drop)
  const url = new URL(server.url)
  url.pathname = `/${name}`
  await migrate(url.href)
  pool = createPool({
    url: url.href,
    name: 'bench',
    max: POOL_CONNECTIONS,
    statementTimeoutMs: STATEMENT_TIMEOUT_MS,
  })
  const found = (await openEngine(pool)).name
  if (found !== server.engine)
    throw new StartError(`asked for ${server.engine}, the server makes ${found} databases`)
  const postmasterPid = await postmasterOf(pool, name)
  return { engine: found, url: url.href, pool, drop, postmasterPid }
}

async function describeServer(url: string): Promise<string> {
  const pool = createPool({ url, name: 'bench', max: 1 })
  try {
    const { rows } = await pool.query<{
      version: string
      extension: string | null
      buffers: string
      sync: string
    }>(
      `SELECT split_part(current_setting('server_version'), ' ', 1) AS version,
         (SELECT default_version FROM pg_available_extensions WHERE name = 'timescaledb') AS extension,
         current_setting('shared_buffers') AS buffers,
         current_setting('fsync') || '/' || current_setting('synchronous_commit') AS sync`,
    )
    const { version, extension, buffers, sync } = rows[0] ?? {}
    const what = extension ? `with TimescaleDB ${extension}` : 'embedded'
    // On any other setting the figures would not be comparable, so it must be seen.
    const durability = sync === 'on/on' ? 'default durability' : `**fsync/commit ${sync}**`
    return `PostgreSQL ${version}, ${what}, shared_buffers ${buffers}, ${durability}`
  } finally {
    await pool.end()
  }
}
