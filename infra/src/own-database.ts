import { existsSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { Type } from 'typebox'
import { loadConfig } from './config.ts'
import { holdDataDir } from './data-dir.ts'
import { startEmbeddedPostgres } from './postgres.ts'
import { type Releases, StartError } from './service.ts'
import { settings } from './settings.ts'

const schema = Type.Object({
  TELLTALE_DATABASE_URL: Type.Optional(settings.TELLTALE_DATABASE_URL),
  TELLTALE_DATA_DIR: settings.TELLTALE_DATA_DIR,
})

/**
 * The database `npm start` would use with these settings; the embedded one is started, unless Telltale runs on it.
 * @returns its address
 * @throws ConfigError when the settings are wrong; StartError when it is in use, or `mustExist` and does not
 */
export async function openOwnDatabase(mustExist: boolean, releases: Releases): Promise<string> {
  const config = loadConfig(schema, process.env)
  if (config.TELLTALE_DATABASE_URL) return config.TELLTALE_DATABASE_URL
  const dataDir = resolve(config.TELLTALE_DATA_DIR)
  if (mustExist && !existsSync(join(dataDir, 'postgres', 'PG_VERSION')))
    throw new StartError(
      `there is no embedded database in ${dataDir}; set TELLTALE_DATA_DIR, or give an address`,
    )
  holdDataDir(dataDir, releases)
  return (await startEmbeddedPostgres({ dataDir, releases })).url
}
