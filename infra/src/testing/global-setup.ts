import { randomBytes } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestProject } from 'vitest/node'
import { startEmbeddedPostgres } from '../postgres.ts'
import { migrate } from '../storage/migrate.ts'
import { administer } from './administer.ts'
import { reportSkipped } from './tools.ts'

declare module 'vitest' {
  interface ProvidedContext {
    /** A migrated database that tests copy; nobody can connect to it. */
    templateUrl: string
    /** The same on a server with TimescaleDB; absent where there is none. */
    timescaleTemplateUrl: string | undefined
  }
}

/**
 * One real server for the whole run, with a migrated template database. `TELLTALE_TEST_DATABASE_URL` points the
 * tests at another server (PostgreSQL ≥ 15) instead; its user must be allowed to create databases. Suites that run on
 * both engines use the server at `TELLTALE_TEST_TIMESCALE_URL` as well, where given.
 */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  // Workers are processes of their own: they inherit it, and find the one folder.
  process.env.TELLTALE_TEST_RUN = String(process.pid)
  const { TELLTALE_TEST_DATABASE_URL: given, TELLTALE_TEST_TIMESCALE_URL: timescale } = process.env
  const server = given ? { url: given, stop: async () => {} } : await startOwnServer()
  const template = await createTemplate(server.url)
  project.provide('templateUrl', template.href)
  const timescaleTemplate = timescale ? await createTemplate(timescale) : undefined
  project.provide('timescaleTemplateUrl', timescaleTemplate?.href)
  if (!timescale)
    reportSkipped(
      'storage suites were skipped on TimescaleDB: TELLTALE_TEST_TIMESCALE_URL names no server that has it',
    )
  return async () => {
    for (const url of [template, timescaleTemplate])
      if (url) await administer(url.href, `DROP DATABASE ${url.pathname.slice(1)} WITH (FORCE)`)
    await server.stop()
    const { testFolder } = await import('./folder.ts')
    await rm(testFolder, { recursive: true, force: true })
  }
}

async function createTemplate(serverUrl: string): Promise<URL> {
  const name = `telltale_template_${randomBytes(4).toString('hex')}`
  await administer(serverUrl, `CREATE DATABASE ${name}`)
  const template = new URL(serverUrl)
  template.pathname = `/${name}`
  await migrate(template.href)
  // A database somebody is connected to cannot be copied, and TimescaleDB's launcher visits every one it may.
  await administer(serverUrl, `ALTER DATABASE ${name} ALLOW_CONNECTIONS false`)
  await administer(
    serverUrl,
    `SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = '${name}'`,
  )
  return template
}

async function startOwnServer(): Promise<{ url: string; stop: () => Promise<void> }> {
  const dataDir = await mkdtemp(join(tmpdir(), 'telltale-test-'))
  const database = await startEmbeddedPostgres({ dataDir })
  const stop = async () => {
    await database.stop()
    await rm(dataDir, { recursive: true, force: true })
  }
  return { url: database.url, stop }
}
