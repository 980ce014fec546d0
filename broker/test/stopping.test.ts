import { fork } from 'node:child_process'
import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { limits } from '@telltale/infra/limits'
import {
  registerDevice,
  registerIntegration,
  startTestBroker,
  type TestBroker,
} from '@telltale/infra/testing/broker'
import { createTestDatabase, type TestDatabase } from '@telltale/infra/testing/database'
import { type DatabaseProxy, startDatabaseProxy } from '@telltale/infra/testing/database-proxy'
import { testFolder } from '@telltale/infra/testing/folder'
import { waitFor } from '@telltale/infra/testing/wait'
import { generate, type Packet } from 'mqtt-packet'
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest'
import { topics } from '../src/contract/index.ts'
import { TestClients } from './clients.ts'
import { breachesOf } from './faults.ts'
import { PressingDevice } from './pressing-device.ts'

const DEVICES = 20
/** Of a busy machine, not of the broker: nobody is held off, and no port lingers. */
const LET_IN_WITHIN_MS = 5_000
const { programStopDeadlineMs } = limits.service

let database: TestDatabase
let proxy: DatabaseProxy
let broker: TestBroker
const clients = new TestClients(() => broker.url)
let devices: PressingDevice[] = []
const firstMs = Date.now() - 3_600_000

beforeAll(async () => {
  database = await createTestDatabase()
  proxy = await startDatabaseProxy(database.url)
  broker = await startTestBroker(proxy.url)
})
afterEach(() => clients.end())
afterAll(async () => {
  for (const device of devices) device.stop()
  await broker?.program.kill()
  await proxy?.close()
  await database?.drop()
})

/** So many devices, each with a will, all of them sending as fast as they may. */
async function press(prefix: string, count: number): Promise<void> {
  const { port } = broker
  for (let i = 0; i < count; i++) {
    const credentials = await registerDevice(database.pool, `${prefix}-${i}`)
    const will = {
      topic: lastWordsOf(`${prefix}-${i}`),
      payload: Buffer.from('gone'),
      qos: 1,
      retain: true,
    } as const
    devices.push(new PressingDevice({ port, ...credentials, firstMs, will }))
  }
  for (const device of devices) device.start()
  await waitFor('all devices', () => devices.every(({ isConnected }) => isConnected), 20_000)
  for (const device of devices) device.press()
}

function lastWordsOf(deviceId: string): string {
  return `devices/${deviceId}/last-words`
}

const acknowledgedCount = () => devices.reduce((sum, { acknowledged }) => sum + acknowledged.size, 0)

async function flow(): Promise<void> {
  const before = acknowledgedCount()
  await waitFor('messages to flow', () => acknowledgedCount() > before + 2_000, 20_000)
}

/** Acknowledged but missing, stored twice, stored but never sent: of all devices. */
async function expectWhole(prefix: string): Promise<void> {
  const { rows } = await database.pool.query<{ device: string; times: number[] }>(
    `SELECT s.device_id AS device, array_agg((extract(epoch FROM r.time) * 1000)::float8) AS times
     FROM reading r JOIN series s ON s.id = r.series_id WHERE s.device_id LIKE $1 || '-%' GROUP BY 1`,
    [prefix],
  )
  for (const { deviceId, acknowledged, sentCount } of devices) {
    const times = rows.find(({ device }) => device === deviceId)?.times ?? []
    const isSent = (time: number) => time >= firstMs && time < firstMs + sentCount
    const found = breachesOf(times, { acknowledged, isSent })
    expect(found, deviceId).toEqual({ missing: [], twice: [], neverSent: [] })
  }
}

/** A subscriber that never reads: what it is sent fills its socket and then the broker's buffer. */
async function subscribeDeaf(name: string): Promise<() => void> {
  const { username, password } = await registerIntegration(database.pool, name)
  const socket = connect(broker.port, '127.0.0.1')
  socket.on('error', () => {})
  const hello = {
    cmd: 'connect',
    protocolId: 'MQTT',
    protocolVersion: 4,
    clean: true,
    keepalive: 60,
  } as const
  socket.write(generate({ ...hello, clientId: 'deaf', username, password: Buffer.from(password) } as Packet))
  const subscriptions = [{ topic: topics.telemetry('+'), qos: 1 as const }]
  socket.write(generate({ cmd: 'subscribe', messageId: 1, subscriptions }))
  await once(socket, 'data')
  socket.pause()
  return () => socket.destroy()
}

it('R-STOP-1 three restarts under full load: all is kept, no will is sent, and everybody is back at once', async () => {
  await press('pressing', DEVICES)
  const hangUp = await subscribeDeaf('deaf')
  try {
    for (let restarts = 1; restarts <= 3; restarts++) {
      await flow()
      const startedMs = performance.now()
      expect(await broker.program.stop()).toBe(0)
      expect(performance.now() - startedMs).toBeLessThan(programStopDeadlineMs.broker)
      const { rows } = await database.pool.query(
        `SELECT reason, count(*)::int AS n FROM session WHERE device_id LIKE 'pressing-%' GROUP BY 1`,
      )
      expect(rows).toEqual([{ reason: 'broker_stopped', n: restarts * DEVICES }])
      await broker.restart()
      const listensMs = performance.now()
      await waitFor('all to be back', () => devices.every(({ isConnected }) => isConnected), LET_IN_WITHIN_MS)
      for (const { welcomes } of devices) expect(welcomes.at(-1)).toBeLessThan(listensMs + LET_IN_WITHIN_MS)
    }
    await flow()
    for (const device of devices) device.rest()
    await waitFor('all PUBACKs', () => devices.every(({ isSettled }) => isSettled), 20_000)
    expect(devices.flatMap(({ refusals }) => refusals)).toEqual([])
    await expectWhole('pressing')
    const listener = await clients.attach({ username: '$telltale', password: broker.platformSecret })
    const said: string[] = []
    listener.on('message', (topic) => said.push(topic))
    await listener.subscribeAsync(lastWordsOf('+'), { qos: 1 })
    await listener.subscribeAsync(topics.status('pressing-0'), { qos: 1 })
    await waitFor('what is retained', () => said.includes(topics.status('pressing-0')))
    expect(said).toEqual([topics.status('pressing-0')])
  } finally {
    hangUp()
    for (const device of devices.splice(0)) device.stop()
  }
}, 60_000)

it('R-STOP-2 under full load while the database is frozen: out in time, and nothing that was acknowledged is missing', async () => {
  await press('frozen', DEVICES)
  await flow()
  proxy.freeze()
  const startedMs = performance.now()
  expect(await broker.program.stop()).toBe(0)
  expect(performance.now() - startedMs).toBeLessThan(programStopDeadlineMs.broker)
  // All that can still come from it has come.
  for (const device of devices) device.rest()
  proxy.pass()
  await broker.restart()
  await waitFor('all PUBACKs', () => devices.every(({ isSettled }) => isSettled), 20_000)
  for (const device of devices) device.stop()
  await waitFor(
    'what was on disk',
    () =>
      expectWhole('frozen').then(
        () => true,
        () => false,
      ),
    20_000,
  )
  devices = []
}, 60_000)

it('R-STOP-3 a start that hangs on a silent database ends soon after SIGTERM', async () => {
  const silent = createServer().listen(0, '127.0.0.1')
  await once(silent, 'listening')
  const asked = once(silent, 'connection')
  const { port } = silent.address() as AddressInfo
  const child = fork(fileURLToPath(new URL('../dist/main.js', import.meta.url)), {
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    env: {
      ...{ PATH: process.env.PATH, TELLTALE_DATABASE_URL: `postgres://x:x@127.0.0.1:${port}/x` },
      ...{ TELLTALE_PLATFORM_SECRET: 'of-this-test-only', TELLTALE_DATA_DIR: join(testFolder, 'never-made') },
    },
  })
  let said = ''
  child.stderr?.on('data', (chunk) => {
    said += chunk
  })
  const ended = once(child, 'close')
  const [socket] = (await asked) as [Socket]
  const startedMs = performance.now()
  child.kill('SIGTERM')
  await ended
  expect(child.exitCode).toBe(1)
  expect(performance.now() - startedMs).toBeLessThan(limits.database.connectTimeoutMs - 1_000)
  expect(said).toBe('telltale: stopped before the start was done\n')
  socket.destroy()
  silent.close()
})
