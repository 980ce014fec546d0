import { execFileSync, spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { join } from 'node:path'
import pg from 'pg'
import { inject } from 'vitest'
import { repositoryDir } from '../paths.ts'
import { createPool } from '../storage/pool.ts'
import { administer } from './administer.ts'
import type { TestDatabase, TestEngine } from './database.ts'
import { reportSkipped, toolMissing } from './tools.ts'

export interface StorageRun {
  kill: (signal: NodeJS.Signals) => void
  ended: Promise<{ code: number | null; stdout: string; stderr: string }>
}

/** `storage:move`, `storage:backup` or `storage:restore` as built, in a process of its own. */
export function runStorage(args: string[], env: Record<string, string> = {}): StorageRun {
  const child = spawn(process.execPath, [join(repositoryDir(), 'infra', 'dist', 'storage.js'), ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { PATH: process.env.PATH, HOME: process.env.HOME, ...env },
  })
  const printed = { stdout: '', stderr: '' }
  for (const name of ['stdout', 'stderr'] as const)
    child[name].on('data', (chunk) => {
      printed[name] += chunk
    })
  return {
    kill: (signal) => child.kill(signal),
    ended: once(child, 'close').then(() => ({ code: child.exitCode, ...printed })),
  }
}

/** A database of the caller's own without any schema, on the server of that engine. */
export async function createEmptyDatabase(engine: TestEngine['name']): Promise<TestDatabase> {
  const server = serverOf(engine)
  if (!server) throw new Error('this run has no server with TimescaleDB')
  const url = new URL(server)
  url.pathname = `/empty_${randomBytes(6).toString('hex')}`
  const name = url.pathname.slice(1)
  await administer(server, `CREATE DATABASE ${name}`)
  const pool = createPool({ url: url.href, name: 'test', max: 4 })
  return {
    url: url.href,
    pool,
    drop: async () => {
      await pool.end()
      await administer(server, `DROP DATABASE ${name} WITH (FORCE)`)
    },
  }
}

/** Whether pg_dump is missing or older than the server of that engine; the reason is reported, as by `toolMissing`. */
export async function dumpMissing(engine: TestEngine['name']): Promise<boolean> {
  const url = serverOf(engine)
  if (!url || toolMissing('pg_dump')) return true
  const dumpMajor = Number(/\) (\d+)/.exec(execFileSync('pg_dump', ['--version'], { encoding: 'utf8' }))?.[1])
  const client = new pg.Client({ connectionString: new URL('/postgres', url).href })
  await client.connect()
  const { rows } = await client.query('SHOW server_version_num')
  await client.end()
  const serverMajor = Math.floor(rows[0]?.server_version_num / 10_000)
  if (dumpMajor >= serverMajor) return false
  reportSkipped(
    `tests of backups (${engine}) were skipped: the server is PostgreSQL ${serverMajor}, but pg_dump is ${dumpMajor}`,
  )
  return true
}

function serverOf(engine: TestEngine['name']): string | undefined {
  return engine === 'timescale' ? inject('timescaleTemplateUrl') : inject('templateUrl')
}
