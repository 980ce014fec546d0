import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createIntegration, integrationUsername } from '@telltale/infra/storage/integrations'
import { startTestBroker } from '@telltale/infra/testing/broker'
import { createTestDatabase } from '@telltale/infra/testing/database'
import { reportSkipped, toolMissing } from '@telltale/infra/testing/tools'
import { startMosquitto } from './mosquitto.ts'
import type { BrokerUrl } from './raw-client.ts'

export interface Credentials {
  username: string
  password: string
}

/** A broker to judge: its addresses, and somebody who may use every topic outside `devices/` and `$`. */
export interface Target {
  urls: { mqtt: BrokerUrl; ws: BrokerUrl }
  credentials: Credentials
  /** Ours only: kill -9, and a new start on the same ports. */
  restart?: () => Promise<void>
  stop: () => Promise<void>
}

export type TargetName = 'telltale' | 'mosquitto' | 'another broker'

const INTEGRATION = 'conformance'

/**
 * Our broker; with TELLTALE_TEST_REFERENCE=1 mosquitto as well, which tells whether the suite itself is right.
 * TELLTALE_TEST_MQTT_URL and TELLTALE_TEST_MQTT_WS_URL point it at any other broker, and at no other.
 */
export function listTargets(): { name: TargetName; start: () => Promise<Target> }[] {
  const { TELLTALE_TEST_MQTT_URL: mqtt, TELLTALE_TEST_MQTT_WS_URL: ws } = process.env
  if (mqtt && ws) return [{ name: 'another broker', start: async () => givenTarget(mqtt, ws) }]
  const ours = [{ name: 'telltale' as const, start: startOurs }]
  if (process.env.TELLTALE_TEST_REFERENCE !== '1') {
    reportSkipped('the MQTT suite ran on our broker only: TELLTALE_TEST_REFERENCE=1 adds mosquitto')
    return ours
  }
  if (toolMissing('mosquitto')) return ours
  const credentials = { username: integrationUsername(INTEGRATION), password: 'as good as any' }
  return [...ours, { name: 'mosquitto', start: () => startMosquitto(credentials) }]
}

/** User name and password are part of the first address. */
function givenTarget(mqtt: string, ws: string): Target {
  const { username, password, host } = new URL(mqtt)
  return {
    urls: { mqtt: `mqtt://${host}`, ws: ws as BrokerUrl },
    credentials: { username: decodeURIComponent(username), password: decodeURIComponent(password) },
    stop: async () => {},
  }
}

async function startOurs(): Promise<Target> {
  const database = await createTestDatabase()
  const rights = { read: true, write: true, createdBy: 'test' }
  const integration = await createIntegration(database.pool, { name: INTEGRATION, ...rights })
  const dataDir = await mkdtemp(join(tmpdir(), 'telltale-mqtt-'))
  const broker = await startTestBroker(database.url, { TELLTALE_DATA_DIR: dataDir })
  return {
    urls: localUrls(broker.port, broker.wsPort),
    credentials: { username: integrationUsername(INTEGRATION), password: integration?.secret ?? '' },
    restart: async () => {
      await broker.program.kill()
      await broker.restart()
    },
    stop: async () => {
      const exitCode = await broker.program.stop()
      await database.drop()
      await rm(dataDir, { recursive: true, force: true })
      if (exitCode !== 0) throw new Error(`the broker ended with ${exitCode}:\n${broker.program.output()}`)
    },
  }
}

export function localUrls(port: number, wsPort: number): Target['urls'] {
  return { mqtt: `mqtt://127.0.0.1:${port}`, ws: `ws://127.0.0.1:${wsPort}/mqtt` }
}
