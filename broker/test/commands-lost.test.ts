import { randomUUID } from 'node:crypto'
import { type CommandRecord, getCommand, insertCommand } from '@telltale/infra/storage/commands'
import { registerDevice, startTestBroker, type TestBroker } from '@telltale/infra/testing/broker'
import { createTestDatabase, type TestDatabase } from '@telltale/infra/testing/database'
import { waitFor } from '@telltale/infra/testing/wait'
import { connectAsync, type MqttClient } from 'mqtt'
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest'
import { filters, topics } from '../src/contract/index.ts'
import { LosingProxy, valueInRow } from './losing-proxy.ts'
import { RawDevice } from './raw-device.ts'

let database: TestDatabase
let proxy: LosingProxy
let broker: TestBroker
let platform: MqttClient
let device: RawDevice
let deviceId = ''
let count = 0
const told = new Map<string, string[]>()

beforeAll(async () => {
  database = await createTestDatabase()
  proxy = await LosingProxy.start(database.url)
  broker = await startTestBroker(proxy.url)
  const username = '$telltale'
  platform = await connectAsync(broker.url, { username, password: broker.platformSecret, reconnectPeriod: 0 })
  platform.on('message', (_topic, payload) => {
    const { id, status } = JSON.parse(payload.toString()) as CommandRecord
    told.set(id, [...(told.get(id) ?? []), status])
  })
  await platform.subscribeAsync(filters.platform('commands'))
})
beforeEach(async () => {
  deviceId = `lost${++count}`
  device = await RawDevice.connect(broker.port, await registerDevice(database.pool, deviceId))
})
afterAll(async () => {
  device?.cut()
  await platform?.endAsync(true)
  expect(await broker?.program.stop()).toBe(0)
  await proxy?.close()
  await database?.drop()
})

async function queue(ttlMs = 30_000): Promise<string> {
  const id = randomUUID()
  await insertCommand(database.pool, { id, deviceId, name: 'x', params: {}, ttlMs, createdBy: 'test' })
  await platform.publishAsync(topics.platform('nudge', deviceId), '', { qos: 1 })
  return id
}

const isTold = (id: string, status: string) =>
  waitFor(`word of ${status}`, () => told.get(id)?.includes(status))

it('C-LOST-1 the answer to each step is lost after its commit, and the step is told all the same', async () => {
  const before = proxy.lost
  proxy.lose(valueInRow('sent'))
  const id = await queue()
  await isTold(id, 'sent')
  expect(proxy.lost).toBe(before + 1)
  const delivery = await waitFor('its delivery', () => device.deliveries[0])

  proxy.lose(valueInRow('delivered'))
  device.puback(delivery)
  await isTold(id, 'delivered')
  expect(proxy.lost).toBe(before + 2)

  proxy.lose(valueInRow('succeeded'))
  const packetId = device.reply(id, { status: 'succeeded', result: 1 })
  await isTold(id, 'succeeded')
  await waitFor('its PUBACK', () => device.acknowledged.has(packetId))
  expect(proxy.lost).toBe(before + 3)
})

it('C-LOST-2 so it is when its time runs out', async () => {
  const before = proxy.lost
  device.cut()
  proxy.lose(valueInRow('expired'), 'COMMIT')
  const id = await queue(300)
  await isTold(id, 'expired')
  expect(proxy.lost).toBe(before + 1)
})

it('C-LOST-3 a reply that the device repeats, after its broker died perhaps, is told again', async () => {
  const id = await queue()
  await waitFor('its delivery', () => device.deliveries[0])
  device.reply(id, { status: 'succeeded' })
  await isTold(id, 'succeeded')
  const username = deviceId
  const back = await connectAsync(broker.url, {
    username,
    password: `secret-of-${deviceId}`,
    reconnectPeriod: 0,
  })
  told.delete(id)
  await back.publishAsync(topics.reply(deviceId, id), '{"status":"succeeded"}', { qos: 1, dup: true })
  await isTold(id, 'succeeded')
  await back.endAsync(true)
  expect((await getCommand(database.pool, id))?.status).toBe('succeeded')
})
