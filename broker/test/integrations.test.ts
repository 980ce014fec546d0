import { updateDevice } from '@telltale/infra/storage/devices'
import { deleteIntegration } from '@telltale/infra/storage/integrations'
import {
  registerDevice,
  registerIntegration,
  startTestBroker,
  type TestBroker,
} from '@telltale/infra/testing/broker'
import { createTestDatabase, type TestDatabase } from '@telltale/infra/testing/database'
import { waitFor } from '@telltale/infra/testing/wait'
import type { IClientOptions, MqttClient } from 'mqtt'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { topics } from '../src/contract/index.ts'
import { collect, diagnosis, granted, storedValues, TestClients, tellRevoked } from './clients.ts'
import { nextEvent } from './events.ts'

let database: TestDatabase
let broker: TestBroker
let kitchen: IClientOptions
let both: IClientOptions
let reader: IClientOptions
let writer: IClientOptions
const clients = new TestClients(() => broker.url)

beforeAll(async () => {
  database = await createTestDatabase()
  broker = await startTestBroker(database.url)
  kitchen = await registerDevice(database.pool, 'kitchen')
  both = await registerIntegration(database.pool, 'both')
  reader = await registerIntegration(database.pool, 'reader', { read: true, write: false })
  writer = await registerIntegration(database.pool, 'writer', { read: false, write: true })
})
afterEach(() => clients.end())
afterAll(async () => {
  expect(await broker?.program.stop()).toBe(0)
  await database?.drop()
})

/** Something plain that passes behind all else: nothing published before can still be on its way. */
async function passBehind(heard: { topic: string }[], by?: MqttClient): Promise<void> {
  const publisher = by ?? (await clients.attach(both))
  const topic = `marker/${Math.random()}`
  await publisher.publishAsync(topic, 'here', { qos: 1 })
  await waitFor('the marker', () => heard.some((message) => message.topic === topic))
}

async function expectClosed(client: MqttClient, topic: string, payload = '1'): Promise<void> {
  const closed = nextEvent(client, 'close')
  client.publish(topic, payload, { qos: 1, retain: true }, () => {})
  await closed
}

describe('an integration that may read', () => {
  it.each(['devices/+/telemetry', 'devices/#', '#', '+/+/telemetry'])(
    'M-INTEGRATION-1 hears through %s what devices say, once it is stored, with its stamped ts',
    async (filter) => {
      const listener = await clients.attach(reader)
      const heard = collect(listener)
      expect(await granted(listener, [filter])).toEqual([1])
      const metric = `m${filter.length}`
      const device = await clients.attach(kitchen)
      await device.publishAsync(topics.telemetry('kitchen'), `{"${metric}":1}`, { qos: 1 })
      const isReading = ({ topic }: { topic: string }) => topic === topics.telemetry('kitchen')
      const { payload, qos } = await waitFor('the reading', () => heard.find(isReading))
      const { rows } = await database.pool.query(
        `SELECT (extract(epoch FROM r.time) * 1000)::float8 AS ts FROM reading r JOIN series s ON s.id = r.series_id
         WHERE s.device_id = 'kitchen' AND s.metric = $1`,
        [metric],
      )
      expect(JSON.parse(payload)).toEqual({ ts: rows[0].ts, values: { [metric]: 1 } })
      expect(qos).toBe(1)
    },
  )

  it.each([true, false])(
    'M-INTEGRATION-2 without read nothing of devices is delivered, not even through #; clean session: %s',
    async (clean) => {
      const options = { ...writer, clientId: 'unread', clean }
      const first = await clients.attach(options)
      const heardLive = collect(first)
      const filters = ['#', '+/kitchen/+', 'devices/+/telemetry', 'devices/kitchen/#', 'marker/#']
      // A stored session would be filled with what it may not get.
      const partly = clean ? 1 : 128
      expect(await granted(first, filters)).toEqual([partly, partly, 128, 128, 1])
      const device = await clients.attach(kitchen)
      const say = async () => {
        for (const qos of [0, 1, 2] as const)
          await device.publishAsync(topics.telemetry('kitchen'), '{"private":1}', { qos })
        await device.publishAsync(topics.status('kitchen'), 'online', { qos: 1, retain: true })
      }
      await say()
      await passBehind(heardLive)
      await first.endAsync()
      await say()
      const again = clients.dial(options)
      const heardAgain = collect(again)
      await nextEvent(again, 'connect')
      // What is retained would come now.
      if (clean) await granted(again, filters)
      await passBehind(heardAgain)
      const ofDevices = [...heardLive, ...heardAgain].filter(({ topic }) => topic.startsWith('devices/'))
      expect(ofDevices).toEqual([])
    },
  )

  it('M-INTEGRATION-3 without write it publishes nothing, and hears nothing outside devices', async () => {
    const publisher = await clients.attach(both)
    await publisher.publishAsync('home/kept', 'retained', { qos: 1, retain: true })
    const listener = await clients.attach(reader)
    const heard = collect(listener)
    expect(await granted(listener, ['#', 'home/#', '$SYS/#', '$telltale/#'])).toEqual([1, 128, 128, 128])
    await publisher.publishAsync('home/x', 'live', { qos: 1 })
    await publisher.publishAsync(topics.telemetry('kitchen'), '{"behind":1}', { qos: 1 })
    await waitFor('the reading', () => heard.some(({ payload }) => payload.includes('behind')))
    expect(heard.filter(({ topic }) => !topic.startsWith('devices/'))).toEqual([])
    await expectClosed(listener, 'home/x')
    await expectClosed(await clients.attach(reader), topics.telemetry('kitchen'), '{"stolen":1}')
    const will = { topic: 'home/x', payload: Buffer.from('gone'), qos: 1 as const, retain: false }
    expect(await clients.outcome({ ...reader, will })).toBe(5)
    expect(await storedValues(database.pool, 'kitchen')).not.toHaveProperty('stolen')
  })
})

describe('an integration that may write', () => {
  it('M-INTEGRATION-4 publishes readings of any registered device; its PUBACK means stored', async () => {
    await registerDevice(database.pool, 'bridged')
    const client = await clients.attach(writer)
    const now = Date.now()
    await client.publishAsync(topics.telemetry('bridged'), `{"ts":${now},"values":{"json":1}}`, { qos: 1 })
    expect(await storedValues(database.pool, 'bridged')).toEqual({ json: [1] })
    await client.publishAsync(topics.metric('bridged', 'plain'), '2.5', { qos: 1 })
    expect(await storedValues(database.pool, 'bridged')).toMatchObject({ plain: [2.5] })
    await client.publishAsync(topics.telemetry('bridged'), '{"twice":3}', { qos: 2 })
    expect(await storedValues(database.pool, 'bridged')).toMatchObject({ twice: [3] })
    await client.publishAsync(topics.telemetry('bridged'), 'not JSON', { qos: 1 })
    const { rows } = await database.pool.query(`SELECT 1 FROM rejected_message WHERE device_id = 'bridged'`)
    expect(rows).toHaveLength(1)
    expect(client.connected).toBe(true)
  })

  it('M-INTEGRATION-5 what nobody registered closes the connection, with a diagnosis', async () => {
    await expectClosed(await clients.attach(both), topics.telemetry('nobody'), '{"a":1}')
    expect(await diagnosis(database.pool, 'unknown_device', '@both')).toMatchObject({
      address: '127.0.0.1',
      detail: expect.stringContaining('nobody'),
    })
    expect(await storedValues(database.pool, 'nobody')).toEqual({})
  })

  it.each([
    topics.status('kitchen'),
    topics.command('kitchen', '0b9e7a52-6f1c-4d0e-9a3b-2f1d5c7e8a90'),
    topics.reply('kitchen', '0b9e7a52-6f1c-4d0e-9a3b-2f1d5c7e8a90'),
    'devices/kitchen/note',
    'devices/kitchen',
    'devices',
    topics.platform('nudge', 'kitchen'),
    topics.platform('revoked', 'kitchen'),
    '$SYS/x',
    '$share/g/x',
  ])('M-INTEGRATION-6 may not speak as a device or the platform: %s', async (topic) => {
    await expectClosed(await clients.attach(both), topic, 'offline')
    const { detail } = await diagnosis(database.pool, 'forbidden_topic', '@both')
    expect(detail).toContain('is not allowed')
  })

  it('M-INTEGRATION-7 uses every other topic as on any broker', async () => {
    const options = { ...both, clientId: 'plain', clean: false }
    const first = await clients.attach(options)
    await first.subscribeAsync({ 'plain/#': { qos: 2 }, 'plain/+': { qos: 1 } })
    await first.endAsync()
    const publisher = await clients.attach(writer)
    for (const qos of [0, 1, 2] as const)
      await publisher.publishAsync('plain/x', `qos ${qos}`, { qos, retain: true })
    const again = clients.dial(options)
    const heard = collect(again)
    await waitFor('what was queued', () => heard.length === 2)
    expect(heard.map(({ payload, qos }) => [payload, qos])).toEqual([
      ['qos 1', 1],
      ['qos 2', 2],
    ])
    const late = await clients.attach(both)
    const heardLate = collect(late)
    await late.subscribeAsync('plain/x', { qos: 2 })
    await waitFor('the retained message', () => heardLate.length === 1)
    expect(heardLate).toEqual([{ topic: 'plain/x', payload: 'qos 2', qos: 2, retain: true }])

    const will = { topic: 'plain/will', payload: Buffer.from('gone'), qos: 1 as const, retain: false }
    const mortal = await clients.attach({ ...writer, will })
    mortal.stream.destroy()
    await waitFor('the will', () => heard.some(({ payload }) => payload === 'gone'))
    await publisher.publishAsync('plain/x', '', { qos: 1, retain: true })
    const later = await clients.attach(both)
    const heardLater = collect(later)
    await publisher.publishAsync('zz/last', 'kept', { qos: 1, retain: true })
    // Retained messages come in the order of the filters.
    await later.subscribeAsync(['plain/#', 'zz/last'])
    await waitFor('the last', () => heardLater.length > 0)
    expect(heardLater.map(({ topic }) => topic)).toEqual(['zz/last'])
  })
})

describe('who an integration is', () => {
  it('M-INTEGRATION-8 nobody connects as one without its own secret', async () => {
    for (const password of ['wrong', 'secret-of-@reader', 'secret-of-kitchen', ''])
      expect(await clients.outcome({ username: '@both', password })).toBe(4)
    expect(await clients.outcome({ username: '@both' })).toBe(4)
    expect(await clients.outcome({ username: '@', password: 'x' })).toBe(4)
    expect(await clients.outcome({ username: '@nobody', password: 'secret-of-@nobody' })).toBe(4)
    expect(await clients.outcome({ ...both, username: 'both' })).toBe(4)
    await diagnosis(database.pool, 'wrong_secret', '@both')
    await diagnosis(database.pool, 'unknown_device', '@nobody')
  })

  it('M-INTEGRATION-9 client ids are free: two integrations, and a device, may pick the same', async () => {
    await registerIntegration(database.pool, 'kitchen')
    const names = [both, reader, kitchen, { username: '@kitchen', password: 'secret-of-@kitchen' }]
    const all = await Promise.all(
      names.map((options) => clients.attach({ ...options, clientId: 'same', clean: false })),
    )
    const [first, second, device, namesake] = all as [MqttClient, MqttClient, MqttClient, MqttClient]
    const heard = await Promise.all(
      [first, second, namesake].map(async (client) => {
        const messages = collect(client)
        await client.subscribeAsync(topics.telemetry('kitchen'), { qos: 1 })
        return messages
      }),
    )
    await device.publishAsync(topics.telemetry('kitchen'), '{"same":1}', { qos: 1 })
    await waitFor('all three to hear', () => heard.every(({ length }) => length === 1))
    expect(all.map(({ connected }) => connected)).toEqual([true, true, true, true])
  })

  it('M-INTEGRATION-10 has as many connections as client ids; the same one is taken over', async () => {
    const first = await clients.attach({ ...both, clientId: 'one' })
    const second = await clients.attach({ ...both, clientId: 'two' })
    const closed = nextEvent(first, 'close')
    const third = await clients.attach({ ...both, clientId: 'one' })
    await closed
    await second.publishAsync('home/x', 'there', { qos: 1 })
    await third.publishAsync('home/x', 'there', { qos: 1 })
  })
})

describe('when an integration is deleted', () => {
  it.each([true, false])('M-INTEGRATION-11 its connections and sessions end, told so: %s', async (isTold) => {
    const credentials = await registerIntegration(database.pool, `doomed-${isTold}`)
    const name = `doomed-${isTold}`
    const live = await clients.attach({ ...credentials, clientId: 'live', clean: false })
    const other = await clients.attach(credentials)
    for (const client of [live, other]) await client.subscribeAsync('queued/#', { qos: 1 })
    const absent = await clients.attach({ ...credentials, clientId: 'absent', clean: false })
    await absent.subscribeAsync('queued/#', { qos: 1 })
    await absent.endAsync()
    const closed = Promise.all([nextEvent(live, 'close'), nextEvent(other, 'close')])
    await deleteIntegration(database.pool, name)
    const startedMs = performance.now()
    if (isTold) await tellRevoked(clients, broker, `@${name}`)
    await closed
    if (isTold) expect(performance.now() - startedMs).toBeLessThan(2_000)
    expect(await clients.outcome(credentials)).toBe(4)
    await waitForNextCheck(name)
    // Nothing of it waits for a namesake.
    expect(await sessionsPresent(name, credentials)).toEqual([false, false])
  })

  it('M-INTEGRATION-12 made again, the new one stays connected, and the former is not', async () => {
    const credentials = await registerIntegration(database.pool, 'renewed')
    const former = await clients.attach({ ...credentials, clientId: 'former' })
    await deleteIntegration(database.pool, 'renewed')
    await registerIntegration(database.pool, 'renewed')
    await database.pool.query(`UPDATE integration SET hash = sha256('another') WHERE name = 'renewed'`)
    const closed = nextEvent(former, 'close')
    const renewed = await clients.attach({ ...credentials, password: 'another', clientId: 'new' })
    await tellRevoked(clients, broker, '@renewed')
    await closed
    await renewed.publishAsync('home/x', 'still here', { qos: 1 })
  })
})

/** The broker looks for lost rights in rounds, one after the other: when it has met another, the former is over. */
async function waitForNextCheck(name: string): Promise<void> {
  const marker = await clients.attach(await registerDevice(database.pool, `marker-${name}`))
  const closed = nextEvent(marker, 'close')
  await updateDevice(database.pool, `marker-${name}`, { disabled: true })
  await closed
}

/** As a namesake sees it. */
async function sessionsPresent(name: string, credentials: IClientOptions): Promise<unknown[]> {
  await registerIntegration(database.pool, name)
  return Promise.all(
    ['live', 'absent'].map((clientId) => {
      const client = clients.dial({ ...credentials, clientId, clean: false })
      return new Promise((resolve) => client.once('connect', ({ sessionPresent }) => resolve(sessionPresent)))
    }),
  )
}
