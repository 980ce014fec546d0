import { setTimeout as sleep } from 'node:timers/promises'
import { startTestApi, type TestApiProgram } from '@telltale/infra/testing/api'
import { registerDevice, startTestBroker, type TestBroker } from '@telltale/infra/testing/broker'
import { createTestDatabase, type TestDatabase } from '@telltale/infra/testing/database'
import { random } from '@telltale/infra/testing/random'
import { waitFor } from '@telltale/infra/testing/wait'
import { generate } from 'mqtt-packet'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { topics } from '../src/contract/index.ts'
import { storedValues, TestClients } from './clients.ts'
import { expectStored, expectWhole, flowsAgain, followStream, RECOVERED_WITHIN_MS } from './faults.ts'
import { type BrokerUrl, openRawClient, publishPacket, type RawClient } from './mqtt/raw-client.ts'
import { Witness } from './witness.ts'

const seed = Number(process.env.TELLTALE_TEST_SEED ?? Math.floor(Math.random() * 2 ** 31))
const KILLS = 3
/** Longer than 1.5 keep-alives of every client here, and than a connection may take to send its CONNECT. */
const FROZEN_MS = 5_500
const API_FROZEN_MS = 3_000
const firstMs = Date.now() - 3_600_000

let database: TestDatabase
let broker: TestBroker
let count = 0
const clients = new TestClients(() => broker.url)
const witnesses: Witness[] = []
const raws: RawClient[] = []

beforeAll(async () => {
  database = await createTestDatabase()
  broker = await startTestBroker(database.url)
})
afterEach(async () => {
  await Promise.all(witnesses.splice(0).map((witness) => witness.end()))
  for (const raw of raws.splice(0)) raw.drop()
  await clients.end()
})
afterAll(async () => {
  expect(await broker?.program.stop()).toBe(0)
  await database?.drop()
})

const newDevice = (): Promise<{ username: string; password: string }> =>
  registerDevice(database.pool, `d${++count}`)

async function startWitness(options = {}): Promise<Witness> {
  const witness = await Witness.connect(broker.url, await newDevice(), options)
  witnesses.push(witness)
  witness.start()
  await flowsAgain(witness)
  return witness
}

const connectPacket = (
  { username, password }: { username: string; password: string },
  keepalive: number,
) => ({
  cmd: 'connect' as const,
  ...{ clientId: username, clean: true, keepalive, protocolId: 'MQTT' as const, protocolVersion: 4 as const },
  ...{ username, password: Buffer.from(password) },
})

async function attachRaw(credentials: { username: string; password: string }, keepalive: number) {
  const raw = await openRawClient(broker.url as BrokerUrl)
  raws.push(raw)
  raw.send(connectPacket(credentials, keepalive))
  expect((await raw.next('connack')).returnCode).toBe(0)
  return raw
}

const openSessions = async (deviceId: string) => {
  const { rows } = await database.pool.query<{ reason: string | null }>(
    'SELECT reason FROM session WHERE device_id = $1 ORDER BY id',
    [deviceId],
  )
  return rows.map(({ reason }) => reason)
}

/** Stands still, as a machine that swaps, a paused container or a blocked event loop. */
async function freeze(program: { process: TestBroker['program']['process'] }, forMs: number): Promise<void> {
  program.process.kill('SIGSTOP')
  await sleep(forMs)
  program.process.kill('SIGCONT')
}

it('R-PROC-1 the broker killed with -9 at random moments under load: all it acknowledged is stored, once', async () => {
  console.log(`R-PROC-1 seed ${seed}`)
  const next = random(seed)
  let isOver = false
  let acknowledged = 0
  const devices = await Promise.all(Array.from({ length: 8 }, newDevice))
  const flows = devices.map(async (credentials) => {
    const client = clients.dial({ ...credentials, reconnectPeriod: 50 })
    const topic = topics.telemetry(credentials.username)
    let sent = 0
    // Sent again by the client library until it is acknowledged.
    for (; !isOver; sent++, acknowledged++) {
      const reading = `{"ts":${firstMs + sent},"values":{"count":${sent}}}`
      await client.publishAsync(topic, reading, { qos: 1 })
    }
    return { deviceId: credentials.username, sent }
  })
  const flowAgain = () => {
    const before = acknowledged
    return waitFor('readings to flow', () => acknowledged > before + 100, RECOVERED_WITHIN_MS)
  }
  await flowAgain()
  for (let kills = 0; kills < KILLS; kills++) {
    await sleep(next() * 300)
    await broker.program.kill()
    await broker.restart()
    await flowAgain()
  }
  isOver = true
  for (const { deviceId, sent } of await Promise.all(flows)) await expectStored(database.pool, deviceId, sent)
})

describe('the broker stands still', () => {
  it('R-PROC-2 frozen for seconds it takes nobody for silent, closes nobody, loses nothing and goes on at once', async () => {
    const { pid } = broker.program.process
    const witness = await startWitness({ keepalive: 60 })
    const [quiet, hasty, slow] = [await newDevice(), await newDevice(), await newDevice()]
    // Its 1.5 keep-alives pass while the broker stands; it does what it has to, and pings.
    const pinging = await attachRaw(quiet, 3)
    const half = await openRawClient(broker.url as BrokerUrl)
    raws.push(half)
    const bytes = generate(connectPacket(slow, 60))
    half.sendBytes(bytes.subarray(0, 20))
    await pinging.ping()

    const frozen = freeze(broker.program, FROZEN_MS)
    for (let i = 0; i < 4; i++) {
      await sleep(FROZEN_MS / 5)
      pinging.send({ cmd: 'pingreq' })
      if (i === 1) half.sendBytes(bytes.subarray(20))
    }
    const newcomer = await openRawClient(broker.url as BrokerUrl)
    raws.push(newcomer)
    const topic = topics.telemetry(hasty.username)
    newcomer.send(connectPacket(hasty, 60), publishPacket(topic, '{"n":1}', { qos: 1, messageId: 1 }))
    await frozen

    const endedMs = performance.now()
    await flowsAgain(witness)
    for (let i = 0; i < 4; i++) await pinging.take('pingresp')
    await pinging.ping()
    expect((await half.take('connack')).returnCode).toBe(0)
    await newcomer.take('puback')
    expect(performance.now() - endedMs).toBeLessThan(RECOVERED_WITHIN_MS)
    await expectWhole(database.pool, witness)
    expect(await storedValues(database.pool, hasty.username)).toEqual({ n: [1] })
    for (const device of [witness.deviceId, quiet.username])
      expect(await openSessions(device), device).toEqual([null])
    expect(broker.program.process.pid).toBe(pid)
  })

  it('R-PROC-3 an event loop that hardly ever runs, with large messages to read, closes nobody and loses nothing', async () => {
    const witness = await startWitness({ keepalive: 5 })
    const backlogs = await Promise.all(
      Array.from({ length: 4 }, async () => {
        const credentials = await newDevice()
        return { credentials, raw: await attachRaw(credentials, 1) }
      }),
    )
    const each = 12
    for (const { credentials, raw } of backlogs)
      raw.send(
        ...Array.from({ length: each }, (_, i) =>
          publishPacket(topics.telemetry(credentials.username), largeBacklog(i), {
            qos: 1,
            messageId: i + 1,
          }),
        ),
      )
    const pinging = setInterval(() => {
      for (const { raw } of backlogs) raw.send({ cmd: 'pingreq' })
    }, 200)
    // 20 ms of work after 400 ms of nothing, again and again.
    for (let pulse = 0; pulse < 5; pulse++) {
      await freeze(broker.program, 400)
      await sleep(20)
    }
    for (const { raw } of backlogs)
      await waitFor('its answers', () => raw.inbox.filter(({ cmd }) => cmd === 'puback').length === each)
    await expectWhole(database.pool, witness)
    for (const { credentials } of backlogs) {
      const stored = await storedValues(database.pool, credentials.username)
      expect(Object.keys(stored)).toHaveLength(METRICS)
      for (const values of Object.values(stored)) expect(values).toHaveLength(each * READINGS)
      expect(await openSessions(credentials.username)).toEqual([null])
    }
    for (const { raw } of backlogs) expect(raw.isClosed).toBe(false)
    clearInterval(pinging)
  })
})

const METRICS = 256
const READINGS = 16

/** About 64 KiB: readings of 256 metrics each. */
function largeBacklog(number: number): string {
  const values = Object.fromEntries(Array.from({ length: METRICS }, (_, i) => [`metric${i}`, 1.5]))
  return JSON.stringify(
    Array.from({ length: READINGS }, (_, i) => ({ ts: firstMs + number * READINGS + i, values })),
  )
}

describe('the API stands still', () => {
  let api: TestApiProgram

  beforeAll(async () => {
    api = await startTestApi(database, broker)
  })
  afterAll(async () => {
    await api?.program.stop()
  })

  it('R-PROC-4 frozen for seconds it holds up no reading, and its live streams go on', async () => {
    const witness = await startWitness()
    const stream = await followStream(api, witness.deviceId)
    await waitFor('live readings', () => stream.text.includes('"count"'))
    const before = witness.acknowledged
    await freeze(api.program, API_FROZEN_MS)
    expect(witness.acknowledged - before).toBeGreaterThan(API_FROZEN_MS / 50)
    const endedMs = performance.now()
    expect((await api.call(`GET /devices/${witness.deviceId}`)).status).toBe(200)
    const seen = witness.acknowledged
    const newest = () => Number([...stream.text.matchAll(/"count":(\d+)/g)].at(-1)?.[1])
    await waitFor('what came after', () => newest() > seen, RECOVERED_WITHIN_MS)
    expect(performance.now() - endedMs).toBeLessThan(RECOVERED_WITHIN_MS)
    expect(stream.isOver).toBe(false)
    stream.close()
    await expectWhole(database.pool, witness)
  })
})
