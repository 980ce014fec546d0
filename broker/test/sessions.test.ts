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
import { connect, connectAsync, type IClientOptions, type MqttClient } from 'mqtt'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { topics } from '../src/contract/index.ts'

const places = [
  { place: 'embedded', isMissing: false },
  { place: 'in Redis', isMissing: toolMissing('redis-server') },
]

// Both at once, for most of it is waiting; the tests of one place share a broker that they kill.
describe.concurrent.each(places)('sessions $place', ({ place, isMissing }) => {
  const oneByOne = { concurrent: false, skip: isMissing }
  let database: TestDatabase
  let redis: TestRedis | undefined
  let broker: TestBroker
  let script: { username: string; password: string }
  let open: MqttClient[] = []

  beforeAll(async () => {
    if (isMissing) return
    database = await createTestDatabase()
    redis = place === 'embedded' ? undefined : await startTestRedis()
    broker = await startTestBroker(database.url, {
      ...(redis && { TELLTALE_REDIS_URL: redis.url }),
      // Loss by a full queue is no matter of these tests.
      TELLTALE_SESSION_QUEUE_MESSAGES: '1000000',
      TELLTALE_SESSION_QUEUE_BYTES: String(2 ** 30),
    })
    script = await registerIntegration(database.pool, 'script')
  })
  afterEach(async () => {
    await Promise.all(open.map((client) => client.endAsync(true)))
    open = []
  })
  afterAll(async () => {
    await broker?.program.stop()
    await redis?.stop()
    await database?.drop()
  })

  async function attach(options: IClientOptions): Promise<MqttClient> {
    const client = await connectAsync(broker.url, { reconnectPeriod: 0, ...options })
    client.on('error', () => {})
    open.push(client)
    return client
  }

  /** Connected to a stored session: what it is sent at once is not missed. */
  function resume(clientId: string): { client: MqttClient; messages: string[] } {
    const client = connect(broker.url, { ...script, clientId, clean: false, reconnectPeriod: 0 })
    client.on('error', () => {})
    open.push(client)
    const messages: string[] = []
    client.on('message', (_topic, payload) => messages.push(payload.toString()))
    return { client, messages }
  }

  it('M-DURABLE-1 what was acknowledged for an absent subscriber survives kill -9', oneByOne, async () => {
    const absent = await attach({ ...script, clientId: 'absent', clean: false })
    await absent.subscribeAsync('queue/#', { qos: 2 })
    await absent.endAsync()
    const publisher = await attach(script)
    for (let n = 0; n < 200; n++) await publisher.publishAsync('queue/x', String(n), { qos: n % 2 ? 1 : 2 })
    await publisher.publishAsync('kept', 'retained', { qos: 1, retain: true })
    await broker.program.kill()
    await broker.restart()
    const { messages } = resume('absent')
    await waitFor('all of it', () => messages.length >= 200)
    // In order for each QoS: of QoS 2 the client shows a message at PUBREL, a round trip later.
    for (const parity of [0, 1])
      expect(messages.filter((text) => Number(text) % 2 === parity)).toEqual(
        Array.from({ length: 100 }, (_, n) => String(2 * n + parity)),
      )
    const listener = await attach(script)
    const retained = new Promise((resolve) =>
      listener.once('message', (_topic, payload) => resolve(String(payload))),
    )
    await listener.subscribeAsync('kept')
    expect(await retained).toBe('retained')
  })

  it('M-DURABLE-2 kill -9 while messages flow: acknowledged and not delivered = 0', oneByOne, async () => {
    const { client: first } = resume('flow')
    await new Promise((resolve) => first.once('connect', resolve))
    await first.subscribeAsync('flow/#', { qos: 1 })
    const heard = new Set<string>()
    first.on('message', (_topic, payload) => heard.add(String(payload)))
    const acknowledged: string[] = []
    let isOver = false
    const publisher = await attach(script)
    publisher.on('close', () => {
      isOver = true
    })
    const flow = async () => {
      let answered = 0
      for (let n = 0; !isOver; n++) {
        const message = String(n)
        publisher.publish('flow/x', message, { qos: 1 }, (error) => {
          answered++
          if (!error) acknowledged.push(message)
        })
        // Packet ids would run out.
        while (n - answered > 500 && !isOver) await new Promise((resolve) => setImmediate(resolve))
      }
    }
    const flowing = flow()
    await waitFor('messages to flow', () => acknowledged.length > 500)
    await broker.program.kill()
    await flowing
    await broker.restart()
    const { client, messages } = resume('flow')
    const marker = await attach(script)
    await waitFor('the session', () => client.connected)
    await marker.publishAsync('flow/x', 'end', { qos: 1 })
    await waitFor('the end', () => messages.includes('end'))
    for (const message of messages) heard.add(message)
    expect(acknowledged.filter((message) => !heard.has(message))).toEqual([])
  })

  it('M-DURABLE-3 the will a killed broker left is sent by the next, unless the client is back', {
    ...oneByOne,
    timeout: 40_000,
  }, async () => {
    const device = await registerDevice(database.pool, `willing-${place.length}`)
    const id = device.username
    const will = (topic: string) => ({
      topic,
      payload: Buffer.from('gone'),
      qos: 1 as const,
      retain: false,
    })
    const { client: watcher, messages } = resume('watcher')
    await new Promise((resolve) => watcher.once('connect', resolve))
    await watcher.subscribeAsync(['will/#', `devices/${id}/note`], { qos: 1 })
    await attach({ ...script, clientId: 'lost', will: will('will/lost') })
    await attach({ ...script, clientId: 'back', will: will('will/back') })
    await attach({ ...device, will: will(`devices/${id}/note`) })
    await broker.program.kill()
    await broker.restart()
    await attach({ ...script, clientId: 'back', will: will('will/back') })
    await attach(device)
    const again = resume('watcher')
    await waitFor('the will', () => again.messages.length > 0, 20_000)
    const marker = await attach(script)
    await marker.publishAsync('will/end', 'end', { qos: 1 })
    await waitFor('the end', () => again.messages.includes('end'))
    expect([...messages, ...again.messages]).toEqual(['gone', 'end'])
    // Its will is still kept, for the next time.
    await broker.program.kill()
    await broker.restart()
    const third = resume('watcher')
    await waitFor('the other will', () => third.messages.includes('gone'), 20_000)
    // What marked the end may come again: its acknowledgement may have died with the broker.
    expect(third.messages.filter((text) => text !== 'end')).toEqual(['gone'])
  })

  it('M-DURABLE-4 a QoS 2 message sent again after kill -9 is not received twice', oneByOne, async () => {
    const device = await registerDevice(database.pool, `twice-${place.length}`)
    const publisher = await attach({ ...device, clientId: 'twice', clean: false })
    await publisher.publishAsync(topics.telemetry(device.username), '{"a":1}', { qos: 2 })
    await broker.program.kill()
    await broker.restart()
    const { rows } = await database.pool.query(
      'SELECT count(*)::int AS n FROM reading r JOIN series s ON s.id = r.series_id WHERE s.device_id = $1',
      [device.username],
    )
    expect(rows[0].n).toBe(1)
  })
})
