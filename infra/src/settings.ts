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
