import { setTimeout as sleep } from 'node:timers/promises'
import { limits } from '@telltale/infra/limits'
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
import type { IClientOptions } from 'mqtt'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { topics } from '../src/contract/index.ts'
import { collect, type Heard, storedValues, TestClients } from './clients.ts'
import { nextEvent } from './events.ts'
import { type BrokerUrl, openRawClient, publishPacket, pubrel, type RawClient } from './mqtt/raw-client.ts'

const places = [
  { place: 'embedded', isMissing: false },
  { place: 'in Redis', isMissing: toolMissing('redis-server') },
]
const QUEUE_MESSAGES = 50

interface Credentials {
  username: string
  password: string
}

describe.each(places)('promises with sessions $place', ({ place, isMissing }) => {
  let database: TestDatabase
  let redis: TestRedis | undefined
  let broker: TestBroker
  let both: Credentials
  const clients = new TestClients(() => broker.url)

  beforeAll(async () => {
    if (isMissing) return
    database = await createTestDatabase()
    redis = place === 'embedded' ? undefined : await startTestRedis()
    broker = await startTestBroker(database.url, {
      ...(redis && { TELLTALE_REDIS_URL: redis.url }),
      TELLTALE_SESSION_QUEUE_MESSAGES: String(QUEUE_MESSAGES),
    })
    both = await registerIntegration(database.pool, 'both')
  })
  afterEach(() => clients.end())
  afterAll(async () => {
    await broker?.program.stop()
    await redis?.stop()
    await database?.drop()
  })

  async function connectRaw(
    { username, password }: Credentials,
    { clientId = 'raw', clean = true } = {},
  ): Promise<{ raw: RawClient; isPresent: boolean }> {
    const raw = await openRawClient(broker.url as BrokerUrl)
    raw.send({
      cmd: 'connect',
      ...{ protocolId: 'MQTT', protocolVersion: 4, clientId, clean, keepalive: 60 },
      username,
      password: Buffer.from(password),
    })
    const { returnCode, sessionPresent } = await raw.next('connack')
    expect(returnCode).toBe(0)
    return { raw, isPresent: sessionPresent }
  }

  async function listen(filter: string, options: IClientOptions = {}, qos: 1 | 2 = 1): Promise<Heard[]> {
    const client = await clients.attach({ ...both, ...options })
    const heard = collect(client)
    await client.subscribeAsync(filter, { qos })
    return heard
  }

  /** Holds up whoever writes there. @returns how to let them go on */
  async function lock(table: 'reading' | 'series'): Promise<() => Promise<void>> {
    const blocker = await database.pool.connect()
    await blocker.query(`BEGIN; LOCK TABLE ${table} IN SHARE MODE`)
    return async () => {
      await blocker.query('ROLLBACK')
      blocker.release()
    }
  }

  function heldUp(): Promise<boolean> {
    return waitFor('somebody to wait for the lock', async () => {
      const { rowCount } = await database.pool.query(
        `SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND wait_event = 'relation'`,
      )
      return rowCount === 1
    })
  }

  /** What was delivered before is heard by then. */
  async function passBehind(heard: Heard[], device: Credentials): Promise<Heard[]> {
    const publisher = await clients.attach({ ...device, clientId: 'marker' })
    await publisher.publishAsync(topics.telemetry(device.username), '{"end":1}', { qos: 2 })
    const isMarker = ({ payload }: Heard) => payload.includes('"end"')
    await waitFor('the marker', () => heard.some(isMarker))
    return heard.filter((message) => !isMarker(message))
  }

  const numberOf = ({ payload }: Heard): unknown => JSON.parse(payload).values.n

  it.skipIf(isMissing).each([0, 1, 2] as const)(
    'M-PROMISE-1 QoS %i then DISCONNECT in one breath is delivered to a live clean subscriber',
    async (qos) => {
      const device = await registerDevice(database.pool, `brief-${qos}`)
      const topic = topics.telemetry(device.username)
      const heard = await listen(topic)
      const { raw } = await connectRaw(device)
      raw.send(publishPacket(topic, '{"n":1}', { qos, messageId: 7 }), { cmd: 'disconnect' })
      await waitFor('the message', () => heard.length > 0)
      expect((await passBehind(heard, device)).map(numberOf)).toEqual([1])
    },
  )

  it.skipIf(isMissing)(
    'M-PROMISE-2 QoS 2 whose connection broke while it was stored, sent again: one reading, delivered once',
    async () => {
      const device = await registerDevice(database.pool, 'exact')
      const topic = topics.telemetry('exact')
      const heard = await listen(topic, {}, 2)
      const { raw: first } = await connectRaw(device, { clean: false })
      const release = await lock('reading')
      first.send(publishPacket(topic, '{"n":1}', { qos: 2, messageId: 9 }))
      await heldUp()
      first.drop()
      const { raw: second, isPresent } = await connectRaw(device, { clean: false })
      expect(isPresent).toBe(true)
      second.send(publishPacket(topic, '{"n":1}', { qos: 2, messageId: 9, dup: true }))
      await release()
      await second.take('pubrec')
      second.send(pubrel(9))
      await second.take('pubcomp')
      expect((await passBehind(heard, device)).map(numberOf)).toEqual([1])
      expect(await storedValues(database.pool, 'exact')).toMatchObject({ n: [1] })
    },
  )

  it.skipIf(isMissing)(
    'M-PROMISE-3 the same, when what was under way is stored before the client is back',
    async () => {
      const device = await registerDevice(database.pool, 'late')
      const topic = topics.telemetry('late')
      const heard = await listen(topic, {}, 2)
      const { raw: first } = await connectRaw(device, { clean: false })
      const release = await lock('reading')
      first.send(publishPacket(topic, '{"n":1}', { qos: 2, messageId: 9 }))
      await heldUp()
      first.drop()
      await release()
      await waitFor('the reading', async () => 'n' in (await storedValues(database.pool, 'late')))
      const { raw: second } = await connectRaw(device, { clean: false })
      await second.publish(topic, '{"n":1}', { qos: 2, messageId: 9, dup: true })
      expect((await passBehind(heard, device)).map(numberOf)).toEqual([1])
      expect(await storedValues(database.pool, 'late')).toMatchObject({ n: [1] })
    },
  )

  it.skipIf(isMissing).each([true, false])(
    'M-PROMISE-4 messages are delivered and retained in the order they were sent; to a clean session: %s',
    async (clean) => {
      const device = await registerDevice(database.pool, `ordered-${clean}`)
      const topic = topics.telemetry(device.username)
      const heard = await listen(topic, { clientId: 'ordered', clean })
      const { raw } = await connectRaw(device)
      await raw.publish(topic, '{"n":0}', { qos: 1 })
      // A new series waits for the lock, readings of one that is known do not.
      const release = await lock('series')
      raw.send(publishPacket(topic, '{"n":1,"fresh":1}', { qos: 1, retain: true, messageId: 11 }))
      await heldUp()
      raw.send(publishPacket(topic, '{"n":2}', { qos: 1, retain: true, messageId: 12 }))
      await waitFor('the later to be stored', async () =>
        (await storedValues(database.pool, device.username)).n?.includes(2),
      )
      await release()
      for (const messageId of [11, 12]) expect((await raw.next('puback')).messageId).toBe(messageId)
      await waitFor('all three', () => heard.length >= 3)
      expect(heard.map(numberOf)).toEqual([0, 1, 2])
      const late = await listen(topic)
      await waitFor('the retained message', () => late.length > 0)
      expect(late.map(numberOf)).toEqual([2])
    },
  )

  it.skipIf(isMissing).each([true, false])(
    'M-PROMISE-5 a new subscriber gets all retained messages, more than a queue holds; clean session: %s',
    async (clean) => {
      const root = `many/${clean}`
      const wanted = Array.from({ length: 4 * QUEUE_MESSAGES }, (_, n) => `${root}/${n}`)
      const publisher = await clients.attach(both)
      await Promise.all(
        wanted.map((topic) => publisher.publishAsync(topic, 'kept', { qos: 1, retain: true })),
      )
      const heard = await listen(`${root}/+`, { clientId: `eager-${clean}`, clean })
      await waitFor('all of them', () => heard.length >= wanted.length)
      expect(heard.map(({ topic }) => topic).sort()).toEqual(wanted.sort())
    },
  )

  it.skipIf(isMissing).each([topics.telemetry('nobody'), topics.status('nobody')])(
    'M-PROMISE-6 an integration that is closed for publishing to %s has its Last Will sent',
    async (topic) => {
      const heard = await listen('wills/#')
      const will = { topic: 'wills/one', payload: Buffer.from('gone'), qos: 1 as const, retain: false }
      const client = await clients.attach({ ...both, clientId: 'mortal', will })
      const closed = nextEvent(client, 'close')
      client.publish(topic, '{"a":1}', { qos: 1 }, () => {})
      await closed
      await waitFor('the will', () => heard.length > 0)
      expect(heard.map(({ payload }) => payload)).toEqual(['gone'])
    },
  )

  it.skipIf(isMissing)(
    'M-PROMISE-7 of a device with too many stored sessions the ones idle longest end',
    async () => {
      const device = await registerDevice(database.pool, 'many')
      const names = Array.from({ length: limits.sessions.storedPerDeviceMax + 2 }, (_, n) => `session-${n}`)
      const isPresentOf = async (clientId: string) => {
        const { raw, isPresent } = await connectRaw(device, { clientId, clean: false })
        await raw.disconnect()
        return isPresent
      }
      for (const name of names) {
        expect(await isPresentOf(name)).toBe(false)
        // Idle since another time than the one before.
        await sleep(2)
      }
      expect(await isPresentOf(names.at(-1) as string)).toBe(true)
      expect(await isPresentOf(names[0] as string)).toBe(false)
    },
  )

  it.skipIf(isMissing)(
    'M-PROMISE-8 a stored session that ends while QoS 2 is under way takes nothing with it',
    async () => {
      const device = await registerDevice(database.pool, 'ended')
      const topic = topics.telemetry('ended')
      const { raw: former } = await connectRaw(device, { clean: false })
      const release = await lock('reading')
      former.send(publishPacket(topic, '{"n":1}', { qos: 2, messageId: 9 }))
      await heldUp()
      const { raw: next, isPresent } = await connectRaw(device, { clean: true })
      expect(isPresent).toBe(false)
      await former.closed()
      await release()
      await next.publish(topic, '{"n":2}', { qos: 2, messageId: 9 })
      expect(await storedValues(database.pool, 'ended')).toMatchObject({ n: expect.arrayContaining([2]) })
      // Nobody was told that the first is stored: it may be so a moment after the second.
      await waitFor('the first', async () => (await storedValues(database.pool, 'ended')).n?.includes(1))
      const startedMs = performance.now()
      expect(await broker.program.stop()).toBe(0)
      expect(performance.now() - startedMs).toBeLessThan(limits.service.stopDeadlineMs)
      await broker.restart()
    },
  )
})
