/** The database of a run: a server of its own that can be killed, or a database of its own on a server given. */
import { randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { startEmbeddedPostgres } from '@telltale/infra/postgres'
import type { Releases } from '@telltale/infra/service'
import { administer } from '@telltale/infra/testing/administer'
import { waitFor } from '@telltale/infra/testing/wait'

/** A server that belongs to the run alone, with all its processes. */
export interface OwnServer {
  /** The postmaster and its children; empty when it is dead. */
  pids(): Promise<number[]>
  /** Starts it again after a kill; resolves when it answers. */
  ensureRunning(): Promise<void>
}

export interface RunDatabase {
  url: string
  /** Absent: the server is shared, nobody may kill it. */
  server: OwnServer | undefined
}

const START_DEADLINE_MS = 60_000

export async function openDatabase(
  { serverUrl, folder }: { serverUrl: string | undefined; folder: string },
  releases: Releases,
): Promise<RunDatabase> {
  if (serverUrl === undefined) return startOwnServer(folder, releases)
  const name = `ledger_${randomBytes(6).toString('hex')}`
  await administer(serverUrl, `CREATE DATABASE ${name}`)
  releases.add('database', () => administer(serverUrl, `DROP DATABASE ${name} WITH (FORCE)`))
  const url = new URL(serverUrl)
  url.pathname = `/${name}`
  return { url: url.href, server: undefined }
}

async function startOwnServer(folder: string, releases: Releases): Promise<RunDatabase> {
  const dataDir = join(folder, 'database')
  const embedded = await startEmbeddedPostgres({ dataDir })
  releases.add('PostgreSQL', () => embedded.stop())
  const pids = async () => {
    const postmaster = readPostmasterPid(dataDir)
    return postmaster === undefined ? [] : [postmaster, ...(await childrenOf(postmaster))]
  }
  const ensureRunning = () =>
    waitFor(
      'PostgreSQL to start again',
      // A child of the killed server may still hold its shared memory.
      () =>
        embedded.ensureRunning().then(
          () => true,
          () => false,
        ),
      START_DEADLINE_MS,
    ).then(() => {})
  return { url: embedded.url, server: { pids, ensureRunning } }
}

function readPostmasterPid(dataDir: string): number | undefined {
  try {
    return Number.parseInt(readFileSync(join(dataDir, 'postgres', 'postmaster.pid'), 'utf8'), 10)
  } catch {
    return undefined
  }
}

async function childrenOf(parent: number): Promise<number[]> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name)).map(Number)
  const parents = await Promise.all(pids.map(parentOf))
  return pids.filter((_, i) => parents[i] === parent)
}

async function parentOf(pid: number): Promise<number | undefined> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '')
  // The second field is the program's name in brackets and may hold anything.
  const [, , parent] = stat.slice(stat.lastIndexOf(')')).split(' ')
  return parent === undefined ? undefined : Number(parent)
}
