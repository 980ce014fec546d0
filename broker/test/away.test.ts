import { randomUUID } from 'node:crypto'
import { isDeepStrictEqual } from 'node:util'
import { insertCommand } from '@telltale/infra/storage/commands'
import { deleteDevice } from '@telltale/infra/storage/deletions'
import {
  registerDevice,
  registerIntegration,
  startTestBroker,
  type TestBroker,
} from '@telltale/infra/testing/broker'
import { type Certificates, createCertificates } from '@telltale/infra/testing/certificates'
import { createTestDatabase, type TestDatabase } from '@telltale/infra/testing/database'
import { type DatabaseProxy, startDatabaseProxy } from '@telltale/infra/testing/database-proxy'
import { quietPort } from '@telltale/infra/testing/ports'
import { waitFor } from '@telltale/infra/testing/wait'
import type { IClientOptions } from 'mqtt'
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest'
import { filters, type PresencePayload, topics } from '../src/contract/index.ts'
import { storedValues, TestClients, tellRevoked } from './clients.ts'
import { RawDevice } from './raw-device.ts'

const HERD = 200
/** CONNACK 3: come again later. */
const LATER = 3

let certificates: Certificates
let database: TestDatabase
let proxy: DatabaseProxy
let broker: TestBroker
let tlsPort: number
const clients = new TestClients(() => broker.url)
const byCertificate = new TestClients(() => `mqtts://127.0.0.1:${tlsPort}`)

beforeAll(async () => {
  certificates = createCertificates()
  database = await createTestDatabase()
  proxy = await startDatabaseProxy(database.url)
  tlsPort = await quietPort()
  broker = await startTestBroker(proxy.url, {
    TELLTALE_MQTTS_PORT: String(tlsPort),
    TELLTALE_TLS_CERT: certificates.serverCert.path,
    TELLTALE_TLS_KEY: certificates.serverKey.path,
    TELLTALE_TLS_CLIENT_CA: certificates.ca.path,
    TELLTALE_DEVICE_CONNECTS_PER_MINUTE: '100',
    TELLTALE_ENROLMENT: 'open',
    TELLTALE_ENROLMENT_KEY: 'the key of the fleet, long enough',
    TELLTALE_LOG_LEVEL: 'info',
  })
})
afterEach(async () => {
  await clients.end()
  await byCertificate.end()
  proxy.pass()
  await isAnswering()
})
afterAll(async () => {
  expect(await broker?.program.stop()).toBe(0)
  await proxy?.close()
  await database?.drop()
  certificates?.remove()
})

let count = 0
const newDevice = () => registerDevice(database.pool, `away${++count}`)

/** Signs in and leaves, so that the broker has seen that it may. */
async function isSeen(options: IClientOptions): Promise<void> {
  const client = await clients.attach(options)
  await client.endAsync()
}

/** Somebody the broker has not seen is let in: it asks the database again. */
async function isAnswering(): Promise<void> {
  const stranger = await newDevice()
  await waitFor('the database to be asked', async () => (await clients.outcome(stranger)) === 'connected')
}

async function timed<T>(work: Promise<T>): Promise<{ outcome: T; tookMs: number }> {
  const startMs = performance.now()
  return { outcome: await work, tookMs: performance.now() - startMs }
}

it('R-AWAY-1 frozen: whoever was seen comes back within seconds, a stranger and a wrong secret come later', async () => {
  const [known, stranger] = [await newDevice(), await newDevice()]
  const gateway = await registerIntegration(database.pool, 'gateway')
  const pair = certificates.client('by-certificate')
  await registerDevice(database.pool, 'by-certificate')
  const shown = { ca: certificates.ca.pem, cert: pair.cert.pem, key: pair.key.pem }
  await Promise.all([isSeen(known), isSeen(gateway)])
  await (await byCertificate.attach(shown)).endAsync()

  proxy.freeze()
  const first = await timed(clients.attach(known))
  // Devices wait ten seconds; the machine of a test may be busy.
  expect(first.tookMs).toBeLessThan(6_000)
  const later = [
    stranger,
    { ...known, password: 'wrong' },
    { ...gateway, password: 'wrong' },
    { username: 'unheard-of', password: 'the key of the fleet, long enough' },
    // A certificate is no secret: everybody may have its bytes.
    { username: 'by-certificate', password: derOf(pair.cert.pem) },
  ]
  expect(await Promise.all(later.map((one) => clients.outcome(one)))).toEqual(later.map(() => LATER))
  const script = await clients.attach(gateway)
  await byCertificate.attach(shown)

  await first.outcome.publishAsync(topics.telemetry(known.username), '{"a":1}', { qos: 1 })
  await script.publishAsync('plain/topic', 'x', { qos: 1 })
  proxy.pass()
  const stored = async () => (await storedValues(database.pool, known.username)).a?.length === 1
  await waitFor('what it sent to be stored', stored)
  expect(await clients.outcome(stranger)).toBe('connected')
  expect(await clients.outcome({ ...known, password: 'wrong' })).toBe(4)
})

it('R-AWAY-2 a fleet that comes back meanwhile does not come back one after the other', async () => {
  const herd = await Promise.all(Array.from({ length: HERD }, newDevice))
  await Promise.all(herd.map(isSeen))
  const before = broker.program.output()
  proxy.refuse()
  const { outcome, tookMs } = await timed(Promise.all(herd.map((one) => clients.outcome(one))))
  expect(new Set(outcome)).toEqual(new Set(['connected']))
  expect(tookMs).toBeLessThan(10_000)
  // Everything that is repeated every second has failed by now, most of it several times.
  const failing = () => logged(before).filter(({ level }) => level >= WARN)
  await waitFor('the sign of life to have failed', () =>
    failing().some(({ msg }) => /sign of life/.test(msg)),
  )
  const isRepeated = ({ msg }: Line) => !/connection was lost/.test(msg)
  const said = failing()
    .filter(isRepeated)
    .map(({ msg }) => msg)
  expect(said.sort()).toEqual([...new Set(said)].sort())
})

it('R-AWAY-3 what was revoked, disabled, deleted before is not let in, connected at the time or not', async () => {
  const ends = [
    async (id: string) => {
      await database.pool.query('UPDATE device_credential SET revoked_at = now() WHERE device_id = $1', [id])
    },
    async (id: string) => {
      await database.pool.query('UPDATE device SET disabled_at = now() WHERE id = $1', [id])
    },
    (id: string) => deleteDevice(database.pool, id, 'test'),
  ]
  const gone: IClientOptions[] = []
  const watched: Promise<unknown>[] = []
  const script = await registerIntegration(database.pool, 'script')
  await isSeen(script)
  await database.pool.query(`DELETE FROM integration WHERE name = 'script'`)
  gone.push(script)
  for (const end of ends) {
    const [connected, absent] = [await newDevice(), await newDevice()]
    await isSeen(absent)
    const client = await clients.attach(connected)
    watched.push(new Promise<void>((resolve) => client.once('close', () => resolve())))
    for (const one of [absent, connected]) {
      await end(one.username)
      gone.push(one)
    }
  }
  // The look that closes those connected is the one that forgets the others.
  await Promise.all(watched)
  const kept = await newDevice()
  await isSeen(kept)
  proxy.refuse()
  expect(await clients.outcome(kept)).toBe('connected')
  expect(await Promise.all(gone.map((one) => clients.outcome(one)))).toEqual(gone.map(() => LATER))
})

it('R-AWAY-4 a word of the API counts at once while the database cannot be asked', async () => {
  const [told, other] = [await newDevice(), await newDevice()]
  await isSeen(other)
  const client = await clients.attach(told)
  proxy.refuse()
  expect(await clients.outcome(other)).toBe('connected')
  const closed = timed(new Promise<void>((resolve) => client.once('close', () => resolve())))
  await tellRevoked(clients, broker, told.username)
  expect((await closed).tookMs).toBeLessThan(4_000)
  expect(await clients.outcome(told)).toBe(LATER)
  expect(await clients.outcome(other)).toBe('connected')
})

it('R-AWAY-5 what is revoked while the broker is cut off ends within seconds of the database answering', async () => {
  const device = await newDevice()
  await isSeen(device)
  proxy.refuse()
  const client = await clients.attach(device)
  await database.pool.query('UPDATE device_credential SET revoked_at = now() WHERE device_id = $1', [
    device.username,
  ])
  const closed = new Promise<void>((resolve) => client.once('close', () => resolve()))
  proxy.pass()
  const { tookMs } = await timed(closed)
  expect(tookMs).toBeLessThan(8_000)
  await waitFor('it to be refused', async () => (await clients.outcome(device)) === 4)
})

it('R-AWAY-6 an integration goes on for devices it published for; one never heard of waits, and nothing is lost', async () => {
  const [known, fresh] = [await newDevice(), await newDevice()]
  const bridge = await clients.attach(await registerIntegration(database.pool, 'bridge'))
  await bridge.publishAsync(topics.telemetry(known.username), '{"a":1}', { qos: 1 })
  proxy.freeze()
  await bridge.publishAsync(topics.telemetry(known.username), '{"a":2}', { qos: 1 })
  const waiting = bridge.publishAsync(topics.telemetry(fresh.username), '{"a":3}', { qos: 1 })
  const isWaiting = await Promise.race([waiting.then(() => false), clients.outcome(fresh).then(() => true)])
  expect(isWaiting).toBe(true)
  proxy.pass()
  await waiting
  const stored = async () => [
    await storedValues(database.pool, known.username),
    await storedValues(database.pool, fresh.username),
  ]
  await waitFor('all to be stored', async () => JSON.stringify(await stored()) === '[{"a":[1,2]},{"a":[3]}]')
})

it('R-AWAY-7 a PUBACK and a reply given meanwhile settle their command afterwards, and the next one is sent', async () => {
  const credentials = await newDevice()
  const { username: deviceId } = credentials
  const queue = async () => {
    const id = randomUUID()
    const command = { id, deviceId, name: 'x', params: {}, ttlMs: 60_000, createdBy: 'test' }
    await insertCommand(database.pool, command)
    return id
  }
  const device = await RawDevice.connect(broker.port, credentials)
  const first = await queue()
  const delivery = await waitFor('the command', () => device.deliveries[0])
  proxy.freeze()
  const second = await queue()
  device.puback(delivery)
  const reply = device.reply(first, { status: 'succeeded', result: 1 })
  await waitFor('its PUBACK, from the spool', () => device.acknowledged.has(reply))
  proxy.pass()
  await waitFor('the next command', () => device.deliveries[1]?.id === second)
  const status = async () => {
    const { rows } = await database.pool.query('SELECT status FROM command WHERE id = $1', [first])
    return rows[0]?.status === 'succeeded'
  }
  await waitFor('the first to be settled', status)
  device.cut()
})

it('R-AWAY-8 presence afterwards is what it was: who came, went, and came again', async () => {
  const [stays, leaves, flaps] = [await newDevice(), await newDevice(), await newDevice()]
  const heard: PresencePayload[] = []
  const platform = await clients.attach({ username: '$telltale', password: broker.platformSecret })
  platform.on('message', (_topic, payload) => heard.push(JSON.parse(payload.toString())))
  await platform.subscribeAsync(filters.platform('presence'))
  const ids = [stays, leaves, flaps].map(({ username }) => username)
  const last = (id: string) => heard.findLast(({ deviceId }) => deviceId === id)?.status
  const words = () => heard.filter(({ deviceId }) => ids.includes(deviceId))
  await Promise.all([isSeen(stays), isSeen(flaps)])
  const leaving = await clients.attach(leaves)
  await waitFor('the last words of that', () => ids.map(last).join() === 'offline,online,offline')
  heard.length = 0
  proxy.refuse()
  const staying = await clients.attach(stays)
  await leaving.endAsync()
  for (let n = 0; n < 3; n++) await isSeen(flaps)
  expect(words()).toEqual([])
  proxy.pass()
  // Sessions begin in one statement and end in the next; null is a connection that lasts.
  const written = [['disconnected', null], ['disconnected'], Array(4).fill('disconnected')]
  const rows = () => Promise.all(ids.map(rowsOf))
  await waitFor('all changes to be written', async () => isDeepStrictEqual(await rows(), written))
  await waitFor('the last words', () => ids.map(last).join() === 'online,offline,offline')
  expect(staying.connected).toBe(true)
})

/** Its connections, oldest first: why each ended, null while it lasts. */
async function rowsOf(deviceId: string): Promise<(string | null)[]> {
  const { rows } = await database.pool.query('SELECT reason FROM session WHERE device_id = $1 ORDER BY id', [
    deviceId,
  ])
  return rows.map(({ reason }) => reason)
}

const WARN = 40

interface Line {
  level: number
  msg: string
}

/** What the broker has logged since. */
function logged(before: string): Line[] {
  const lines = broker.program.output().slice(before.length).split('\n')
  return lines.filter((line) => line.startsWith('{') && line.endsWith('}')).map((line) => JSON.parse(line))
}

function derOf(pem: string): Buffer {
  return Buffer.from(pem.replace(/-----[^-]+-----/g, ''), 'base64')
}
