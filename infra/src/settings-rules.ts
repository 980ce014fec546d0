import { Type } from 'typebox'
import { plaintextProblem, settings } from './settings.ts'
import { readTlsFiles, type TlsFiles } from './tls-files.ts'

/** What the broker reads and `npm start` hands on to it. */
export const brokerSettings = {
  TELLTALE_MQTT_PORT: settings.TELLTALE_MQTT_PORT,
  TELLTALE_MQTT_HOST: settings.TELLTALE_MQTT_HOST,
  TELLTALE_MQTT_WS_PORT: settings.TELLTALE_MQTT_WS_PORT,
  TELLTALE_MQTTS_PORT: Type.Optional(settings.TELLTALE_MQTTS_PORT),
  TELLTALE_MQTTS_HOST: settings.TELLTALE_MQTTS_HOST,
  TELLTALE_TLS_CERT: Type.Optional(settings.TELLTALE_TLS_CERT),
  TELLTALE_TLS_KEY: Type.Optional(settings.TELLTALE_TLS_KEY),
  TELLTALE_TLS_CLIENT_CA: Type.Optional(settings.TELLTALE_TLS_CLIENT_CA),
  TELLTALE_REDIS_URL: Type.Optional(settings.TELLTALE_REDIS_URL),
  TELLTALE_ENROLMENT: settings.TELLTALE_ENROLMENT,
  TELLTALE_ENROLMENT_KEY: Type.Optional(settings.TELLTALE_ENROLMENT_KEY),
  TELLTALE_CONNECTIONS_MAX: settings.TELLTALE_CONNECTIONS_MAX,
  TELLTALE_CONNECTIONS_PER_ADDRESS: settings.TELLTALE_CONNECTIONS_PER_ADDRESS,
  TELLTALE_CONNECTS_PER_ADDRESS: settings.TELLTALE_CONNECTS_PER_ADDRESS,
  TELLTALE_DEVICE_CONNECTS_PER_MINUTE: settings.TELLTALE_DEVICE_CONNECTS_PER_MINUTE,
  TELLTALE_DEVICE_MESSAGES_PER_SECOND: settings.TELLTALE_DEVICE_MESSAGES_PER_SECOND,
  TELLTALE_DEVICE_BYTES_PER_SECOND: settings.TELLTALE_DEVICE_BYTES_PER_SECOND,
  TELLTALE_DEVICE_SUBSCRIPTIONS: settings.TELLTALE_DEVICE_SUBSCRIPTIONS,
  TELLTALE_DEVICE_RETAINED: settings.TELLTALE_DEVICE_RETAINED,
  TELLTALE_MESSAGE_BYTES: settings.TELLTALE_MESSAGE_BYTES,
  TELLTALE_SESSION_QUEUE_MESSAGES: settings.TELLTALE_SESSION_QUEUE_MESSAGES,
  TELLTALE_SESSION_QUEUE_BYTES: settings.TELLTALE_SESSION_QUEUE_BYTES,
  TELLTALE_SESSION_EXPIRY_HOURS: settings.TELLTALE_SESSION_EXPIRY_HOURS,
  TELLTALE_SPOOL_BYTES: settings.TELLTALE_SPOOL_BYTES,
  TELLTALE_DATA_DIR: settings.TELLTALE_DATA_DIR,
  TELLTALE_RETENTION_DAYS: settings.TELLTALE_RETENTION_DAYS,
  TELLTALE_BACKFILL_DAYS: settings.TELLTALE_BACKFILL_DAYS,
  TELLTALE_LOG_LEVEL: settings.TELLTALE_LOG_LEVEL,
  TELLTALE_ALLOW_PLAINTEXT: settings.TELLTALE_ALLOW_PLAINTEXT,
}

const schema = Type.Object(brokerSettings)
type BrokerSettings = Readonly<Type.Static<typeof schema>>

/** One sentence for each setting that is right by itself but not beside the others. */
export function brokerProblems(config: BrokerSettings): string[] {
  const { TELLTALE_MQTT_HOST: host, TELLTALE_ALLOW_PLAINTEXT: allowed } = config
  const plaintext = plaintextProblem('TELLTALE_MQTT_HOST', host, allowed)
  return [...(plaintext ? [plaintext] : []), ...tlsProblems(config), ...enrolmentProblems(config)]
}

/** The files of the TLS listener. @returns undefined when there is none */
export function tlsFiles(config: BrokerSettings): TlsFiles | undefined {
  const { TELLTALE_TLS_CERT: cert, TELLTALE_TLS_KEY: key, TELLTALE_TLS_CLIENT_CA: clientCa } = config
  if (config.TELLTALE_MQTTS_PORT === undefined || cert === undefined || key === undefined) return undefined
  return { cert, key, clientCa }
}

/** Listeners cannot share a port, whatever their addresses: one variable to change is named. */
export function portProblems(ports: Record<string, number | undefined>): string[] {
  const given = Object.entries(ports).filter(([, port]) => port !== undefined)
  return given.flatMap(([name, port], i) =>
    given
      .slice(i + 1)
      .filter(([, other]) => other === port)
      .map(([other]) => `${name} and ${other} are both ${port}`),
  )
}

function tlsProblems(config: BrokerSettings): string[] {
  const files = tlsFiles(config)
  if (files) {
    const reading = readTlsFiles(files)
    return 'problems' in reading ? reading.problems : []
  }
  if (config.TELLTALE_MQTTS_PORT !== undefined)
    return (['TELLTALE_TLS_CERT', 'TELLTALE_TLS_KEY'] as const)
      .filter((name) => config[name] === undefined)
      .map((name) => `TELLTALE_MQTTS_PORT needs ${name} too, the path of a PEM file`)
  return (['TELLTALE_TLS_CERT', 'TELLTALE_TLS_KEY', 'TELLTALE_TLS_CLIENT_CA'] as const)
    .filter((name) => config[name] !== undefined)
    .map((name) => `${name} does nothing without TELLTALE_MQTTS_PORT; set the port too, or neither`)
}

function enrolmentProblems(config: BrokerSettings): string[] {
  const { TELLTALE_ENROLMENT: mode, TELLTALE_ENROLMENT_KEY: key } = config
  if (mode !== 'closed' && key === undefined)
    return [`TELLTALE_ENROLMENT=${mode} needs TELLTALE_ENROLMENT_KEY, a key of at least 16 characters`]
  if (mode === 'closed' && key !== undefined)
    return [
      'TELLTALE_ENROLMENT_KEY does nothing while TELLTALE_ENROLMENT is closed; set approve or open, or remove it',
    ]
  return []
}
