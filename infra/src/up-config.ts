import { Type } from 'typebox'
import { ConfigError, loadConfig } from './config.ts'
import { plaintextProblem, settings } from './settings.ts'
import { brokerProblems, brokerSettings, portProblems } from './settings-rules.ts'

const schema = Type.Object({
  ...brokerSettings,
  TELLTALE_HTTP_PORT: settings.TELLTALE_HTTP_PORT,
  TELLTALE_HTTP_HOST: settings.TELLTALE_HTTP_HOST,
  TELLTALE_DATABASE_URL: Type.Optional(settings.TELLTALE_DATABASE_URL),
  TELLTALE_ADMIN_PASSWORD: Type.Optional(settings.TELLTALE_ADMIN_PASSWORD),
})

export type UpConfig = Readonly<Type.Static<typeof schema>> & { demo: boolean }

/** @throws ConfigError with everything that is wrong, arguments and variables together */
export function upConfig(args: string[], env: NodeJS.ProcessEnv): UpConfig {
  const problems = args
    .filter((arg) => arg !== '--no-demo')
    .map((arg) => `${arg} is not an option of npm start; only --no-demo is`)
  try {
    const config = loadConfig(schema, env)
    problems.push(...combinationProblems(config))
    if (problems.length === 0) return { ...config, demo: !args.includes('--no-demo') }
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error
    problems.push(...error.problems)
  }
  throw new ConfigError(problems)
}

function combinationProblems(config: Type.Static<typeof schema>): string[] {
  const { TELLTALE_HTTP_HOST: httpHost, TELLTALE_ALLOW_PLAINTEXT: allowed } = config
  const http = plaintextProblem('TELLTALE_HTTP_HOST', httpHost, allowed)
  const { TELLTALE_HTTP_PORT, TELLTALE_MQTT_PORT, TELLTALE_MQTT_WS_PORT, TELLTALE_MQTTS_PORT } = config
  const ports = { TELLTALE_HTTP_PORT, TELLTALE_MQTT_PORT, TELLTALE_MQTT_WS_PORT, TELLTALE_MQTTS_PORT }
  return [...(http ? [http] : []), ...brokerProblems(config), ...portProblems(ports)]
}
