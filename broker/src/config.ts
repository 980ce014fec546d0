import { ConfigError, loadConfig } from '@telltale/infra/config'
import { plaintextProblem, settings } from '@telltale/infra/settings'
import { Type } from 'typebox'

const schema = Type.Object({
  TELLTALE_MQTT_PORT: settings.TELLTALE_MQTT_PORT,
  TELLTALE_MQTT_HOST: settings.TELLTALE_MQTT_HOST,
  TELLTALE_MQTT_WS_PORT: settings.TELLTALE_MQTT_WS_PORT,
  TELLTALE_DATABASE_URL: settings.TELLTALE_DATABASE_URL,
  TELLTALE_PLATFORM_SECRET: settings.TELLTALE_PLATFORM_SECRET,
  TELLTALE_BROKER_ID: settings.TELLTALE_BROKER_ID,
  TELLTALE_RETENTION_DAYS: settings.TELLTALE_RETENTION_DAYS,
  TELLTALE_BACKFILL_DAYS: settings.TELLTALE_BACKFILL_DAYS,
  TELLTALE_LOG_LEVEL: settings.TELLTALE_LOG_LEVEL,
  TELLTALE_ALLOW_PLAINTEXT: settings.TELLTALE_ALLOW_PLAINTEXT,
})

export type BrokerConfig = Readonly<Type.Static<typeof schema>>

export function brokerConfig(env: NodeJS.ProcessEnv): BrokerConfig {
  const config = loadConfig(schema, env)
  const problem = plaintextProblem(
    'TELLTALE_MQTT_HOST',
    config.TELLTALE_MQTT_HOST,
    config.TELLTALE_ALLOW_PLAINTEXT,
  )
  if (problem) throw new ConfigError([problem])
  return config
}

const DAY_MS = 86_400_000
/** Contract: how far a device's clock may run ahead. */
const AHEAD_MS = 5 * 60_000

/** What a `ts` may be; never older than what retention would drop at once. */
export function timeWindow(config: BrokerConfig): { backfillMs: number; aheadMs: number } {
  const { TELLTALE_BACKFILL_DAYS: backfillDays, TELLTALE_RETENTION_DAYS: retentionDays } = config
  const days = retentionDays > 0 ? Math.min(backfillDays, retentionDays) : backfillDays
  return { backfillMs: days * DAY_MS, aheadMs: AHEAD_MS }
}
