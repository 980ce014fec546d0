import { randomUUID } from 'node:crypto'
import { limits } from '@telltale/infra/limits'
import { cancelCommand } from '@telltale/infra/storage/command-transitions'
import {
  type CommandRecord,
  getCommand,
  insertCommand,
  listCommandEvents,
} from '@telltale/infra/storage/commands'
import { registerDevice, startTestBroker, type TestBroker } from '@telltale/infra/testing/broker'
import { createTestDatabase, type TestDatabase } from '@telltale/infra/testing/database'
import { waitFor } from '@telltale/infra/testing/wait'
import { connectAsync, type MqttClient } from 'mqtt'
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from 'vitest'
import { filters, type ReplyPayload, topics } from '../src/contract/index.ts'
import { RawDevice } from './raw-device.ts'

let database: TestDatabase
let broker: TestBroker
let platform: MqttClient
let deviceId = ''
let credentials: { username: string; password: string }
let count = 0
const open: RawDevice[] = []

beforeAll(async () => {
  database = await createTestDatabase()
  broker = await startTestBroker(database.url)
  const username = '$telltale'
  platform = await connectAsync(broker.url, { username, password: broker.platformSecret, reconnectPeriod: 0 })
})
beforeEach(async () => {
  deviceId = `late${++count}`
  credentials = await registerDevice(database.pool, deviceId)
})
afterEach(() => {
  for (const device of open.splice(0)) device.cut()
})
afterAll(async () => {
  await platform?.endAsync(true)
  expect(await broker?.program.stop()).toBe(0)
  await database?.drop()
})

async function attach(): Promise<RawDevice> {
  const device = await RawDevice.connect(broker.port, credentials)
  open.push(device)
  return device
}

async function queue(): Promise<string> {
  const id = randomUUID()
  await insertCommand(database.pool, {
    id,
    deviceId,
    name: 'x',
    params: {},
    ttlMs: 30_000,
    createdBy: 'test',
  })
  return id
}

const record = async (id: string) => (await getCommand(database.pool, id)) as CommandRecord
const reaches = (id: string, status: string) =>
  waitFor(status, async () => (await record(id)).status === status)
const lateReplies = async (id: string) =>
  (await listCommandEvents(database.pool, id))
    .filter(({ status }) => status === 'late_reply')
    .map(({ detail }) => detail)

async function reply(device: RawDevice, id: string, words: ReplyPayload): Promise<void> {
  const packetId = device.reply(id, words)
  await waitFor('its PUBACK', () => device.acknowledged.has(packetId))
}

it('C-LATE-1 a reply after the end changes no status and is noted, once for each thing it says', async () => {
  const device = await attach()
  const id = await queue()
  await waitFor('its delivery', () => device.deliveries.length === 1)
  // No time to live is both short and surely long enough to be delivered in.
  await database.pool.query('UPDATE command SET expires_at = clock_timestamp() WHERE id = $1', [id])
  await reaches(id, 'expired')
  const before = await record(id)
  expect(before.sentAt).not.toBeNull()
  for (let i = 0; i < 3; i++) await reply(device, id, { status: 'succeeded', result: { open: true } })
  expect(await record(id)).toEqual(before)
  expect(await lateReplies(id)).toEqual([{ status: 'succeeded', result: { open: true } }])
  for (let i = 0; i < 10; i++) await reply(device, id, { status: 'progress', result: i })
  expect((await lateReplies(id)).length).toBe(limits.commands.lateRepliesMax)
})

it('C-LATE-2 what only repeats the answer, and what another device says, is not noted', async () => {
  const device = await attach()
  const id = await queue()
  await waitFor('its delivery', () => device.deliveries.length === 1)
  for (let i = 0; i < 3; i++) {
    await reply(device, id, { status: 'accepted' })
    await reply(device, id, { status: 'failed', error: 'stuck' })
  }
  const stranger = await RawDevice.connect(broker.port, await registerDevice(database.pool, `${deviceId}x`))
  open.push(stranger)
  await reply(stranger, id, { status: 'succeeded' })
  expect(await lateReplies(id)).toEqual([])
  await reply(device, id, { status: 'succeeded' })
  expect(await lateReplies(id)).toEqual([{ status: 'succeeded' }])
  expect((await record(id)).status).toBe('failed')
})

it('C-BLOCK-1 what another broker has ended does not stand in the way here', async () => {
  const device = await attach()
  const first = await queue()
  await waitFor('its delivery', () => device.deliveries.length === 1)
  const next = await queue()
  // As the sweep of another broker does it.
  const end = `UPDATE command SET status = 'expired', finished_at = clock_timestamp() WHERE id = $1`
  await database.pool.query(end, [first])
  await waitFor('the next one', () => device.deliveries.at(-1)?.id === next)
  expect(device.deliveries.map(({ id }) => id)).toEqual([first, next])
})

it('C-TELL-1 what one API queued or cancelled is told to all, with the row as it is', async () => {
  const heard: CommandRecord[] = []
  const other = await connectAsync(broker.url, {
    ...{ username: '$telltale', password: broker.platformSecret, reconnectPeriod: 0 },
  })
  other.on('message', (_topic, payload) => heard.push(JSON.parse(payload.toString())))
  await other.subscribeAsync(filters.platform('commands'))
  const id = await queue()
  await platform.publishAsync(topics.platform('changed', id), '', { qos: 1 })
  await waitFor('word of it', () => heard.length === 1)
  expect(heard[0]).toEqual(await record(id))
  await cancelCommand(database.pool, id)
  // What is no command is nobody's end.
  for (const changed of ['nonsense', randomUUID(), id])
    await platform.publishAsync(topics.platform('changed', changed), '', { qos: 1 })
  await waitFor('word of its end', () => heard.length === 2)
  expect(heard[1]).toMatchObject({ id, status: 'cancelled' })
  await other.endAsync(true)
})

it('C-TELL-3 a command that has moved on since is not told from the word of an API: it would overtake its steps', async () => {
  const heard: string[] = []
  const other = await connectAsync(broker.url, {
    ...{ username: '$telltale', password: broker.platformSecret, reconnectPeriod: 0 },
  })
  other.on('message', (_topic, payload) => heard.push((JSON.parse(payload.toString()) as CommandRecord).id))
  await other.subscribeAsync(filters.platform('commands'))
  const [moved, waiting] = [await queue(), await queue()]
  // As another broker has done it, whose own word is on its way.
  await database.pool.query(`UPDATE command SET status = 'accepted' WHERE id = $1`, [moved])
  for (const id of [moved, waiting])
    await platform.publishAsync(topics.platform('changed', id), '', { qos: 1 })
  await waitFor('word of the other', () => heard.includes(waiting))
  expect(heard).toEqual([waiting])
  await other.endAsync(true)
})
