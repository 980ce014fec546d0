import { limits } from '@telltale/infra/limits'
import { registerDevice, startTestBroker } from '@telltale/infra/testing/broker'
import { createTestDatabase, type TestDatabase } from '@telltale/infra/testing/database'
import { startDatabaseProxy } from '@telltale/infra/testing/database-proxy'
import { waitFor } from '@telltale/infra/testing/wait'
import type { MqttClient } from 'mqtt'
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest'
import { topics } from '../src/contract/index.ts'
import { storedValues, TestClients } from './clients.ts'

let database: TestDatabase
let url = ''
const clients = new TestClients(() => url)

beforeAll(async () => {
  database = await createTestDatabase()
})
afterEach(() => clients.end())
afterAll(() => database?.drop())

/** What was sent before is read by then: what a broker that stops has not read, it does not answer. */
async function isRead(device: MqttClient): Promise<void> {
  const answered = new Promise<void>((resolve) => {
    device.on('packetreceive', ({ cmd }) => cmd === 'pingresp' && resolve())
  })
  device.sendPing()
  await answered
}

it.each(['refuse', 'freeze'] as const)(
  'M-PROMISE-9 SIGTERM while the database does not answer (%s): in time, and what was acknowledged is there later',
  async (fault) => {
    const deviceId = `stopped-${fault}`
    const proxy = await startDatabaseProxy(database.url)
    const broker = await startTestBroker(proxy.url)
    url = broker.url
    try {
      const device = await clients.attach(await registerDevice(database.pool, deviceId))
      await device.publishAsync(topics.telemetry(deviceId), '{"n":1}', { qos: 1 })
      proxy[fault]()
      const acknowledged = device.publishAsync(topics.telemetry(deviceId), '{"n":2}', { qos: 1 })
      await isRead(device)
      const startedMs = performance.now()
      const stopping = broker.program.stop()
      await acknowledged
      expect(await stopping).toBe(0)
      expect(performance.now() - startedMs).toBeLessThan(limits.service.stopDeadlineMs)
      expect(await storedValues(database.pool, deviceId)).toEqual({ n: [1] })
      proxy.pass()
      await broker.restart()
      await waitFor('what waited on disk', async () => {
        return (await storedValues(database.pool, deviceId)).n?.includes(2)
      })
    } finally {
      broker.program.process.kill('SIGKILL')
      await proxy.close()
    }
  },
  30_000,
)
