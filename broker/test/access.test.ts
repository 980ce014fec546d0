import { registerDevice, startTestBroker, type TestBroker } from '@telltale/infra/testing/broker'
import { createTestDatabase, type TestDatabase } from '@telltale/infra/testing/database'
import { waitFor } from '@telltale/infra/testing/wait'
import { connect, connectAsync, type IClientOptions, type MqttClient } from 'mqtt'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { topics } from '../src/contract/index.ts'
import { nextEvent } from './events.ts'

let database: TestDatabase
let broker: TestBroker
let good: IClientOptions
let other: IClientOptions
const open: MqttClient[] = []

beforeAll(async () => {
  database = await createTestDatabase()
  broker = await startTestBroker(database.url)
  good = { ...(await registerDevice(database.pool, 'good')), reconnectPeriod: 0 }
  other = { ...(await registerDevice(database.pool, 'other')), reconnectPeriod: 0 }
})
afterEach(async () => {
  await Promise.all(open.splice(0).map((client) => client.endAsync(true)))
})
afterAll(async () => {
  expect(await broker?.program.stop()).toBe(0)
  await database?.drop()
})

async function attach(options: IClientOptions): Promise<MqttClient> {
  const client = await connectAsync(broker.url, options)
  open.push(client)
  return client
}

/** The CONNACK code of a refused connect. */
async function refusal(options: IClientOptions): Promise<unknown> {
  const client = connect(broker.url, { reconnectPeriod: 0, ...options })
  open.push(client)
  return ((await nextEvent(client, 'error')) as { code: unknown }).code
}

describe('who may connect', () => {
  it('S-AUTH-1 nobody without the right secret', async () => {
    expect(await refusal({})).toBe(4)
    expect(await refusal({ username: 'good' })).toBe(4)
    expect(await refusal({ username: 'good', password: 'secret-of-other' })).toBe(4)
    expect(await refusal({ username: 'nobody', password: 'secret-of-good' })).toBe(4)
    expect(await refusal({ username: '$telltale', password: 'guess' })).toBe(4)
    expect(await refusal({ username: "x' OR 1=1 --", password: 'p' })).toBe(4)
  })

  it('S-AUTH-2 a disabled device is told so', async () => {
    const credentials = await registerDevice(database.pool, 'disabled')
    await database.pool.query(`UPDATE device SET disabled_at = now() WHERE id = 'disabled'`)
    expect(await refusal(credentials)).toBe(5)
  })

  it('S-AUTH-3 a revoked secret ends the live connection', async () => {
    const credentials = await registerDevice(database.pool, 'revoked')
    const client = await attach({ ...credentials, reconnectPeriod: 0 })
    const platform = await attach({ username: '$telltale', password: broker.platformSecret })
    const closed = nextEvent(client, 'close')
    await database.pool.query(`UPDATE device_credential SET revoked_at = now() WHERE device_id = 'revoked'`)
    await platform.publishAsync(topics.platform('revoked', 'revoked'), '', { qos: 1 })
    await closed
    expect(await refusal(credentials)).toBe(4)
  })

  it('S-WILL-1 a Last Will on a foreign topic refuses the connection', async () => {
    const will = {
      topic: topics.status('other'),
      payload: Buffer.from('offline'),
      qos: 0 as const,
      retain: true,
    }
    expect(await refusal({ ...good, will })).toBe(5)
  })

  it('S-NUL-1 U+0000 in a client id is refused and disturbs nobody', async () => {
    const client = connect(broker.url, { ...good, clientId: 'ab\0cd' })
    open.push(client)
    await nextEvent(client, 'close')
    const other = await attach(good)
    await other.publishAsync(topics.telemetry('good'), '{"a":1}', { qos: 1 })
  })

  it('S-ID-1 two devices with the same client id do not disturb each other', async () => {
    const first = await attach({ ...good, clientId: 'esp32' })
    const second = await attach({ ...other, clientId: 'esp32' })
    await first.publishAsync(topics.telemetry('good'), '{"a":1}', { qos: 1 })
    await second.publishAsync(topics.telemetry('other'), '{"a":1}', { qos: 1 })
    expect([first.connected, second.connected]).toEqual([true, true])
  })
})

describe('what a device may do', () => {
  it.each([
    topics.telemetry('other'),
    topics.command('good', '0b9e7a52-6f1c-4d0e-9a3b-2f1d5c7e8a90'),
    '$SYS/x',
    topics.platform('nudge', 'good'),
    'home/kitchen',
  ])('S-PUBLISH-1 publishing to %s closes the connection and stores nothing', async (topic) => {
    const client = await attach(good)
    const closed = nextEvent(client, 'close')
    client.publish(topic, '{"stolen":1}', { qos: 1 }, () => {})
    await closed
    const { rows } = await database.pool.query(`SELECT 1 FROM series WHERE metric = 'stolen'`)
    expect(rows.length).toBe(0)
  })

  it('S-PUBLISH-2 64 KiB is stored or quarantined, one byte more closes the connection', async () => {
    const client = await attach(good)
    await client.publishAsync(topics.telemetry('good'), Buffer.alloc(65_536, 0x20), { qos: 1 })
    const closed = nextEvent(client, 'close')
    client.publish(topics.telemetry('good'), Buffer.alloc(65_537, 0x20), { qos: 1 }, () => {})
    await closed
  })

  it('S-SUBSCRIBE-1 foreign filters get SUBACK 0x80, own ones are granted', async () => {
    const client = await attach(good)
    const foreign = [
      '#',
      '+/+/telemetry',
      'devices/other/#',
      'devices/+/status',
      '$SYS/#',
      '$share/g/devices/good/#',
    ]
    for (const filter of foreign) {
      const granted = await client.subscribeAsync(filter, { qos: 1 }).catch((error) => error)
      expect(granted instanceof Error || granted[0]?.qos === 128, filter).toBe(true)
    }
    const own = await client.subscribeAsync(topics.command('good', '+'), { qos: 1 })
    expect(own[0]?.qos).toBe(1)
  })

  it.each([true, false])(
    'S-SUBSCRIBE-3 sixteen filters a device and no more, clean session %s',
    async (clean) => {
      const client = await attach({ ...good, clientId: `many-${clean}`, clean })
      const codes: number[] = []
      // Eight filters a SUBSCRIBE are allowed.
      for (let at = 0; at < 40; at += 8) {
        const filters = Array.from({ length: 8 }, (_, i) => topics.metric('good', `m${at + i}`))
        const granted = await client
          .subscribeAsync(filters, { qos: 1 })
          .catch((error) => error.packet?.granted)
        expect(granted).toHaveLength(8)
        for (const one of granted) codes.push(typeof one === 'number' ? one : one.qos)
      }
      expect(codes.filter((code) => code < 128).length).toBe(16)
      const own = await client
        .unsubscribeAsync(topics.metric('good', 'm0'))
        .then(() => client.subscribeAsync(topics.status('good')))
      expect(own[0]?.qos).toBe(0)
    },
  )

  it('S-SUBSCRIBE-2 a refused filter of a persistent session is not served after a reconnect either', async () => {
    const options = { ...good, clientId: 'persistent', clean: false }
    const first = await attach(options)
    await first.subscribeAsync(topics.status('good'), { qos: 1 })
    await first.subscribeAsync([topics.telemetry('other'), topics.status('good')], { qos: 1 }).catch(() => {})
    await first.endAsync()
    const second = await attach(other)
    await second.publishAsync(topics.telemetry('other'), '{"private":1}', { qos: 1 })
    const heard: string[] = []
    const again = connect(broker.url, options)
    open.push(again)
    again.on('message', (topic) => heard.push(topic))
    await nextEvent(again, 'connect')
    await again.publishAsync(topics.status('good'), 'online', { qos: 1 })
    await waitFor('its own status', () => heard.includes(topics.status('good')))
    expect(heard).not.toContain(topics.telemetry('other'))
  })
})
