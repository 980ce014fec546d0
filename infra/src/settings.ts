import { Type } from 'typebox'

/**
 * Every setting of the product, once. A program's config picks the ones it reads; docs/OPERATING.md lists them all.
 * `description` completes "… is not …" in an error message.
 */
const port = (value: number) =>
  Type.Integer({ minimum: 1, maximum: 65_535, default: value, description: 'a port from 1 to 65535' })
const host = Type.String({ minLength: 1, default: '127.0.0.1', description: 'an address to listen on' })
const days = (value: number, minimum: number) =>
  Type.Integer({
    minimum,
    maximum: 36_500,
    default: value,
    description: `a number of days, ${minimum} to 36500`,
  })
const secret = (description: string) =>
  Type.String({ minLength: 8, maxLength: 1024, secret: true, description })

const file = (description: string) => Type.String({ minLength: 1, maxLength: 4096, description })
const count = (value: number, what: string) =>
  Type.Integer({
    minimum: 1,
    maximum: 2 ** 31 - 1,
    default: value,
    description: `a whole number above 0: ${what}`,
  })

export const settings = {
  TELLTALE_HTTP_PORT: port(8080),
  TELLTALE_HTTP_HOST: host,
  TELLTALE_MQTT_PORT: port(1883),
  TELLTALE_MQTT_HOST: host,
  TELLTALE_MQTT_WS_PORT: port(8083),
  TELLTALE_DATABASE_URL: Type.String({
    pattern: '^postgres(ql)?://',
    secret: true,
    description: 'a PostgreSQL address such as postgres://user:password@host:5432/telltale',
  }),
  TELLTALE_MQTTS_PORT: Type.Integer({ minimum: 1, maximum: 65_535, description: 'a port from 1 to 65535' }),
  TELLTALE_MQTTS_HOST: host,
  TELLTALE_TLS_CERT: file('the path of a PEM file with the certificate and its chain'),
  TELLTALE_TLS_KEY: file('the path of a PEM file with the private key'),
  TELLTALE_TLS_CLIENT_CA: file('the path of a PEM file with the authorities that sign device certificates'),
  TELLTALE_REDIS_URL: Type.String({
    pattern: '^rediss?://',
    secret: true,
    description: 'a Redis address such as redis://user:password@host:6379/0',
  }),
  TELLTALE_ENROLMENT: Type.Enum(['closed', 'approve', 'open'], {
    default: 'closed',
    description: 'one of closed, approve, open',
  }),
  TELLTALE_ENROLMENT_KEY: Type.String({
    minLength: 16,
    maxLength: 1024,
    secret: true,
    description: 'a key of at least 16 characters',
  }),
  TELLTALE_CONNECTIONS_MAX: count(20_000, 'MQTT connections of one broker'),
  TELLTALE_CONNECTIONS_PER_ADDRESS: count(12_000, 'MQTT connections of one address'),
  TELLTALE_CONNECTS_PER_ADDRESS: count(1_000, 'new connections of one address in a second'),
  TELLTALE_DEVICE_CONNECTS_PER_MINUTE: count(30, 'connects of one device in a minute'),
  TELLTALE_DEVICE_MESSAGES_PER_SECOND: count(5_000, 'messages of one device in a second'),
  TELLTALE_DEVICE_BYTES_PER_SECOND: count(8 * 1024 * 1024, 'bytes of one device in a second'),
  TELLTALE_DEVICE_SUBSCRIPTIONS: count(16, 'subscriptions of one device'),
  TELLTALE_DEVICE_RETAINED: count(64, 'retained messages of one device'),
  TELLTALE_MESSAGE_BYTES: Type.Integer({
    minimum: 128,
    maximum: 65_536,
    default: 65_536,
    description: 'bytes of the largest message, 128 to 65536',
  }),
  TELLTALE_SESSION_QUEUE_MESSAGES: count(1_000, 'messages queued for one client'),
  TELLTALE_SESSION_QUEUE_BYTES: count(8 * 1024 * 1024, 'bytes queued for one client'),
  TELLTALE_SESSION_EXPIRY_HOURS: Type.Integer({
    minimum: 1,
    maximum: 24 * 366,
    default: 24 * 7,
    description: 'hours after which the session of an absent client ends, 1 to 8784',
  }),
  TELLTALE_SPOOL_BYTES: Type.Integer({
    minimum: 1024 * 1024,
    maximum: 2 ** 53 - 1,
    default: 1024 * 1024 * 1024,
    description: 'bytes the broker keeps on disk while the database is away, at least 1048576',
  }),
  TELLTALE_DATA_DIR: Type.String({ minLength: 1, default: './data', description: 'a folder' }),
  TELLTALE_ADMIN_PASSWORD: secret('a password of at least 8 characters'),
  TELLTALE_PLATFORM_SECRET: secret('the secret broker and API share, at least 8 characters'),
  TELLTALE_BROKER_URL: Type.String({
    pattern: '^mqtts?://',
    default: 'mqtt://127.0.0.1:1883',
    description: 'an address such as mqtt://127.0.0.1:1883',
  }),
  TELLTALE_BROKER_ID: Type.String({
    pattern: '^[A-Za-z0-9_.-]{1,64}$',
    default: 'broker-1',
    description: 'a name of 1 to 64 letters, digits, _ . -',
  }),
  TELLTALE_RETENTION_DAYS: days(0, 0),
  TELLTALE_BACKFILL_DAYS: days(30, 1),
  TELLTALE_LOG_LEVEL: Type.Enum(['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'], {
    default: 'info',
    description: 'one of fatal, error, warn, info, debug, trace, silent',
  }),
  TELLTALE_ALLOW_PLAINTEXT: Type.Enum(['0', '1'], {
    default: '0',
    description: '0, or 1 to listen on other addresses than loopback without TLS',
  }),
} as const

/** How to reach, from this machine, what listens on `host`; IPv6 in brackets, as URLs need it. */
export function urlHost(host: string): string {
  if (host === '0.0.0.0') return '127.0.0.1'
  if (host === '::') return '[::1]'
  return host.includes(':') ? `[${host}]` : host
}

const LOOPBACK = /^(127\.\d+\.\d+\.\d+|::1|localhost)$/

/** Plaintext listeners stay on this machine unless the operator says otherwise. Returns the problem, if any. */
export function plaintextProblem(name: string, address: string, allowed: '0' | '1'): string | undefined {
  if (LOOPBACK.test(address) || allowed === '1') return undefined
  return `${name}: ${address} would carry secrets unencrypted; put TLS in front and set TELLTALE_ALLOW_PLAINTEXT=1`
}
