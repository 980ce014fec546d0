import { topics } from '@telltale/broker/contract'
import { Releases } from '@telltale/infra/service'
import { startTestApi, type TestApiProgram } from '@telltale/infra/testing/api'
import { registerDevice, startTestBroker, type TestBroker } from '@telltale/infra/testing/broker'
import { createTestDatabase } from '@telltale/infra/testing/database'
import { waitFor } from '@telltale/infra/testing/wait'
import { connectAsync, type MqttClient } from 'mqtt'
import { afterAll, beforeAll, expect, it, onTestFailed } from 'vitest'
import type { SystemNow } from '../src/contract/index.ts'

const releases = new Releases()
let broker: TestBroker
let api: TestApiProgram
let device: MqttClient

beforeAll(async () => {
  const database = await createTestDatabase()
  releases.add('database', () => database.drop())
  broker = await startTestBroker(database.url)
  releases.add('broker', () => broker.program.stop())
  api = await startTestApi(database, broker)
  releases.add('api', () => api.program.stop())
  device = await connectAsync(broker.url, {
    ...{ clientId: 'scale', ...(await registerDevice(database.pool, 'scale')), reconnectPeriod: 0 },
  })
  releases.add('device', () => device.endAsync(true))
})
afterAll(() => releases.run())

async function counts(): Promise<Pick<SystemNow['brokers'][number], 'acknowledged' | 'stored' | 'rejected'>> {
  const { brokers } = (await api.call('GET /system')).body as SystemNow
  const { acknowledged = null, stored = 0, rejected = 0 } = brokers[0] ?? {}
  return { acknowledged, stored, rejected }
}

it('O-COUNTS-4 what is acknowledged is counted apart from what is stored, and is never more', async () => {
  onTestFailed(() => console.error(broker.program.output(), api.program.output()))
  const say = (payload: string, qos: 0 | 1 | 2) =>
    device.publishAsync(topics.telemetry('scale'), payload, { qos })
  for (const qos of [0, 1, 1, 2] as const) await say('{"mass":12.5}', qos)
  // Unreadable: acknowledged and kept with the reason.
  await say('not JSON', 1)
  await device.publishAsync(topics.status('scale'), 'online', { qos: 1 })
  await waitFor('the counts', async () => (await counts()).stored === 5)
  expect(await counts()).toEqual({ acknowledged: 4, stored: 5, rejected: 1 })
  const { brokers, api: self } = (await api.call('GET /system')).body as SystemNow
  expect(brokers[0]?.connections).toEqual([{ listener: 'tcp', who: 'device', count: 1 }])
  expect(brokers[0]?.aedesVersion).toMatch(/^\d+\.\d+\.\d+$/)
  expect(self.nodeVersion).toBe(brokers[0]?.nodeVersion)
})
