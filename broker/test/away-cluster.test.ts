import { randomUUID } from 'node:crypto'
import { getCommand, insertCommand } from '@telltale/infra/storage/commands'
import {
  registerDevice,
  registerIntegration,
  startTestBroker,
  type TestBroker,
} from '@telltale/infra/testing/broker'
import { createTestDatabase, type TestDatabase } from '@telltale/infra/testing/database'
import { type DatabaseProxy, startDatabaseProxy } from '@telltale/infra/testing/database-proxy'
import { startTestRedis, type TestRedis } from '@telltale/infra/testing/redis'
import { toolMissing } from '@telltale/infra/testing/tools'
import { waitFor } from '@telltale/infra/testing/wait'
import { Redis } from 'ioredis'
import type { MqttClient } from 'mqtt'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { filters, topics } from '../src/contract/index.ts'
import { collect, TestClients } from './clients.ts'

const SECRET = 'shared by all brokers and the API'
/** Longer than a connection may wait for its row and count as just made. */
const LATE_MS = 3_500
/** Short enough that a broker cut off for so long is not taken for lost. */
const TTL_MS = 4_000

interface Member {
  proxy: DatabaseProxy
  broker: TestBroker
  clients: TestClients
}

let database: TestDatabase
let redis: TestRedis
let a: Member
let b: Member

describe.skipIf(toolMissing('redis-server'))('brokers whose database was away', () => {
  beforeAll(async () => {
    database = await createTestDatabase()
    redis = await startTestRedis()
    ;[a, b] = await Promise.all([join('a'), join('b')])
  })
  afterEach(async () => {
    await a.clients.end()
    await b.clients.end()
  })
  afterAll(async () => {
    for (const { broker, proxy } of [a, b]) {
      proxy.pass()
      await broker.program.stop()
      await proxy.close()
    }
    await redis?.stop()
    await database?.drop()
  })

  it('R-AWAY-10 a device that moved meanwhile is where it connected last, whichever broker writes first', async () => {
    const [mover, flapper] = [await seenAtBoth('mover'), await seenAtBoth('flapper')]
    a.proxy.refuse()
    b.proxy.refuse()
    const left = await a.clients.attach(mover)
    await (await a.clients.attach(flapper)).endAsync()
    const now = await b.clients.attach(mover)
    const back = await b.clients.attach(flapper)
    const connectedMs = performance.now()
    await waitFor('this to be no news', () => performance.now() - connectedMs > LATE_MS)
    const isClosed = new Promise<void>((resolve) => left.once('close', () => resolve()))
    b.proxy.pass()
    await waitFor('the rows of one', async () => (await openAt()).join() === 'flapper b,mover b')
    a.proxy.pass()
    await isClosed
    await settled(a)
    expect(await openAt()).toEqual(['flapper b', 'mover b'])
    expect(await newest('mover')).toEqual({ broker_id: 'b', reason: null })
    expect(await newest('flapper')).toEqual({ broker_id: 'b', reason: null })
    expect([now.connected, back.connected]).toEqual([true, true])
  })

  it('R-AWAY-11 a broker that could not say it lives and was taken for lost corrects it, and keeps its wills', async () => {
    const watcher = await a.clients.attach(await registerIntegration(database.pool, 'watcher'))
    await watcher.subscribeAsync(['devices/cut/status', 'devices/cut/note'], { qos: 1 })
    const heard = collect(watcher)
    const said = () => heard.map(({ topic, payload }) => `${topic.split('/').at(-1)} ${payload}`)
    const note = { topic: 'devices/cut/note', payload: Buffer.from('gone'), qos: 1 as const, retain: false }
    const device = await b.clients.attach({ ...(await registerDevice(database.pool, 'cut')), will: note })
    await waitFor('its row', async () => (await openAt()).join() === 'cut b')
    const inRedis = new Redis(redis.url, { keyPrefix: 'telltale:', retryStrategy: () => null })
    const wills = () => inRedis.hkeys('wills:b')
    await waitFor('its will to be kept', async () => (await wills()).length === 1)
    b.proxy.refuse()
    await waitFor('it to be silent', () => /sign of life failed/.test(b.broker.program.output()))
    await isLongSilent('b')
    const isEnded = async () => (await newest('cut')).reason === 'broker_lost'
    // The other was cut off itself a moment ago: it accuses nobody before it has heard the database for nine seconds.
    await waitFor('the other to end it', isEnded, 15_000)
    await waitFor('word of that', () => said().includes('status offline'))
    await waitFor('its wills to be taken', async () => (await wills()).length === 0)
    b.proxy.pass()
    await waitFor('it to be online again', async () => (await openAt()).join() === 'cut b')
    await waitFor('word of that', () => said().at(-1) === 'status online')
    expect(said()).not.toContain('note gone')
    await device.publishAsync(topics.telemetry('cut'), '{"a":1}', { qos: 1 })
    await waitFor('its will to be kept again', async () => (await wills()).length === 1)
    await inRedis.quit()
  })

  it('R-AWAY-22 what a device answered in time counts, though it waits at one broker and another looks for what is overdue', async () => {
    const device = await a.clients.attach(await registerDevice(database.pool, 'answering'))
    await device.subscribeAsync(filters.commands('answering'), { qos: 1 })
    await waitFor('its row', async () => (await openAt()).join() === 'answering a')
    const commands = collect(device)
    const id = randomUUID()
    const command = { id, deviceId: 'answering', name: 'blink', params: {}, ttlMs: TTL_MS }
    await insertCommand(database.pool, { ...command, createdBy: 'test' })
    const status = async () => (await getCommand(database.pool, id))?.status
    await waitFor('the command', async () => commands.length === 1 && (await status()) === 'delivered')
    a.proxy.refuse()
    await device.publishAsync(`devices/answering/commands/${id}/reply`, '{"status":"succeeded"}', { qos: 1 })
    const isOverdue = `SELECT FROM command WHERE id = $1 AND reply_due_at < now() - interval '1500 ms'`
    await waitFor(
      'the other to look',
      async () => (await database.pool.query(isOverdue, [id])).rowCount === 1,
    )
    expect(await status()).toBe('delivered')
    a.proxy.pass()
    await waitFor('the reply', async () => (await status()) !== 'delivered')
    expect(await status()).toBe('succeeded')
  })
})

async function join(name: string): Promise<Member> {
  const proxy = await startDatabaseProxy(database.url)
  const broker = await startTestBroker(proxy.url, {
    TELLTALE_REDIS_URL: redis.url,
    TELLTALE_BROKER_ID: name,
    TELLTALE_PLATFORM_SECRET: SECRET,
  })
  return { proxy, broker, clients: new TestClients(() => broker.url) }
}

async function seenAtBoth(id: string): Promise<{ username: string; password: string }> {
  const credentials = await registerDevice(database.pool, id)
  for (const { clients } of [a, b]) {
    const client: MqttClient = await clients.attach(credentials)
    await client.endAsync()
  }
  await waitFor('its rows to be ended', async () => (await openAt()).length === 0)
  return credentials
}

/** As if it had been silent for long; nothing is waited for. */
async function isLongSilent(name: string): Promise<void> {
  await database.pool.query(`UPDATE broker SET seen_at = now() - interval '20 s' WHERE id = $1`, [name])
}

/** Another device's connection is on record, so what came before is. */
async function settled({ clients }: Member): Promise<void> {
  const probe = await registerDevice(database.pool, 'probe')
  const client = await waitFor('the database to be asked', async () =>
    clients.attach(probe).catch(() => false as const),
  )
  await waitFor('its row', async () => (await openAt()).some((one) => one.startsWith('probe')))
  await client.endAsync()
  await waitFor('its end', async () => !(await openAt()).some((one) => one.startsWith('probe')))
}

/** Devices on record as connected, and where. */
async function openAt(): Promise<string[]> {
  const { rows } = await database.pool.query<{ at: string }>(
    `SELECT device_id || ' ' || broker_id AS at FROM session WHERE disconnected_at IS NULL ORDER BY 1`,
  )
  return rows.map(({ at }) => at)
}

async function newest(deviceId: string): Promise<{ broker_id: string; reason: string | null }> {
  const { rows } = await database.pool.query(
    'SELECT broker_id, reason FROM session WHERE device_id = $1 ORDER BY id DESC LIMIT 1',
    [deviceId],
  )
  return rows[0]
}
