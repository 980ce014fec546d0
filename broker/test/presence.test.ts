import { once } from 'node:events'
import { connect as connectTcp } from 'node:net'
import {
  registerDevice,
  registerIntegration,
  startTestBroker,
  type TestBroker,
} from '@telltale/infra/testing/broker'
import { createTestDatabase, type TestDatabase } from '@telltale/infra/testing/database'
import { waitFor } from '@telltale/infra/testing/wait'
import { connectAsync, type IClientOptions, type MqttClient } from 'mqtt'
import { generate } from 'mqtt-packet'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { filters, type PresencePayload, topics } from '../src/contract/index.ts'
import { collect } from './clients.ts'
import { nextEvent } from './events.ts'

let database: TestDatabase
let broker: TestBroker
let platform: MqttClient
let heard: PresencePayload[] = []
let device = ''
let credentials: { username: string; password: string }
let onlooker: { username: string; password: string }
let count = 0

beforeAll(async () => {
  database = await createTestDatabase()
  broker = await startTestBroker(database.url)
  onlooker = await registerIntegration(database.pool, 'onlooker')
  await watch()
})
beforeEach(async () => {
  device = `d${++count}`
  credentials = await registerDevice(database.pool, device)
  heard = []
})
afterAll(async () => {
  await platform?.endAsync(true)
  expect(await broker?.program.stop()).toBe(0)
  await database?.drop()
})

/** Listens as the API does. */
async function watch(): Promise<void> {
  platform = await connectAsync(broker.url, {
    username: '$telltale',
    password: broker.platformSecret,
    reconnectPeriod: 0,
  })
  platform.on('message', (_topic, payload) => heard.push(JSON.parse(payload.toString())))
  await platform.subscribeAsync(filters.platform('presence'))
}

const attach = (options: IClientOptions = {}) =>
  connectAsync(broker.url, { ...credentials, reconnectPeriod: 0, ...options })

const will = () => ({
  topic: topics.status(device),
  payload: Buffer.from('offline'),
  qos: 1 as const,
  retain: true,
})

/** The device's sessions as stored, oldest first: reason, or null while open. */
async function sessions(): Promise<(string | null)[]> {
  const { rows } = await database.pool.query('SELECT reason FROM session WHERE device_id = $1 ORDER BY id', [
    device,
  ])
  return rows.map((row) => row.reason)
}
const changes = () =>
  heard.filter(({ deviceId }) => deviceId === device).map(({ status, reason }) => [status, reason])

/** What somebody who subscribes now is told. */
async function retainedStatus(): Promise<string | undefined> {
  const client = await connectAsync(broker.url, { ...onlooker, reconnectPeriod: 0 })
  const told = collect(client)
  await client.publishAsync('zz/last', 'x', { qos: 1, retain: true })
  // Retained messages come in the order of the filters.
  await client.subscribeAsync([topics.status(device), 'zz/last'])
  await waitFor('the last', () => told.some(({ topic }) => topic === 'zz/last'))
  await client.endAsync()
  return told.findLast(({ topic }) => topic === topics.status(device))?.payload
}

describe('presence', () => {
  it('P-SESSION-1 online with the connection, offline with its end and reason; rows before words', async () => {
    const client = await attach()
    await waitFor('online', () => changes().length === 1)
    expect(await sessions()).toEqual([null])
    expect(await retainedStatus()).toBe('online')
    await client.endAsync()
    await waitFor('offline', () => changes().length === 2)
    expect(changes()).toEqual([
      ['online', 'connected'],
      ['offline', 'disconnected'],
    ])
    expect(await sessions()).toEqual(['disconnected'])
    expect(await retainedStatus()).toBe('offline')
  })

  it('P-LOST-1 a connection cut without a word ends as lost and its will is published', async () => {
    const client = await attach({ will: will() })
    await client.publishAsync(topics.status(device), 'online', { qos: 1, retain: true })
    client.stream.destroy()
    await waitFor('offline', async () => (await sessions())[0] === 'connection_lost')
    expect(await retainedStatus()).toBe('offline')
  })

  it('P-KEEPALIVE-1 a client that falls silent is gone after 1.5 keep-alives', async () => {
    const socket = connectTcp(broker.port, '127.0.0.1')
    const { username, password } = credentials
    socket.write(
      generate({
        cmd: 'connect',
        clientId: 'c',
        clean: true,
        keepalive: 1,
        protocolId: 'MQTT',
        protocolVersion: 4,
        username,
        password: Buffer.from(password),
      }),
    )
    socket.on('error', () => {})
    socket.resume()
    await once(socket, 'close')
    await waitFor('the reason', async () => (await sessions())[0] === 'keep_alive_lost')
  })

  it.each(['same', 'different'])(
    'P-TAKEOVER-1 the newer connection wins, %s client id: no false offline, no stale will',
    async (which) => {
      const first = await attach({ clientId: 'one', will: will() })
      await first.publishAsync(topics.status(device), 'online', { qos: 1, retain: true })
      const gone = nextEvent(first, 'close')
      const second = await attach({ clientId: which === 'same' ? 'one' : 'two', will: will() })
      await second.publishAsync(topics.status(device), 'online', { qos: 1, retain: true })
      await gone
      await waitFor('two sessions', async () => (await sessions()).length === 2)
      // Something that passes the whole pipeline after it all: nothing older can still be under way.
      await second.publishAsync(topics.telemetry(device), '{"a":1}', { qos: 1 })
      expect(await sessions()).toEqual(['taken_over', null])
      expect(changes().filter(([status]) => status === 'offline')).toEqual([])
      expect(await retainedStatus()).toBe('online')
      await second.endAsync()
    },
  )

  it('P-TAKEOVER-2 thirty takeovers in a row leave one open session, the last', async () => {
    const clients: MqttClient[] = []
    for (let i = 0; i < 30; i++) clients.push(await attach({ clientId: `c${i % 3}`, will: will() }))
    await waitFor('all rows', async () => (await sessions()).length === 30)
    await waitFor('29 ends', async () => (await sessions()).filter((reason) => reason !== null).length === 29)
    expect((await sessions()).at(-1)).toBeNull()
    expect(clients.at(-1)?.connected).toBe(true)
    await clients.at(-1)?.endAsync()
  })

  it('P-SAID-1 what the device says of itself counts while it is connected', async () => {
    const client = await attach()
    await client.publishAsync(topics.status(device), '{"status":"offline","why":"sleeping"}', {
      qos: 1,
      retain: true,
    })
    await client.publishAsync(topics.status(device), 'online', { qos: 1, retain: true })
    await client.publishAsync(topics.status(device), 'dancing', { qos: 1 })
    await waitFor('three changes', () => changes().length === 3)
    expect(changes().map(([, reason]) => reason)).toEqual(['connected', 'said_offline', 'said_online'])
    expect(client.connected).toBe(true)
    await client.endAsync()
  })

  it('P-WILL-1 a device that has a will and never says online is not left with offline', async () => {
    const client = await attach({ will: will() })
    client.stream.destroy()
    await waitFor('the end', async () => (await sessions())[0] === 'connection_lost')
    expect(await retainedStatus()).toBe('offline')
    const again = await attach({ will: will() })
    expect(await retainedStatus()).toBe('online')
    await again.endAsync()
  })

  it('P-FLOOD-1 a device that says more than can be written delays nobody', async () => {
    const flooding = await attach()
    for (let i = 0; i < 5_000; i++) flooding.publish(topics.status(device), i % 2 ? 'online' : 'offline')
    const quiet = `${device}-quiet`
    const other = await connectAsync(broker.url, {
      ...(await registerDevice(database.pool, quiet)),
      reconnectPeriod: 0,
    })
    await waitFor('the other one online', () => heard.some(({ deviceId }) => deviceId === quiet))
    await flooding.publishAsync(topics.status(device), 'online', { qos: 1 })
    const { rows } = await database.pool.query('SELECT reported FROM session WHERE device_id = $1', [device])
    expect(rows).toEqual([{ reported: 'online' }])
    await Promise.all([flooding.endAsync(), other.endAsync()])
  })

  it('P-SEEN-1 when a device was last heard is kept, also after one message and goodbye', async () => {
    const before = Date.now()
    const client = await attach()
    await client.publishAsync(topics.telemetry(device), '{"a":1}', { qos: 1 })
    await client.endAsync()
    const seen = await waitFor('activity', async () => {
      const { rows } = await database.pool.query('SELECT seen_at FROM device_activity WHERE device_id = $1', [
        device,
      ])
      return rows[0]?.seen_at as Date | undefined
    })
    expect(seen.getTime()).toBeGreaterThanOrEqual(before)
  })

  it('P-KILL-1 a broker killed with -9 and started again: lost devices are offline, returned ones online', async () => {
    const returning = device
    await attach({ will: will() })
    const lost = `${device}-lost`
    const lostCredentials = await registerDevice(database.pool, lost)
    await attach({ ...lostCredentials, will: { ...will(), topic: topics.status(lost) } })
    const open = 'SELECT count(*) AS n FROM session WHERE disconnected_at IS NULL AND device_id LIKE $1'
    await waitFor(
      'two open sessions',
      async () => (await database.pool.query(open, [`${returning}%`])).rows[0].n === 2,
    )
    await broker.program.kill()
    await broker.restart()
    await watch()
    heard = []
    const back = await attach({ will: will() })
    await waitFor('online again', () => changes().length > 0)
    expect(changes()).toEqual([['online', 'connected']])
    expect(await sessions()).toEqual(['broker_lost', null])
    const { rows } = await database.pool.query(
      'SELECT reason, disconnected_at >= connected_at AS sane FROM session WHERE device_id = $1',
      [lost],
    )
    expect(rows).toEqual([{ reason: 'broker_lost', sane: true }])
    device = lost
    expect(await retainedStatus()).toBe('offline')
    await back.endAsync()
  })

  it('P-STOP-1 a broker that is stopped closes its sessions with that reason and fires no will', async () => {
    const client = await attach({ will: will() })
    await client.publishAsync(topics.status(device), 'online', { qos: 1, retain: true })
    const listener = await connectAsync(broker.url, {
      username: '$telltale',
      password: broker.platformSecret,
      reconnectPeriod: 0,
    })
    const words: string[] = []
    listener.on('message', (_topic, payload) => words.push(payload.toString()))
    await listener.subscribeAsync(topics.status(device))
    await waitFor('the retained status', () => words.length === 1)
    expect(await broker.program.stop()).toBe(0)
    expect(await sessions()).toEqual(['broker_stopped'])
    expect(words).toEqual(['online'])
    await broker.restart()
  })
})
