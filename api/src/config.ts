import { ConfigError, loadConfig } from '@telltale/infra/config'
import { plaintextProblem, settings } from '@telltale/infra/settings'
import { Type } from 'typebox'

const schema = Type.Object({
  TELLTALE_HTTP_PORT: settings.TELLTALE_HTTP_PORT,
  TELLTALE_HTTP_HOST: settings.TELLTALE_HTTP_HOST,
  TELLTALE_MQTT_PORT: settings.TELLTALE_MQTT_PORT,
  TELLTALE_MQTT_HOST: settings.TELLTALE_MQTT_HOST,
  TELLTALE_DATABASE_URL: settings.TELLTALE_DATABASE_URL,
  TELLTALE_BROKER_URL: settings.TELLTALE_BROKER_URL,
  TELLTALE_PLATFORM_SECRET: settings.TELLTALE_PLATFORM_SECRET,
  TELLTALE_ADMIN_PASSWORD: Type.Optional(settings.TELLTALE_ADMIN_PASSWORD),
  TELLTALE_LOG_LEVEL: settings.TELLTALE_LOG_LEVEL,
  TELLTALE_ALLOW_PLAINTEXT: settings.TELLTALE_ALLOW_PLAINTEXT,
})

export type Config = Readonly<Type.Static<typeof schema>>

/** @throws ConfigError naming all wrong settings at once */
export function readConfig(env: Record<string, string | undefined>): Config {
  const config = loadConfig(schema, env)
  const problem = plaintextProblem(
    'TELLTALE_HTTP_HOST',
    config.TELLTALE_HTTP_HOST,
    config.TELLTALE_ALLOW_PLAINTEXT,
  )
  if (problem) throw new ConfigError([problem])
  return config
}
