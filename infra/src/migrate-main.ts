import { Type } from 'typebox'
import { ConfigError, loadConfig } from './config.ts'
import { limits } from './limits.ts'
import { createLog } from './log.ts'
import { describeStartError } from './service.ts'
import { settings } from './settings.ts'
import { migrate } from './storage/migrate.ts'

const schema = Type.Object({
  TELLTALE_DATABASE_URL: settings.TELLTALE_DATABASE_URL,
  TELLTALE_LOG_LEVEL: settings.TELLTALE_LOG_LEVEL,
})

/**
 * Brings the database up to date and ends: for where the programs are started one by one, as in containers.
 * Exit codes: 0 done, 1 failed, 2 wrong settings.
 */
try {
  const config = loadConfig(schema, process.env)
  const log = createLog('migrate', config.TELLTALE_LOG_LEVEL)
  await migrate(config.TELLTALE_DATABASE_URL, {
    say: (line) => log.info(line),
    waitMs: limits.database.startWaitMs,
  })
  log.info('the database is up to date')
} catch (error) {
  console.error(describeStartError(error))
  process.exitCode = error instanceof ConfigError ? 2 : 1
}
