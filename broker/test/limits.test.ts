import { limits } from '@telltale/infra/limits'
import type { Pool } from '@telltale/infra/storage/pool'
import { registerDevice, startTestBroker, type TestBroker } from '@telltale/infra/testing/broker'
import { createTestDatabase, type TestDatabase } from '@telltale/infra/testing/database'
import { waitFor } from '@telltale/infra/testing/wait'
import type { IClientOptions } from 'mqtt'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { topics } from '../src/contract/index.ts'
import { collect, diagnosis, granted, storedValues, TestClients } from './clients.ts'
import { nextEvent } from './events.ts'
import { type BrokerUrl, openRawClient, publishPacket } from './mqtt/raw-client.ts'

/** What the tests of one group share: suites run at once, for most of them is waiting. */
class Group {
  readonly clients = new TestClients(() => this.broker.url)
  #database: TestDatabase | undefined
  #broker: TestBroker | undefined
  #count = 0

  constructor(env: Record<string, string>) {
    beforeAll(async () => {
      this.#database = await createTestDatabase()
      this.#broker = await startTestBroker(this.#database.url, env)
    })
    afterEach(() => this.clients.end())
    afterAll(async () => {
      expect(await this.#broker?.program.stop()).toBe(0)
      await this.#database?.drop()
    })
  }

  get broker(): TestBroker {
    if (!this.#broker) throw new Error('no broker was started')
    return this.#broker
  }

  get pool(): Pool {
    if (!this.#database) throw new Error('no database was made')
    return this.#database.pool
  }

  newDevice(): Promise<{ username: string; password: string }> {
    return registerDevice(this.pool, `d${++this.#count}`)
  }
}

const reading = (i: number) => `{"ts":${1_764_000_000_000 + i},"values":{"n":${i}}}`

describe.concurrent('rates', () => {
  const group = new Group({
    TELLTALE_DEVICE_MESSAGES_PER_SECOND: '20',
    TELLTALE_DEVICE_BYTES_PER_SECOND: '3000',
    TELLTALE_BACKFILL_DAYS: '36500',
  })

  it.sequential.each([
    ['messages', 120, 0],
    // Between two of these the broker reads nothing for longer than 1.5 keep-alives.
    ['bytes', 4, 8_000],
  ] as const)(
    'M-LIMIT-1 too many %s a second are read later: nothing is lost, nobody is closed, nobody else waits',
    async (what, total, padding) => {
      const credentials = await group.newDevice()
      const { username, password } = credentials
      const flooding = await openRawClient(group.broker.url as BrokerUrl)
      flooding.send({
        cmd: 'connect',
        ...{ clientId: 'flood', clean: true, protocolId: 'MQTT', protocolVersion: 4 },
        keepalive: 1,
        ...{ username, password: Buffer.from(password) },
      })
      expect((await flooding.next('connack')).returnCode).toBe(0)
      const messages = Array.from({ length: total }, (_, i) => reading(i).padEnd(padding))
      flooding.send(
        ...messages.map((message, i) =>
          publishPacket(topics.telemetry(username), message, { qos: 1, messageId: i + 1 }),
        ),
      )
      const other = await group.newDevice()
      const calm = await group.clients.attach(other)
      for (let i = 0; i < 5; i++)
        await calm.publishAsync(topics.telemetry(other.username), reading(i), { qos: 1 })
      expect(flooding.inbox.length).toBeLessThan(total)
      await waitFor('all answers', () => flooding.inbox.length === total, 20_000)
      expect(flooding.isClosed).toBe(false)
      const ids = flooding.inbox.map((packet) => packet.messageId)
      expect(ids).toEqual(messages.map((_, i) => i + 1))
      const stored = await storedValues(group.pool, username)
      expect(stored).toEqual({ n: messages.map((_, i) => i) })
      const allowed = what === 'messages' ? 20 : 3_000
      expect(await diagnosis(group.pool, `limit_${what}`, username)).toMatchObject({
        limit: { name: `${what} a second`, value: allowed, allowed },
      })
      flooding.drop()
    },
  )
})

describe.concurrent('what a device may hold', () => {
  const group = new Group({
    TELLTALE_DEVICE_SUBSCRIPTIONS: '3',
    TELLTALE_DEVICE_RETAINED: '2',
    TELLTALE_MESSAGE_BYTES: '1000',
  })

  it.sequential('M-LIMIT-2 subscriptions beyond are refused one by one; giving one up makes room', async () => {
    const credentials = await group.newDevice()
    const device = await group.clients.attach(credentials)
    const filters = ['a', 'b', 'c', 'd'].map((metric) => topics.metric(credentials.username, metric))
    expect(await granted(device, filters)).toEqual([1, 1, 1, 128])
    expect(await diagnosis(group.pool, 'limit_subscriptions', credentials.username)).toMatchObject({
      limit: { name: 'subscriptions', value: 4, allowed: 3 },
    })
    // The same again is no further one.
    expect(await granted(device, filters.slice(0, 1))).toEqual([1])
    await device.unsubscribeAsync(filters[0] as string)
    expect(await granted(device, filters.slice(3))).toEqual([1])
  })

  it.sequential('M-LIMIT-3 a message beyond is delivered and not retained; those there are may be replaced', async () => {
    const credentials = await group.newDevice()
    const root = `devices/${credentials.username}`
    const device = await group.clients.attach(credentials)
    const heard = collect(device)
    await device.subscribeAsync(`${root}/#`)
    const keep = (topic: string, payload: string) =>
      device.publishAsync(`${root}/${topic}`, payload, { qos: 1, retain: true })
    // Its status is retained already.
    await keep('first', 'one')
    await keep('second', 'one too many')
    await keep('first', 'replaced')
    await waitFor('all of them', () => heard.filter(({ retain }) => !retain).length >= 3)
    expect(heard.map(({ payload }) => payload)).toContain('one too many')
    expect(await diagnosis(group.pool, 'limit_retained', credentials.username)).toMatchObject({
      limit: { name: 'retained messages', value: 3, allowed: 2 },
    })
    expect(await retained(group, credentials)).toEqual({ first: 'replaced', status: 'online' })
    await keep('first', '')
    await keep('second', 'fits now')
    expect(await retained(group, credentials)).toEqual({ second: 'fits now', status: 'online' })
  })

  it.sequential.each([
    [1_001, 'TELLTALE_MESSAGE_BYTES', 1_000],
    [20_000, 'bytes of a packet', 5_096],
  ])(
    'M-LIMIT-4 a message of %i bytes closes the connection, one that fits does not',
    async (size, name, allowed) => {
      const credentials = await group.newDevice()
      const device = await group.clients.attach(credentials)
      const topic = topics.telemetry(credentials.username)
      await device.publishAsync(topic, '{"fits":1}'.padEnd(1_000), { qos: 1 })
      const closed = nextEvent(device, 'close')
      device.publish(topic, '{"large":1}'.padEnd(size), { qos: 1 }, () => {})
      await closed
      const { limit } = await diagnosis(group.pool, 'oversized', credentials.username)
      expect(limit).toMatchObject({ name, allowed })
      expect(limit?.value).toBeGreaterThanOrEqual(size)
      expect(await storedValues(group.pool, credentials.username)).toEqual({ fits: [1] })
    },
  )
})

describe.concurrent.each(['TELLTALE_CONNECTIONS_PER_ADDRESS', 'TELLTALE_CONNECTIONS_MAX'])(
  '%s',
  (setting) => {
    const group = new Group({ [setting]: '3' })

    it.sequential('M-LIMIT-5 the connection beyond is closed; one that ends makes room', async () => {
      const all = [
        await group.newDevice(),
        await group.newDevice(),
        await group.newDevice(),
        await group.newDevice(),
      ]
      const [first] = await Promise.all(
        all.slice(0, 3).map((credentials) => group.clients.attach(credentials)),
      )
      const last = all[3] as IClientOptions
      expect(await group.clients.outcome(last)).toBe('closed')
      expect(await diagnosis(group.pool, 'limit_connections')).toMatchObject({
        address: '127.0.0.1',
        limit: { name: setting, value: 4, allowed: 3 },
      })
      await first?.endAsync()
      await waitFor('room', async () => (await group.clients.outcome(last)) === 'connected')
    })
  },
)

describe.concurrent('TELLTALE_CONNECTS_PER_ADDRESS', () => {
  const group = new Group({ TELLTALE_CONNECTS_PER_ADDRESS: '5' })

  it.sequential('M-LIMIT-6 who connects too fast is closed, and gets in later', async () => {
    const credentials = await group.newDevice()
    const outcomes = await Promise.all(
      Array.from({ length: 20 }, (_, i) => group.clients.outcome({ ...credentials, clientId: `c${i}` })),
    )
    expect(outcomes).toContain('closed')
    expect(await diagnosis(group.pool, 'limit_connect_rate')).toMatchObject({
      limit: { name: 'TELLTALE_CONNECTS_PER_ADDRESS', value: 6, allowed: 5 },
    })
    await waitFor('its turn', async () => (await group.clients.outcome(credentials)) === 'connected')
  })
})

describe.concurrent('trying again and again', () => {
  const group = new Group({ TELLTALE_DEVICE_CONNECTS_PER_MINUTE: '5' })

  it.sequential('M-LIMIT-7 after ten wrong secrets a name waits at that address; nobody else does, nor who was right before', async () => {
    const known = await group.newDevice()
    const fresh = await group.newDevice()
    const neighbour = await group.newDevice()
    await (await group.clients.attach(known)).endAsync()
    let heldUntilMs = 0
    const isSurelyHeld = () => performance.now() < heldUntilMs
    // On a machine that is slow the hold may be over before the next one comes: that one doubles it.
    const failUntilHeld = async (username: string) => {
      heldUntilMs = 0
      for (let failures = 0; ; failures++) {
        const sentMs = performance.now()
        const outcome = await group.clients.outcome({ username, password: 'wrong' })
        if (isSurelyHeld()) expect(outcome).toBe(3)
        if (outcome === 3 && failures >= 10) break
        expect(outcome).toBe(4)
        if (failures >= 9) heldUntilMs = sentMs + limits.admission.signIns.holdMsMin * 2 ** (failures - 9)
      }
    }
    await failUntilHeld(known.username)
    await failUntilHeld(fresh.username)
    const outcome = await group.clients.outcome(fresh)
    if (isSurelyHeld()) expect(outcome).toBe(3)
    await group.clients.attach(neighbour)
    await group.clients.attach(known)
    expect(await diagnosis(group.pool, 'limit_failed_sign_ins', fresh.username)).toMatchObject({
      limit: { name: 'failed sign-ins in a row', value: 11, allowed: 10 },
    })
    await waitFor('its turn', async () => (await group.clients.outcome(fresh)) === 'connected')
  })

  it.sequential('M-LIMIT-8 a device that connects again and again is held off, and no other', async () => {
    const restless = await group.newDevice()
    for (let i = 0; i < 5; i++) await (await group.clients.attach(restless)).endAsync()
    expect(await group.clients.outcome(restless)).toBe(3)
    await group.clients.attach(await group.newDevice())
    expect(await diagnosis(group.pool, 'limit_flapping', restless.username)).toMatchObject({
      limit: { name: 'TELLTALE_DEVICE_CONNECTS_PER_MINUTE', value: 6, allowed: 5 },
    })
  })
})

/** What is retained below the device's root. */
async function retained(
  { broker, clients }: Group,
  credentials: { username: string },
): Promise<Record<string, string>> {
  const root = `devices/${credentials.username}`
  const platform = await clients.attach({ username: '$telltale', password: broker.platformSecret })
  const heard = collect(platform)
  // In the order of the filters: the status comes last.
  await platform.subscribeAsync([`${root}/first`, `${root}/second`, `${root}/status`])
  await waitFor('its status', () => heard.some(({ topic }) => topic === `${root}/status`))
  return Object.fromEntries(heard.map(({ topic, payload }) => [topic.slice(root.length + 1), payload]))
}
