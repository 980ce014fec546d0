import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestProject } from 'vitest/node'
import { startEmbeddedPostgres } from '../postgres.ts'
import { migrate } from '../storage/migrate.ts'

declare module 'vitest' {
  interface ProvidedContext {
    /** A migrated database that tests copy, never use. */
    templateUrl: string
  }
}

/**
 * One real server for the whole run, with a migrated template database. `TELLTALE_TEST_DATABASE_URL` points the
 * tests at another server (PostgreSQL ≥ 15) instead; its user must be allowed to create databases.
 */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const given = process.env.TELLTALE_TEST_DATABASE_URL
  if (given) {
    await migrate(given)
    project.provide('templateUrl', given)
    return async () => {}
  }
  const dataDir = await mkdtemp(join(tmpdir(), 'telltale-test-'))
  const database = await startEmbeddedPostgres({ dataDir })
  await migrate(database.url)
  project.provide('templateUrl', database.url)
  return async () => {
    await database.stop()
    await rm(dataDir, { recursive: true, force: true })
  }
}
