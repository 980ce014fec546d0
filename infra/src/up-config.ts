import { Type } from 'typebox'
import { ConfigError, loadConfig } from './config.ts'
import { plaintextProblem, settings } from './settings.ts'

const schema = Type.Object({
  TELLTALE_HTTP_PORT: settings.TELLTALE_HTTP_PORT,
  TELLTALE_HTTP_HOST: settings.TELLTALE_HTTP_HOST,
  TELLTALE_MQTT_PORT: settings.TELLTALE_MQTT_PORT,
  TELLTALE_MQTT_HOST: settings.TELLTALE_MQTT_HOST,
  TELLTALE_MQTT_WS_PORT: settings.TELLTALE_MQTT_WS_PORT,
  TELLTALE_DATABASE_URL: Type.Optional(settings.TELLTALE_DATABASE_URL),
  TELLTALE_DATA_DIR: settings.TELLTALE_DATA_DIR,
  TELLTALE_ADMIN_PASSWORD: Type.Optional(settings.TELLTALE_ADMIN_PASSWORD),
  TELLTALE_RETENTION_DAYS: settings.TELLTALE_RETENTION_DAYS,
  TELLTALE_BACKFILL_DAYS: settings.TELLTALE_BACKFILL_DAYS,
  TELLTALE_LOG_LEVEL: settings.TELLTALE_LOG_LEVEL,
  TELLTALE_ALLOW_PLAINTEXT: settings.TELLTALE_ALLOW_PLAINTEXT,
})

export type UpConfig = Readonly<Type.Static<typeof schema>> & { demo: boolean }

/** Part of the product's contract but not of this version: refused, because ignoring one would be a silent lie. */
const NOT_YET = [
  'TELLTALE_MQTTS_PORT',
  'TELLTALE_TLS_CERT',
  'TELLTALE_TLS_KEY',
  'TELLTALE_TLS_CLIENT_CA',
  'TELLTALE_REDIS_URL',
  'TELLTALE_ENROLMENT_KEY',
]

/** @throws ConfigError with everything that is wrong, arguments and variables together */
export function upConfig(args: string[], env: NodeJS.ProcessEnv): UpConfig {
  const problems = args
    .filter((arg) => arg !== '--no-demo')
    .map((arg) => `${arg} is not an option of npm start; only --no-demo is`)
  for (const name of NOT_YET)
    if (env[name] || env[`${name}_FILE`]) problems.push(`${name} is not supported by this version yet`)
  if (env.TELLTALE_ENROLMENT && env.TELLTALE_ENROLMENT !== 'closed')
    problems.push('TELLTALE_ENROLMENT: only closed is supported by this version')
  try {
    const config = loadConfig(schema, env)
    problems.push(...addressProblems(config))
    if (problems.length === 0) return { ...config, demo: !args.includes('--no-demo') }
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error
    problems.push(...error.problems)
  }
  throw new ConfigError(problems)
}

function addressProblems(config: Type.Static<typeof schema>): string[] {
  const problems: string[] = []
  for (const name of ['TELLTALE_HTTP_HOST', 'TELLTALE_MQTT_HOST'] as const) {
    const problem = plaintextProblem(name, config[name], config.TELLTALE_ALLOW_PLAINTEXT)
    if (problem) problems.push(problem)
  }
  const ports = ['TELLTALE_HTTP_PORT', 'TELLTALE_MQTT_PORT', 'TELLTALE_MQTT_WS_PORT'] as const
  for (const [i, name] of ports.entries())
    for (const other of ports.slice(i + 1))
      if (config[name] === config[other]) problems.push(`${name} and ${other} are both ${config[name]}`)
  return problems
}
