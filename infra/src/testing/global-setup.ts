import { randomBytes } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestProject } from 'vitest/node'
import { startEmbeddedPostgres } from '../postgres.ts'
import { migrate } from '../storage/migrate.ts'
import { administer } from './administer.ts'

declare module 'vitest' {
  interface ProvidedContext {
    /** A migrated database that tests copy; nobody can connect to it. */
    templateUrl: string
  }
}

/**
 * One real server for the whole run, with a migrated template database. `TELLTALE_TEST_DATABASE_URL` points the
 * tests at another server (PostgreSQL ≥ 15) instead; its user must be allowed to create databases.
 */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const server = process.env.TELLTALE_TEST_DATABASE_URL
    ? { url: process.env.TELLTALE_TEST_DATABASE_URL, stop: async () => {} }
    : await startOwnServer()
  const name = `telltale_template_${randomBytes(4).toString('hex')}`
  await administer(server.url, `CREATE DATABASE ${name}`)
  const template = new URL(server.url)
  template.pathname = `/${name}`
  await migrate(template.href)
  // A database somebody is connected to cannot be copied, and TimescaleDB's launcher visits every one it may.
  await administer(server.url, `ALTER DATABASE ${name} ALLOW_CONNECTIONS false`)
  project.provide('templateUrl', template.href)
  return async () => {
    await administer(server.url, `DROP DATABASE ${name} WITH (FORCE)`)
    await server.stop()
  }
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
