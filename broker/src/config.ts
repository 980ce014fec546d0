import { hostname } from 'node:os'
import { ConfigError, loadConfig } from '@telltale/infra/config'
import { settings } from '@telltale/infra/settings'
import { brokerProblems, brokerSettings, portProblems } from '@telltale/infra/settings-rules'
import type { BrokerSettings } from '@telltale/infra/storage/broker-settings'
import { Type } from 'typebox'

const schema = Type.Object({
  ...brokerSettings,
  TELLTALE_DATABASE_URL: settings.TELLTALE_DATABASE_URL,
  TELLTALE_PLATFORM_SECRET: settings.TELLTALE_PLATFORM_SECRET,
  TELLTALE_BROKER_ID: settings.TELLTALE_BROKER_ID,
})

export type BrokerConfig = Readonly<Type.Static<typeof schema>>

/** @throws ConfigError naming all wrong settings at once */
export function brokerConfig(env: NodeJS.ProcessEnv): BrokerConfig {
  const config = loadConfig(schema, env)
  const { TELLTALE_MQTT_PORT, TELLTALE_MQTT_WS_PORT, TELLTALE_MQTTS_PORT } = config
  const ports = { TELLTALE_MQTT_PORT, TELLTALE_MQTT_WS_PORT, TELLTALE_MQTTS_PORT }
  const problems = [...brokerProblems(config), ...portProblems(ports)]
  if (problems.length > 0) throw new ConfigError(problems)
  const isNamed = Boolean(env.TELLTALE_BROKER_ID || env.TELLTALE_BROKER_ID_FILE)
  if (isNamed || config.TELLTALE_REDIS_URL === undefined) return config
  return Object.freeze({ ...config, TELLTALE_BROKER_ID: nameAmongSeveral(config) })
}

/** Two brokers of one name would end each other's sessions as those of a former life. */
function nameAmongSeveral(config: BrokerConfig): string {
  const port = String(config.TELLTALE_MQTT_PORT)
  const machine = hostname().replace(/[^A-Za-z0-9_.-]/g, '-')
  return `${machine.slice(0, BROKER_ID_CHARS_MAX - 1 - port.length)}-${port}`
}

/** What the setting's pattern allows. */
const BROKER_ID_CHARS_MAX = 64
const DAY_MS = 86_400_000
/** Contract: how far a device's clock may run ahead. */
const AHEAD_MS = 5 * 60_000

/** What a `ts` may be; never older than what retention would drop at once. */
export function timeWindow(config: BrokerConfig): { backfillMs: number; aheadMs: number } {
  const { TELLTALE_BACKFILL_DAYS: backfillDays, TELLTALE_RETENTION_DAYS: retentionDays } = config
  const days = retentionDays > 0 ? Math.min(backfillDays, retentionDays) : backfillDays
  return { backfillMs: days * DAY_MS, aheadMs: AHEAD_MS }
}

/** What the dashboard shows of them; never a secret. */
export function shownSettings(config: BrokerConfig): BrokerSettings {
  return {
    enrolment: config.TELLTALE_ENROLMENT,
    enrolmentKeySet: config.TELLTALE_ENROLMENT_KEY !== undefined,
    retentionDays: config.TELLTALE_RETENTION_DAYS,
    backfillDays: config.TELLTALE_BACKFILL_DAYS,
  }
}
