import {
  registerDevice,
  registerIntegration,
  startTestBroker,
  type TestBroker,
} from '@telltale/infra/testing/broker'
import { createTestDatabase, type TestDatabase } from '@telltale/infra/testing/database'
import { startTestRedis, type TestRedis } from '@telltale/infra/testing/redis'
import { toolMissing } from '@telltale/infra/testing/tools'
import { waitFor } from '@telltale/infra/testing/wait'
import { Redis } from 'ioredis'
import { connectAsync, type IClientOptions, type MqttClient } from 'mqtt'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { filters, topics } from '../src/contract/index.ts'
import { nextEvent } from './events.ts'

const SECRET = 'shared by all brokers and the API'
const NAMES = ['a', 'b', 'c'] as const

let database: TestDatabase
let redis: TestRedis
let brokers: Record<(typeof NAMES)[number], TestBroker>
let script: { username: string; password: string }
let open: MqttClient[] = []

describe.skipIf(toolMissing('redis-server'))('several brokers', () => {
  beforeAll(async () => {
    database = await createTestDatabase()
    redis = await startTestRedis()
    const started = await Promise.all(NAMES.map((name) => startNamed(name)))
    brokers = Object.fromEntries(NAMES.map((name, i) => [name, started[i]])) as typeof brokers
    script = await registerIntegration(database.pool, 'script')
  })
  afterEach(async () => {
    await Promise.all(open.map((client) => client.endAsync(true)))
    open = []
  })
  afterAll(async () => {
    for (const broker of Object.values(brokers ?? {})) await broker.program.stop()
    await redis?.stop()
    await database?.drop()
  })

  it('M-CLUSTER-1 what is published at one broker reaches subscribers at all, once and in order', async () => {
    const heard = await Promise.all(
      NAMES.map(async (name, i) => {
        const client = await attach(name, { ...script, clientId: `listener-${name}` })
        const messages = collect(client)
        // Overlapping filters are one subscriber all the same.
        await client.subscribeAsync({ 'one/#': { qos: i as 0 | 1 | 2 }, 'one/+': { qos: i as 0 | 1 | 2 } })
        return messages
      }),
    )
    const publisher = await attach('a', { ...script, clientId: 'publisher' })
    for (let n = 0; n < 50; n++) await publisher.publishAsync('one/topic', String(n), { qos: 2 })
    const expected = Array.from({ length: 50 }, (_, n) => String(n))
    await waitFor('all messages', () => heard.every((messages) => messages.length >= 50))
    await publisher.publishAsync('one/topic', 'end', { qos: 2 })
    await waitFor('the end', () => heard.every((messages) => messages.includes('end')))
    for (const messages of heard) expect(messages).toEqual([...expected, 'end'])
  })

  it('M-CLUSTER-2 a stored session is queued for by every broker and served by any', async () => {
    const options = { ...script, clientId: 'absent', clean: false }
    const first = await attach('a', options)
    await first.subscribeAsync('later/#', { qos: 1 })
    await first.endAsync()
    for (const name of NAMES) {
      const publisher = await attach(name, script)
      await publisher.publishAsync('later/x', `from ${name}`, { qos: 1 })
    }
    const back = await attach('c', options, false)
    const messages = collect(back)
    await nextEvent(back, 'connect')
    await waitFor('what was queued', () => messages.length >= 3)
    expect(messages).toEqual(['from a', 'from b', 'from c'])
    // Connected, it goes on hearing what others publish, through its queue.
    const publisher = await attach('a', script)
    await publisher.publishAsync('later/x', 'live', { qos: 1 })
    await waitFor('the live one', () => messages.includes('live'))
    expect(messages).toHaveLength(4)
  })

  it('M-CLUSTER-3 a client id, and a device whatever its client id, is taken over across brokers', async () => {
    const former = await attach('a', { ...script, clientId: 'same' })
    const isClosed = nextEvent(former, 'close')
    await attach('b', { ...script, clientId: 'same' })
    await isClosed

    const device = await registerDevice(database.pool, 'wanderer')
    const will = {
      topic: topics.status('wanderer'),
      payload: Buffer.from('offline'),
      qos: 1 as const,
      retain: true,
    }
    const onA = await attach('a', { ...device, clientId: 'x', will })
    const gone = nextEvent(onA, 'close')
    // Of two connections within a moment the one whose row is written last counts: the first has its row by now.
    await waitFor('its session', async () => (await openSessions('wanderer')).join() === 'a')
    await attach('b', { ...device, clientId: 'y', will })
    await gone
    await waitFor('one open session', async () => (await openSessions('wanderer')).length === 1)
    expect(await openSessions('wanderer')).toEqual(['b'])
    expect(await retained('c', topics.status('wanderer'))).toBe('online')

    // With the same client id as well: the word of the client must not come before that of the device.
    for (const name of ['c', 'a', 'b', 'c', 'a', 'b'] as const) {
      await attach(name, { ...device, clientId: 'y', will })
      await waitFor('one open session', async () => (await openSessions('wanderer')).join() === name)
      await waitFor('the status', async () => (await retained(name, topics.status('wanderer'))) === 'online')
    }
    const { rows } = await database.pool.query(
      `SELECT DISTINCT reason FROM session WHERE device_id = 'wanderer' AND disconnected_at IS NOT NULL`,
    )
    expect(rows).toEqual([{ reason: 'taken_over' }])
  })

  it('M-CLUSTER-4 a command is sent by whichever broker holds the device', async () => {
    const credentials = await registerDevice(database.pool, 'far')
    const device = await attach('b', credentials)
    const messages = collect(device)
    await device.subscribeAsync(filters.commands('far'), { qos: 1 })
    const id = '0b9e7a52-6f1c-4d0e-9a3b-2f1d5c7e8a90'
    await database.pool.query(
      `INSERT INTO command (id, device_id, name, params, status, ttl_ms, created_by, expires_at)
       VALUES ($1, 'far', 'beep', '{}', 'queued', 30000, 'test', now() + interval '30 s')`,
      [id],
    )
    const api = await attach('a', { username: '$telltale', password: SECRET })
    await api.publishAsync(topics.platform('nudge', 'far'), '', { qos: 1 })
    await waitFor('the command', () => messages.length === 1)
    await waitFor('its delivery', async () => {
      const { rows } = await database.pool.query('SELECT status FROM command WHERE id = $1', [id])
      return rows[0].status === 'delivered'
    })
  })

  it('M-CLUSTER-5 a revoked or disabled device is disconnected wherever it is, and leaves nothing behind', async () => {
    const credentials = await registerDevice(database.pool, 'culprit')
    const options = { ...credentials, clientId: 'kept', clean: false }
    const device = await attach('c', options)
    await device.subscribeAsync(topics.telemetry('culprit'), { qos: 1 })
    await device.publishAsync('devices/culprit/note', 'kept', { qos: 1, retain: true })
    await device.publishAsync(topics.telemetry('culprit'), '{"a":1}', { qos: 1 })
    await database.pool.query(`UPDATE device SET disabled_at = now() WHERE id = 'culprit'`)
    const startedMs = performance.now()
    const isClosed = nextEvent(device, 'close')
    const api = await attach('a', { username: '$telltale', password: SECRET })
    await api.publishAsync(topics.platform('revoked', 'culprit'), '', { qos: 1 })
    await isClosed
    expect(performance.now() - startedMs).toBeLessThan(2_000)
    await waitFor('nothing of it in Redis', async () => (await keysAbout('culprit')).length === 0)
  })

  it('M-CLUSTER-6 nothing crosses Redis that nobody elsewhere wants', async () => {
    const credentials = await registerDevice(database.pool, 'quiet')
    const device = await attach('a', credentials)
    await device.publishAsync(topics.telemetry('quiet'), '{"before":1}', { qos: 1 })
    const packets = await countPackets()
    for (let n = 0; n < 100; n++)
      await device.publishAsync(topics.telemetry('quiet'), `{"n":${n}}`, { qos: 1 })
    expect(await packets.stop()).toBe(0)

    const listener = await attach('b', script)
    const messages = collect(listener)
    await listener.subscribeAsync(topics.telemetry('quiet'))
    const wanted = await countPackets()
    await device.publishAsync(topics.telemetry('quiet'), '{"wanted":1}', { qos: 1 })
    await waitFor('the reading', () => messages.length === 1)
    expect(await wanted.stop()).toBe(1)
  })

  it('M-CLUSTER-7 without Redis readings are stored all the same, and brokers find each other again', async () => {
    const credentials = await registerDevice(database.pool, 'steady')
    const device = await attach('a', credentials)
    const listener = await attach('b', script)
    const messages = collect(listener)
    await listener.subscribeAsync('devices/steady/#')
    await redis.stop()
    await device.publishAsync(topics.telemetry('steady'), '{"ts":1764000000,"values":{"a":1}}', { qos: 1 })
    await device.publishAsync(topics.telemetry('steady'), '{"away":1}', { qos: 1 })
    const newcomer = await attach('a', await registerDevice(database.pool, 'newcomer'))
    await newcomer.publishAsync(topics.telemetry('newcomer'), '{"a":1}', { qos: 1 })
    const refused = attach('a', { ...script, clientId: 'kept', clean: false })
    await expect(refused).rejects.toThrow(/Server unavailable/)
    await redis.start()
    await waitFor(
      'messages to cross again',
      async () => {
        await device.publishAsync(topics.telemetry('steady'), '{"again":1}', { qos: 1 })
        return messages.some((text) => text.includes('again'))
      },
      20_000,
    )
  }, 40_000)

  it('M-CLUSTER-9 a name whose former broker vanished with its machine can be used at once', async () => {
    // What Redis still knows of it: a connection that listens and never says anything.
    const vanished = new Redis(redis.url)
    await vanished.subscribe('telltale/broker/d')
    const broker = await startNamed('d')
    expect(await broker.program.stop()).toBe(0)
    vanished.disconnect()
  })

  it('M-CLUSTER-8 two brokers of one name: the second says so', async () => {
    await expect(startNamed('a')).rejects.toThrow(
      /another broker called a is running; set TELLTALE_BROKER_ID/,
    )
  })
})

function startNamed(name: string): Promise<TestBroker> {
  return startTestBroker(database.url, {
    TELLTALE_REDIS_URL: redis.url,
    TELLTALE_BROKER_ID: name,
    TELLTALE_PLATFORM_SECRET: SECRET,
  })
}

async function attach(
  name: (typeof NAMES)[number],
  options: IClientOptions,
  isAwaited = true,
): Promise<MqttClient> {
  const client = await (isAwaited
    ? connectAsync(brokers[name].url, { reconnectPeriod: 0, ...options })
    : import('mqtt').then(({ connect }) => connect(brokers[name].url, { reconnectPeriod: 0, ...options })))
  client.on('error', () => {})
  open.push(client)
  return client
}

function collect(client: MqttClient): string[] {
  const messages: string[] = []
  client.on('message', (_topic, payload) => messages.push(payload.toString()))
  return messages
}

async function openSessions(deviceId: string): Promise<string[]> {
  const { rows } = await database.pool.query(
    'SELECT broker_id FROM session WHERE device_id = $1 AND disconnected_at IS NULL',
    [deviceId],
  )
  return rows.map((row) => row.broker_id)
}

async function retained(name: (typeof NAMES)[number], topic: string): Promise<string | undefined> {
  const client = await attach(name, script)
  const messages = collect(client)
  await client.subscribeAsync(topic)
  return waitFor('the retained message', () => messages[0])
}

async function keysAbout(text: string): Promise<string[]> {
  const client = new Redis(redis.url)
  const keys = await client.keys('*')
  await client.quit()
  return keys.filter((key) => key.includes(text))
}

/** Packets that brokers send each other, read along in Redis; their signs of life do not count. */
async function countPackets(): Promise<{ stop: () => Promise<number> }> {
  const client = new Redis(redis.url)
  let count = 0
  client.on('pmessageBuffer', (_pattern: string, _channel: Buffer, message: Buffer) => {
    if (message.includes('packets')) count++
  })
  await client.psubscribe('telltale/broker/*')
  return {
    stop: async () => {
      await client.ping()
      await client.quit()
      return count
    },
  }
}
