import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { keepSecret, replaceSecret } from './data-dir.ts'
import { repositoryDir } from './paths.ts'
import { hashSecret, newSecret } from './secrets.ts'
import { urlHost } from './settings.ts'
import { type DeviceTypeRecord, getDeviceType, putDeviceType } from './storage/device-types.ts'
import type { Pool } from './storage/pool.ts'
import { createToken } from './storage/tokens.ts'
import { createSignInLink } from './storage/users.ts'
import type { UpConfig } from './up-config.ts'

/** What a newcomer gets from `npm start`: a link that signs in, and a line to paste that works. */

export const ADMIN = 'admin'
const FIRST_DEVICE = 'hello'
const LINK_TTL_MS = 24 * 3_600_000

type Described = Pick<DeviceTypeRecord, 'label' | 'metrics' | 'commands'>

export interface FirstDevice {
  id: string
  secret: string
}

/**
 * The device of the printed `mosquitto_pub` line, made at the first start; its secret is kept so that the line works
 * after a restart too. @returns undefined when a person has deleted it or revoked that secret since
 */
export async function prepareFirstDevice(
  pool: Pool,
  options: { dataDir: string; isFirstStart: boolean },
): Promise<FirstDevice | undefined> {
  const secret = await keepSecret(options.dataDir, 'first-device-secret', newSecret)
  if (options.isFirstStart) {
    await pool.query(`INSERT INTO device (id, name) VALUES ($1, 'Hello') ON CONFLICT DO NOTHING`, [
      FIRST_DEVICE,
    ])
    await pool.query('INSERT INTO device_credential (device_id, hash) VALUES ($1, $2)', [
      FIRST_DEVICE,
      hashSecret(secret),
    ])
  }
  const { rowCount } = await pool.query(
    `SELECT 1 FROM device_credential c JOIN device d ON d.id = c.device_id
     WHERE d.id = $1 AND c.hash = $2 AND c.revoked_at IS NULL AND d.disabled_at IS NULL`,
    [FIRST_DEVICE, hashSecret(secret)],
  )
  return rowCount ? { id: FIRST_DEVICE, secret } : undefined
}

/**
 * The simulator registers its devices through the HTTP API like anybody else; this is its token. With the first one
 * come the types its devices name.
 */
export async function prepareSimulatorToken(pool: Pool, dataDir: string): Promise<string> {
  const file = 'simulator-token'
  const kept = await keepSecret(dataDir, file, () => '')
  const { rowCount } = await pool.query('SELECT 1 FROM api_token WHERE hash = $1 AND revoked_at IS NULL', [
    hashSecret(kept),
  ])
  if (rowCount) return kept
  const { token } = await createToken(pool, { name: 'simulator', role: 'operator', createdBy: 'npm start' })
  await replaceSecret(dataDir, file, token)
  await describeSimulatorTypes(pool)
  return token
}

/** Once: a type that a person changes or deletes stays so. */
async function describeSimulatorTypes(pool: Pool): Promise<void> {
  const file = join(repositoryDir(), 'device-simulator', 'src', 'profiles', 'types.json')
  const types = JSON.parse(await readFile(file, 'utf8')) as Record<string, Described>
  for (const [name, { label, metrics, commands }] of Object.entries(types)) {
    if (await getDeviceType(pool, name)) continue
    await putDeviceType(pool, { name, label, metrics, commands, updatedBy: 'npm start' })
  }
}

/** The one block of `npm start`; everything in it can be pasted as it stands. */
export async function printBlock(
  pool: Pool,
  config: UpConfig,
  shown: { device: FirstDevice | undefined; firstPassword: string | undefined },
): Promise<void> {
  const dashboard = `http://${urlHost(config.TELLTALE_HTTP_HOST)}:${config.TELLTALE_HTTP_PORT}`
  const host = urlHost(config.TELLTALE_MQTT_HOST)
  const port = config.TELLTALE_MQTT_PORT
  const link = await createSignInLink(pool, ADMIN, LINK_TTL_MS).catch(() => undefined)
  const lines = [
    '',
    '  Telltale is running',
    '',
    `  Dashboard   ${dashboard}${link ? `/sign-in#link=${link}` : ''}`,
    ...(link ? ['              signs you in once, within a day'] : []),
    ...(shown.firstPassword
      ? [`  Sign-in     user ${ADMIN}, password ${shown.firstPassword}   (shown this once)`]
      : []),
    `  MQTT        mqtt://${host}:${port}`,
    ...tlsLines(config),
    '',
    ...(shown.device
      ? ['  Send a reading:', '', `  ${publishLine(host.replace(/[[\]]/g, ''), port, shown.device)}`]
      : [`  Connect a device: ${dashboard}/connect`]),
    '',
    '  Ctrl-C stops everything; your data stays.',
    '',
  ]
  console.log(lines.join('\n'))
}

/** No line to paste: which authority clients must know is not ours to see, and the certificate says which name. */
function tlsLines(config: UpConfig): string[] {
  if (config.TELLTALE_MQTTS_PORT === undefined) return []
  return [`  MQTT, TLS   mqtts://${urlHost(config.TELLTALE_MQTTS_HOST)}:${config.TELLTALE_MQTTS_PORT}`]
}

function publishLine(host: string, port: number, { id, secret }: FirstDevice): string {
  // A secret may begin with a dash: -P takes the next word whatever it is.
  return `mosquitto_pub -h ${host} -p ${port} -u ${id} -P '${secret}' -q 1 -t devices/${id}/telemetry -m '{"temperature":21.5}'`
}
