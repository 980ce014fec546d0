import { createConnection, createServer, type Server, type Socket } from 'node:net'
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
import { filters, type PresencePayload, topics } from '../src/contract/index.ts'

const SECRET = 'shared by all brokers and the API'

let database: TestDatabase
let redis: TestRedis
let a: TestBroker
let b: TestBroker
let open: MqttClient[] = []

describe.skipIf(toolMissing('redis-server'))('faults among several brokers', () => {
  beforeAll(async () => {
    database = await createTestDatabase()
    redis = await startTestRedis()
    ;[a, b] = await Promise.all([startNamed('a'), startNamed('b')])
  })
  afterEach(async () => {
    await Promise.all(open.map((client) => client.endAsync(true)))
    open = []
  })
  afterAll(async () => {
    await a?.program.stop()
    await b?.program.stop()
    await redis?.stop()
    await database?.drop()
  })

  it('M-FAULT-1 a broker killed with -9: others correct presence within 15 s, send due wills, none that is void', async () => {
    const script = await registerIntegration(database.pool, 'script')
    const lost = await registerDevice(database.pool, 'lost')
    const back = await registerDevice(database.pool, 'back')
    const heard: PresencePayload[] = []
    const platform = await attach(b, { username: '$telltale', password: SECRET })
    platform.on('message', (_topic, payload) => heard.push(JSON.parse(payload.toString())))
    await platform.subscribeAsync(filters.platform('presence'))
    const messages: string[] = []
    const watcher = await attach(b, script)
    watcher.on('message', (topic, payload) => messages.push(`${topic} ${payload}`))
    await watcher.subscribeAsync(['devices/+/status', 'devices/+/note', 'will/+'], { qos: 1 })
    const will = (topic: string) => ({ topic, payload: Buffer.from('gone'), qos: 1 as const, retain: false })
    await attach(a, { ...lost, will: will('devices/lost/note') })
    await attach(a, { ...back, will: will('devices/back/note') })
    await attach(a, { ...script, clientId: 'left', will: will('will/script') })
    await waitFor('both to be online', () => heard.filter(({ status }) => status === 'online').length === 2)
    messages.length = 0
    heard.length = 0

    await a.program.kill()
    const killedMs = performance.now()
    await attach(b, back)
    await waitFor(
      'the lost device to be offline',
      () => heard.some(({ deviceId }) => deviceId === 'lost'),
      20_000,
    )
    expect(performance.now() - killedMs).toBeLessThan(15_000)
    await waitFor('its will, and the script', () =>
      ['devices/lost/note gone', 'will/script gone'].every((one) => messages.includes(one)),
    )
    expect(heard.filter(({ deviceId }) => deviceId === 'lost')).toMatchObject([
      { status: 'offline', reason: 'broker_lost' },
    ])
    expect(heard.filter(({ deviceId }) => deviceId === 'back')).toMatchObject([{ status: 'online' }])
    const { rows } = await database.pool.query(
      `SELECT device_id, reason FROM session WHERE broker_id = 'a' ORDER BY device_id`,
    )
    expect(rows).toEqual([
      { device_id: 'back', reason: 'taken_over' },
      { device_id: 'lost', reason: 'broker_lost' },
    ])
    await watcher.publishAsync('will/end', 'end', { qos: 1 })
    await waitFor('the end', () => messages.includes('will/end end'))
    expect(messages.filter((one) => one.includes('back'))).toEqual(['devices/back/status online'])
    expect(messages.filter((one) => one.endsWith('gone'))).toHaveLength(2)
    await a.restart()
  }, 60_000)

  it('M-FAULT-2 a broker frozen and taken for lost goes on with its devices when it wakes', async () => {
    const steady = await registerDevice(database.pool, 'steady')
    const moved = await registerDevice(database.pool, 'moved')
    const device = await attach(a, steady)
    await attach(a, moved)
    await waitFor('both sessions', async () => (await openOn('a')).length === 2)
    a.program.process.kill('SIGSTOP')
    await waitFor('them to be taken for lost', async () => (await openOn('a')).length === 0, 20_000)
    await attach(b, moved)
    await waitFor('one to have moved', async () => (await openOn('b')).length === 1)
    a.program.process.kill('SIGCONT')
    await waitFor('the other to be open again', async () => (await openOn('a')).join() === 'steady', 15_000)
    await device.publishAsync(topics.telemetry('steady'), '{"a":1}', { qos: 1 })
    expect(await openOn('b')).toEqual(['moved'])
  }, 60_000)

  it('M-FAULT-3 brokers restarted one after the other behind one address: acknowledged and missing = 0', async () => {
    const address = await startBalancer()
    const ids = Array.from({ length: 8 }, (_, i) => `rolling${i}`)
    const acknowledged = new Map(ids.map((id) => [id, new Set<number>()]))
    let isOver = false
    const flows = ids.map(async (id, i) => {
      const credentials = await registerDevice(database.pool, id)
      const client = connect(address.url, { ...credentials, reconnectPeriod: 50, clientId: id })
      open.push(client)
      client.on('error', () => {})
      const firstMs = Date.now() - 3_600_000 + i
      for (let n = 0; !isOver; n++) {
        const ts = firstMs + n * 10
        // Sent again by the client library until it is acknowledged.
        await client.publishAsync(topics.telemetry(id), `{"ts":${ts},"values":{"n":1}}`, { qos: 1 })
        acknowledged.get(id)?.add(ts)
      }
    })
    const count = () => [...acknowledged.values()].reduce((sum, { size }) => sum + size, 0)
    for (const broker of [a, b, a, b]) {
      const before = count()
      await waitFor('readings to flow', () => count() > before + 200, 20_000)
      await broker.program.stop()
      await broker.restart()
    }
    const before = count()
    await waitFor('readings to flow', () => count() > before + 200, 20_000)
    isOver = true
    await Promise.all(flows)
    address.close()
    for (const id of ids) {
      const { rows } = await database.pool.query(
        `SELECT (extract(epoch FROM r.time) * 1000)::float8 AS ts FROM reading r
         JOIN series s ON s.id = r.series_id WHERE s.device_id = $1`,
        [id],
      )
      const stored = new Set(rows.map(({ ts }) => Math.round(ts)))
      expect([...(acknowledged.get(id) ?? [])].filter((ts) => !stored.has(ts))).toEqual([])
    }
  }, 90_000)
})

function startNamed(name: string): Promise<TestBroker> {
  return startTestBroker(database.url, {
    TELLTALE_REDIS_URL: redis.url,
    TELLTALE_BROKER_ID: name,
    TELLTALE_PLATFORM_SECRET: SECRET,
    // A device comes back many times while brokers restart.
    TELLTALE_DEVICE_CONNECTS_PER_MINUTE: '600',
  })
}

async function attach(broker: TestBroker, options: IClientOptions): Promise<MqttClient> {
  const client = await connectAsync(broker.url, { reconnectPeriod: 0, ...options })
  client.on('error', () => {})
  open.push(client)
  return client
}

async function openOn(brokerId: string): Promise<string[]> {
  const { rows } = await database.pool.query(
    'SELECT device_id FROM session WHERE broker_id = $1 AND disconnected_at IS NULL ORDER BY device_id',
    [brokerId],
  )
  return rows.map((row) => row.device_id)
}

/** One address for both brokers, as a load balancer gives it: turn by turn, and the other one when one is away. */
async function startBalancer(): Promise<{ url: string; close: () => void }> {
  let turn = 0
  const sockets = new Set<Socket>()
  const dial = (client: Socket, attempts: number) => {
    const port = [a.port, b.port][turn++ % 2] as number
    const upstream = createConnection(port, '127.0.0.1')
    sockets.add(upstream)
    upstream.once('connect', () => {
      client.pipe(upstream).pipe(client)
    })
    upstream.on('error', () => {
      if (upstream.bytesRead === 0 && attempts > 0) dial(client, attempts - 1)
      else client.destroy()
    })
    client.on('close', () => upstream.destroy())
    upstream.on('close', (hadError) => {
      if (!hadError) client.destroy()
    })
  }
  const server: Server = createServer((client) => {
    sockets.add(client)
    client.on('error', () => {})
    dial(client, 3)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as { port: number }
  return {
    url: `mqtt://127.0.0.1:${port}`,
    close: () => {
      for (const socket of sockets) socket.destroy()
      server.close()
    },
  }
}
