import { randomUUID } from 'node:crypto'
import { type CommandRecord, getCommand, insertCommand } from '@telltale/infra/storage/commands'
import { registerDevice, startTestBroker, type TestBroker } from '@telltale/infra/testing/broker'
import { createTestDatabase, type TestDatabase } from '@telltale/infra/testing/database'
import { waitFor } from '@telltale/infra/testing/wait'
import { connectAsync, type IClientOptions, type MqttClient } from 'mqtt'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { filters, parseTopic, topics } from '../src/contract/index.ts'

let database: TestDatabase
let broker: TestBroker
let platform: MqttClient
let device = ''
let credentials: IClientOptions
let count = 0
const transitions = new Map<string, string[]>()
const open: MqttClient[] = []

beforeAll(async () => {
  database = await createTestDatabase()
  broker = await startTestBroker(database.url)
  platform = await connectAsync(broker.url, {
    username: '$telltale',
    password: broker.platformSecret,
    reconnectPeriod: 0,
  })
  platform.on('message', (_topic, payload) => {
    const { id, status } = JSON.parse(payload.toString()) as CommandRecord
    transitions.set(id, [...(transitions.get(id) ?? []), status])
  })
  await platform.subscribeAsync(filters.platform('commands'))
})
beforeEach(async () => {
  device = `d${++count}`
  credentials = { ...(await registerDevice(database.pool, device)), reconnectPeriod: 0 }
})
afterEach(async () => {
  await Promise.all(open.splice(0).map((client) => client.endAsync(true)))
})
afterAll(async () => {
  await platform?.endAsync(true)
  expect(await broker?.program.stop()).toBe(0)
  await database?.drop()
})

async function queue(command: { name?: string; params?: unknown; ttlMs?: number } = {}): Promise<string> {
  const id = randomUUID()
  const { outcome } = await insertCommand(database.pool, {
    ...{ id, deviceId: device, name: 'set-led', params: { on: true }, ttlMs: 30_000, createdBy: 'test' },
    ...command,
  })
  expect(outcome).toBe('created')
  await platform.publishAsync(topics.platform('nudge', device), '', { qos: 1 })
  return id
}

type Received = { id: string; name: string; params: unknown; ttlMs: number; sentAt: number }

/** Connects as the device; `answer` says what to reply to each command. */
async function attach(
  answer?: (command: Received) => object | undefined,
  options: IClientOptions & { qos?: 0 | 1 } = {},
): Promise<{ client: MqttClient; received: Received[] }> {
  const { qos = 1, ...rest } = options
  const client = await connectAsync(broker.url, { ...credentials, ...rest })
  open.push(client)
  const received: Received[] = []
  client.on('message', (topic, payload, packet) => {
    const parsed = parseTopic(topic)
    if (parsed.kind !== 'command') return
    expect(packet.retain).toBe(false)
    const command = { id: parsed.commandId, ...JSON.parse(payload.toString()) }
    received.push(command)
    const reply = answer?.(command)
    if (reply) client.publish(topics.reply(device, parsed.commandId), JSON.stringify(reply), { qos: 1 })
  })
  await client.subscribeAsync(filters.commands(device), { qos })
  return { client, received }
}

const record = async (id: string) => (await getCommand(database.pool, id)) as CommandRecord
const reaches = (id: string, status: string) =>
  waitFor(`${status}`, async () => (await record(id)).status === status)

describe('commands', () => {
  it('C-LIFE-1 queued, sent, delivered, accepted, succeeded, each told and timed', async () => {
    const { client, received } = await attach(() => ({ status: 'accepted' }))
    const id = await queue()
    await reaches(id, 'accepted')
    await client.publishAsync(topics.reply(device, id), '{"status":"progress","result":{"percent":60}}', {
      qos: 1,
    })
    await client.publishAsync(topics.reply(device, id), '{"status":"succeeded","result":{"led":true}}', {
      qos: 1,
    })
    const done = await record(id)
    expect(done).toMatchObject({ status: 'succeeded', result: { led: true }, progress: { percent: 60 } })
    expect(received).toEqual([
      { id, name: 'set-led', params: { on: true }, ttlMs: expect.any(Number), sentAt: expect.any(Number) },
    ])
    expect(received[0]?.ttlMs).toBeLessThanOrEqual(30_000)
    // The PUBACK and the first reply cross: mqtt.js replies first.
    for (const between of [done.deliveredAt, done.acceptedAt])
      expect([done.sentAt, between, done.finishedAt]).toEqual([done.sentAt, between, done.finishedAt].sort())
    await waitFor('the last word', () => transitions.get(id)?.at(-1) === 'succeeded')
    const { rows } = await database.pool.query(
      'SELECT status FROM command_event WHERE command_id = $1 ORDER BY at',
      [id],
    )
    expect(rows.map((row) => row.status)[0]).toBe('queued')
    expect(rows.map((row) => row.status).at(-1)).toBe('succeeded')
  })

  it.each(['failed', 'rejected'])('C-LIFE-2 %s carries the device’s own words', async (status) => {
    await attach(() => ({ status, error: 'door is open', result: { code: 7 } }))
    const id = await queue()
    await reaches(id, status)
    expect(await record(id)).toMatchObject({ error: 'door is open', result: { code: 7 } })
  })

  it('C-OFFLINE-1 a device that was away gets its commands in order when it comes back', async () => {
    const ids = [await queue({ name: 'a' }), await queue({ name: 'b' }), await queue({ name: 'c' })]
    const { received } = await attach(() => ({ status: 'succeeded' }))
    for (const id of ids) await reaches(id, 'succeeded')
    expect(received.map(({ id }) => id)).toEqual(ids)
  })

  it('C-EXPIRE-1 a command whose time ran out is never sent', async () => {
    const id = await queue({ ttlMs: 300 })
    await reaches(id, 'expired')
    const next = await queue({ name: 'next' })
    const { received } = await attach(() => ({ status: 'succeeded' }))
    await reaches(next, 'succeeded')
    expect(received.map(({ name }) => name)).toEqual(['next'])
    await waitFor('word of it', () => transitions.get(id)?.includes('expired'))
  })

  it('C-TIMEOUT-1 delivered and no reply in time', async () => {
    const id = await queue()
    // Short from the delivery on, but not until then: on a slow machine it would expire before it is delivered.
    await database.pool.query('UPDATE command SET ttl_ms = 500 WHERE id = $1', [id])
    await attach()
    await reaches(id, 'timed_out')
    expect((await record(id)).deliveredAt).not.toBeNull()
  })

  it('C-FOREIGN-1 a reply of another device, a late one, and nonsense change nothing', async () => {
    const { client } = await attach()
    const id = await queue()
    await reaches(id, 'delivered')
    const stranger = await connectAsync(broker.url, {
      ...(await registerDevice(database.pool, `${device}x`)),
      reconnectPeriod: 0,
    })
    open.push(stranger)
    await stranger.publishAsync(topics.reply(`${device}x`, id), '{"status":"succeeded"}', { qos: 1 })
    for (const payload of [
      '{}',
      'nonsense',
      '{"status":"done"}',
      '{"status":"failed","error":7}',
      '{"status":"succeeded","result":"\\u0000"}',
    ])
      await client.publishAsync(topics.reply(device, id), payload, { qos: 1 })
    expect((await record(id)).status).toBe('delivered')
    await client.publishAsync(topics.reply(device, id), '{"status":"succeeded"}', { qos: 1 })
    await client.publishAsync(topics.reply(device, id), '{"status":"failed"}', { qos: 1 })
    expect((await record(id)).status).toBe('succeeded')
    const { rows } = await database.pool.query(
      'SELECT count(*) AS n FROM rejected_message WHERE device_id = $1',
      [device],
    )
    expect(rows[0].n).toBe(5)
  })

  it('C-DEEP-1 a reply deeper than 32 levels is rejected as a message and acknowledged, however deep', async () => {
    const { client } = await attach()
    const id = await queue()
    await reaches(id, 'delivered')
    const nested = (levels: number) => `${'['.repeat(levels)}${']'.repeat(levels)}`
    const answer = (levels: number) =>
      client.publishAsync(topics.reply(device, id), `{"status":"progress","result":${nested(levels)}}`, {
        qos: 1,
      })
    await answer(32)
    // The deepest are beyond what our own stack, and PostgreSQL's, can take.
    for (const levels of [33, 3_000, 6_000, 30_000]) await answer(levels)
    expect(JSON.stringify((await record(id)).progress)).toBe(nested(32))
    const { rows } = await database.pool.query('SELECT reason FROM rejected_message WHERE device_id = $1', [
      device,
    ])
    expect(rows.map(({ reason }) => reason)).toEqual(
      Array(4).fill(expect.stringContaining('at most 32 levels')),
    )
  })

  it('C-PUBACK-1 a reply alone does not make a command delivered: that is the PUBACK', async () => {
    const deaf = await connectAsync(broker.url, credentials)
    open.push(deaf)
    deaf.handleMessage = () => {}
    await deaf.subscribeAsync(filters.commands(device), { qos: 1 })
    const id = await queue()
    await reaches(id, 'sent')
    await deaf.publishAsync(topics.reply(device, id), '{"status":"succeeded"}', { qos: 0 })
    await reaches(id, 'succeeded')
    expect(await record(id)).toMatchObject({ status: 'succeeded', deliveredAt: null })
    // And it does not stand in the way of the next one.
    await reaches(await queue({ name: 'next' }), 'sent')
  })

  it('C-RESEND-1 sent but never acknowledged: sent again on the next connection, same id', async () => {
    // No PUBACK leaves this client: its message handler never finishes.
    const deaf = await connectAsync(broker.url, credentials)
    open.push(deaf)
    deaf.handleMessage = () => {}
    await deaf.subscribeAsync(filters.commands(device), { qos: 1 })
    const id = await queue()
    await reaches(id, 'sent')
    deaf.stream.destroy()
    const { received } = await attach(() => ({ status: 'succeeded' }))
    await reaches(id, 'succeeded')
    expect(received.map((command) => command.id)).toEqual([id])
  })

  it('C-RESEND-2 marked as sent but never written: found and sent on the live connection', async () => {
    const { received } = await attach(() => ({ status: 'succeeded' }))
    const id = randomUUID()
    const lost = { id, deviceId: device, name: 'lost', params: {}, ttlMs: 30_000, createdBy: 'test' }
    await insertCommand(database.pool, lost)
    await database.pool.query(`UPDATE command SET status = 'sent', sent_at = now() WHERE id = $1`, [id])
    await reaches(id, 'succeeded')
    expect(received.map((command) => command.id)).toEqual([id])
  })

  it('C-QOS-1 a QoS 0 subscription cannot acknowledge, so nothing is sent to it', async () => {
    const { client, received } = await attach(() => ({ status: 'succeeded' }), { qos: 0 })
    const id = await queue()
    await client.publishAsync(topics.telemetry(device), '{"a":1}', { qos: 1 })
    expect((await record(id)).status).toBe('queued')
    await client.subscribeAsync(filters.commands(device), { qos: 1 })
    await reaches(id, 'succeeded')
    expect(received.length).toBe(1)
  })

  it('C-PERSIST-1 a persistent session gets each command once, not again from a queue', async () => {
    const options = { clientId: 'persistent', clean: false }
    const first = await attach(() => ({ status: 'succeeded' }), options)
    const id = await queue()
    await reaches(id, 'succeeded')
    await first.client.endAsync()
    const second = await attach(() => ({ status: 'succeeded' }), options)
    const next = await queue({ name: 'next' })
    await reaches(next, 'succeeded')
    expect(second.received.map((command) => command.id)).toEqual([next])
  })

  it('C-NUDGE-1 a lost nudge costs time, never the command', async () => {
    const { received } = await attach(() => ({ status: 'succeeded' }))
    const id = randomUUID()
    await insertCommand(database.pool, {
      id,
      deviceId: device,
      name: 'x',
      params: {},
      ttlMs: 30_000,
      createdBy: 'test',
    })
    await reaches(id, 'succeeded')
    expect(received.length).toBe(1)
  })

  it('C-KILL-1 a broker killed with -9 loses no command', async () => {
    const id = await queue()
    await broker.program.kill()
    await broker.restart()
    await attach(() => ({ status: 'succeeded' }))
    await reaches(id, 'succeeded')
  })
})
