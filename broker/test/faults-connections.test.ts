import { once } from 'node:events'
import { connect as connectTcp, type Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { connect as connectTls } from 'node:tls'
import { limits } from '@telltale/infra/limits'
import { registerDevice, startTestBroker, type TestBroker } from '@telltale/infra/testing/broker'
import { type Certificates, createCertificates } from '@telltale/infra/testing/certificates'
import { createTestDatabase, type TestDatabase } from '@telltale/infra/testing/database'
import { quietPort } from '@telltale/infra/testing/ports'
import { toolMissing } from '@telltale/infra/testing/tools'
import { waitFor } from '@telltale/infra/testing/wait'
import type { MqttClient } from 'mqtt'
import { generate } from 'mqtt-packet'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { topics } from '../src/contract/index.ts'
import { storedValues, TestClients } from './clients.ts'
import { expectWhole, flowsAgain, RECOVERED_WITHIN_MS } from './faults.ts'
import { type BrokerUrl, openRawClient, publishPacket, RawClient } from './mqtt/raw-client.ts'
import { Witness } from './witness.ts'

const CONNECTS_PER_MINUTE = 12
const HERD = 150
/** Of each kind that never gets as far as a CONNECT. */
const IDLERS = 20

interface Credentials {
  username: string
  password: string
}

const isTlsMissing = toolMissing('openssl')
let certificates: Certificates | undefined
let tlsPort = 0
let database: TestDatabase
let broker: TestBroker
const clients = new TestClients(() => broker.url)
const ends: (() => unknown)[] = []

beforeAll(async () => {
  database = await createTestDatabase()
  certificates = isTlsMissing ? undefined : createCertificates()
  tlsPort = await quietPort()
  broker = await startTestBroker(database.url, {
    TELLTALE_DEVICE_CONNECTS_PER_MINUTE: String(CONNECTS_PER_MINUTE),
    ...(certificates && {
      TELLTALE_MQTTS_PORT: String(tlsPort),
      TELLTALE_TLS_CERT: certificates.serverCert.path,
      TELLTALE_TLS_KEY: certificates.serverKey.path,
    }),
  })
})
afterAll(async () => {
  for (const end of ends.splice(0)) await end()
  await clients.end()
  expect(await broker?.program.stop()).toBe(0)
  await database?.drop()
  certificates?.remove()
})

const newDevice = (name: string): Promise<Credentials> => registerDevice(database.pool, name)

async function startWitness(name: string): Promise<Witness> {
  const witness = await Witness.connect(broker.url, await newDevice(name))
  ends.push(() => witness.end())
  witness.start()
  await flowsAgain(witness)
  return witness
}

const connectPacket = ({ username, password }: Credentials, keepalive = 60) => ({
  cmd: 'connect' as const,
  ...{ clientId: username, clean: true, keepalive, protocolId: 'MQTT' as const, protocolVersion: 4 as const },
  ...{ username, password: Buffer.from(password) },
})

async function openRaw(url: string): Promise<RawClient> {
  const raw = await openRawClient(url as BrokerUrl)
  ends.push(() => raw.drop())
  return raw
}

async function openTls(): Promise<RawClient> {
  const socket = connectTls({ port: tlsPort, host: '127.0.0.1', ca: certificates?.ca.pem })
  await new Promise((resolve, reject) => socket.once('secureConnect', resolve).once('error', reject))
  const raw = new RawClient(socket)
  ends.push(() => raw.drop())
  return raw
}

async function endsOf(deviceId: string): Promise<(string | null)[]> {
  const { rows } = await database.pool.query<{ reason: string | null }>(
    'SELECT reason FROM session WHERE device_id = $1 ORDER BY id',
    [deviceId],
  )
  return rows.map(({ reason }) => reason)
}

const transports = [
  ['TCP', false, () => openRaw(broker.url)],
  ['TLS', isTlsMissing, openTls],
  ['WebSocket', false, () => openRaw(`ws://127.0.0.1:${broker.wsPort}/mqtt`)],
] as const

describe('connections', () => {
  it(`R-CONN-1 ${HERD} devices connect at once, are cut off, and come back at once: all are served, nobody waits`, async () => {
    const witness = await startWitness('witness-1')
    const herd = await Promise.all(Array.from({ length: HERD }, (_, i) => newDevice(`herd-${i}`)))
    const firstMs = Date.now() - 60_000
    for (let wave = 0; wave < 2; wave++) {
      const beganMs = performance.now()
      const open = await Promise.all(
        herd.map(async (credentials) => {
          const raw = await openRaw(broker.url)
          const payload = `{"ts":${firstMs + wave},"values":{"wave":${wave}}}`
          const topic = topics.telemetry(credentials.username)
          raw.send(connectPacket(credentials), publishPacket(topic, payload, { qos: 1, messageId: 1 }))
          return raw
        }),
      )
      await waitFor('all answers', () => open.every(({ inbox }) => inbox.length === 2), RECOVERED_WITHIN_MS)
      for (const { inbox } of open)
        expect(inbox.map((packet) => (packet.cmd === 'connack' ? packet.returnCode : packet.cmd))).toEqual([
          0,
          'puback',
        ])
      expect(performance.now() - beganMs).toBeLessThan(RECOVERED_WITHIN_MS)
      for (const raw of open) raw.drop()
    }
    const { rows } = await database.pool.query<{ device_id: string; waves: number[] }>(
      `SELECT s.device_id, array_agg(r.value ORDER BY r.time) AS waves FROM reading r
       JOIN series s ON s.id = r.series_id WHERE s.device_id LIKE 'herd-%' GROUP BY 1`,
    )
    expect(rows).toHaveLength(HERD)
    for (const { waves } of rows) expect(waves).toEqual([0, 1])
    await waitFor('nobody of them to be online', async () => {
      const online = `SELECT 1 FROM session WHERE device_id LIKE 'herd-%' AND disconnected_at IS NULL`
      return (await database.pool.query(online)).rowCount === 0
    })
    await expectWhole(database.pool, witness)
  })

  it('R-CONN-2 of peers gone without a word the connections end in time, and whoever is back before is served', async () => {
    const witness = await startWitness('witness-2')
    const names = Array.from({ length: 20 }, (_, i) => `half-${i}`)
    const halfOpen = await Promise.all(
      names.map(async (name) => {
        const raw = await openRaw(broker.url)
        raw.answers = false
        raw.send(connectPacket(await newDevice(name), 1))
        await raw.subscribe([topics.telemetry(name)], 1)
        return raw
      }),
    )
    const returning = await newDevice('returning')
    const gone = await openRaw(broker.url)
    gone.send(connectPacket(returning))
    await gone.take('connack')
    const back = await openRaw(broker.url)
    back.send(connectPacket(returning))
    await back.take('connack')
    await back.publish(topics.telemetry('returning'), '{"n":1}', { qos: 1 })
    await waitFor('its end', async () => (await endsOf('returning')).join() === 'taken_over,')
    await Promise.all(halfOpen.map((raw) => raw.closed()))
    for (const name of names)
      await waitFor('its end', async () => (await endsOf(name)).join() === 'keep_alive_lost')
    // One that sends its last and closes its half at once.
    const socket = connectTcp(broker.port, '127.0.0.1')
    socket.on('error', () => {}).write(generate(connectPacket(await newDevice('brief'))))
    await once(socket, 'data')
    socket.end(generate(publishPacket(topics.telemetry('brief'), '{"n":1}', { qos: 1 })))
    await waitFor('its reading', async () => 'n' in (await storedValues(database.pool, 'brief')))
    await expectWhole(database.pool, witness)
  })

  it.each(transports)(
    'R-CONN-3 publishes behind a CONNECT over %s count when it is accepted, and only then',
    async (name, isMissing, open) => {
      if (isMissing) return
      const credentials = await newDevice(`early-${name}`)
      const topic = topics.telemetry(credentials.username)
      const readings = Array.from({ length: 5 }, (_, n) =>
        publishPacket(topic, `{"n":${n}}`, { qos: 1, messageId: n + 1 }),
      )
      const refused = await open()
      refused.send(connectPacket({ ...credentials, password: 'wrong' }), ...readings)
      expect(await refused.closed()).toMatchObject([{ cmd: 'connack', returnCode: 4 }])
      const accepted = await open()
      accepted.send(connectPacket(credentials), ...readings)
      await waitFor('all answers', () => accepted.inbox.length === 6)
      expect(accepted.inbox.map(({ cmd, messageId }) => messageId ?? cmd)).toEqual(['connack', 1, 2, 3, 4, 5])
      expect(await storedValues(database.pool, credentials.username)).toEqual({ n: [0, 1, 2, 3, 4] })
    },
  )

  it('R-CONN-4 nobody takes a connection over with a wrong secret, however often', async () => {
    const witness = await startWitness('witness-4')
    for (let i = 0; i < 30; i++) {
      const wrong = {
        username: 'witness-4',
        password: `wrong ${i}`,
        clientId: i % 2 ? 'witness-4' : `other-${i}`,
      }
      expect([3, 4]).toContain(await clients.outcome(wrong))
    }
    await expectWhole(database.pool, witness)
    expect(await endsOf('witness-4')).toEqual([null])
  })

  it('R-CONN-5 two with one identity that take each other over: it ends by itself, and nobody else notices', async () => {
    const witness = await startWitness('witness-5')
    const credentials = { ...(await newDevice('twin')), clientId: 'twin' }
    const twins: MqttClient[] = []
    let connects = 0
    const beganMs = performance.now()
    for (let i = 0; i < 2; i++) {
      const twin = clients.dial({ ...credentials, reconnectPeriod: 20, reconnectOnConnackError: true })
      twin.on('connect', () => connects++)
      twins.push(twin)
    }
    // As many connects as a device has in a minute; then whoever is there stays.
    await waitFor('the last of them', () => connects >= CONNECTS_PER_MINUTE)
    await sleep(500)
    // And those that the minute gave back meanwhile, on a machine that is slow.
    const elapsedMs = performance.now() - beganMs
    expect(connects).toBeLessThanOrEqual(
      CONNECTS_PER_MINUTE + Math.floor((elapsedMs / 60_000) * CONNECTS_PER_MINUTE),
    )
    // One that the minute gave back just now takes over in two steps, and its row follows.
    await waitFor('one of them, and its session', async () => {
      const reasons = await endsOf('twin')
      const isOneOpen = reasons.filter((reason) => reason === null).length === 1
      const isOneThere = twins.filter(({ connected }) => connected).length === 1
      return reasons.length === connects && isOneOpen && isOneThere
    })
    await expectWhole(database.pool, witness)
  })

  it('R-CONN-6 who sends no CONNECT, or slowly, or says that it is huge, is closed in time and costs nobody anything', async () => {
    const witness = await startWitness('witness-6')
    const beganMs = performance.now()
    const bytes = generate(connectPacket(await newDevice('slow')))
    const [silent, slow, huge] = [await idlers(), await idlers(), await idlers()]
    // A CONNECT of 256 MB.
    for (const socket of huge) socket.write(Buffer.from([0x10, 0xff, 0xff, 0xff, 0x7f]))
    const closedOf = (sockets: Socket[]) => sockets.filter(({ destroyed }) => destroyed).length
    await waitFor('the huge ones to be closed', () => closedOf(huge) === IDLERS)
    expect(closedOf(silent)).toBe(0)
    for (let i = 0; closedOf(slow) < IDLERS; i = Math.min(i + 1, bytes.length - 2)) {
      for (const socket of slow)
        if (socket.writable && i < bytes.length - 2) socket.write(bytes.subarray(i, i + 1))
      await sleep(100)
    }
    await waitFor('the silent ones to be closed', () => closedOf(silent) === IDLERS)
    const tookMs = performance.now() - beganMs
    expect(tookMs).toBeGreaterThan(limits.gate.connectTimeoutMs)
    expect(tookMs).toBeLessThan(limits.gate.connectTimeoutMs + 3_000)
    await expectWhole(database.pool, witness)
  })
})

async function idlers(): Promise<Socket[]> {
  const sockets = Array.from({ length: IDLERS }, () => connectTcp(broker.port, '127.0.0.1'))
  for (const socket of sockets) {
    socket.on('error', () => {}).resume()
    ends.push(() => socket.destroy())
  }
  await waitFor('all of them', () => sockets.every(({ connecting }) => !connecting))
  return sockets
}
