import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { getCommand, insertCommand } from '@telltale/infra/storage/commands'
import { deleteDevice } from '@telltale/infra/storage/deletions'
import { registerDevice, startTestBroker, type TestBroker } from '@telltale/infra/testing/broker'
import { createTestDatabase, type TestDatabase } from '@telltale/infra/testing/database'
import { type DatabaseProxy, startDatabaseProxy } from '@telltale/infra/testing/database-proxy'
import { waitFor } from '@telltale/infra/testing/wait'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { topics } from '../src/contract/index.ts'
import { storedValues, TestClients } from './clients.ts'
import { type FakeClock, findFakeClock, startFakeClock } from './fake-clock.ts'
import { expectWhole, flowsAgain, RECOVERED_WITHIN_MS } from './faults.ts'
import { type BrokerUrl, openRawClient } from './mqtt/raw-client.ts'
import { RawDevice } from './raw-device.ts'
import { Witness } from './witness.ts'

const HOUR_MS = 3_600_000
const library = findFakeClock()

let database: TestDatabase
let proxy: DatabaseProxy
let clock: FakeClock | undefined
let broker: TestBroker
let count = 0
const clients = new TestClients(() => broker.url)
const ends: (() => unknown)[] = []

beforeAll(async () => {
  database = await createTestDatabase()
  proxy = await startDatabaseProxy(database.url)
  clock = library === undefined ? undefined : startFakeClock(library)
  broker = await startTestBroker(proxy.url, clock?.env)
})
afterEach(async () => {
  for (const end of ends.splice(0)) await end()
  await clients.end()
})
afterAll(async () => {
  expect(await broker?.program.stop()).toBe(0)
  await proxy?.close()
  await database?.drop()
  clock?.remove()
})

const newDevice = (): Promise<{ username: string; password: string }> =>
  registerDevice(database.pool, `d${++count}`)

async function startWitness(): Promise<Witness> {
  const witness = await Witness.connect(broker.url, await newDevice())
  ends.push(() => witness.end())
  witness.start()
  await flowsAgain(witness)
  return witness
}

async function attachRaw({ username, password }: { username: string; password: string }, keepalive: number) {
  const raw = await openRawClient(broker.url as BrokerUrl)
  ends.push(() => raw.drop())
  raw.send({
    cmd: 'connect',
    ...{ clientId: username, clean: true, keepalive, protocolId: 'MQTT', protocolVersion: 4 },
    ...{ username, password: Buffer.from(password) },
  })
  expect((await raw.next('connack')).returnCode).toBe(0)
  return raw
}

async function queue(deviceId: string, ttlMs: number): Promise<string> {
  const id = randomUUID()
  await insertCommand(database.pool, { id, deviceId, name: 'x', params: {}, ttlMs, createdBy: 'test' })
  return id
}

const statusOf = async (id: string) => (await getCommand(database.pool, id))?.status

/** When its readings were taken, as stored. */
async function storedTimes(deviceId: string): Promise<number[]> {
  const { rows } = await database.pool.query<{ ms: number }>(
    `SELECT extract(epoch FROM r.time)::double precision * 1000 AS ms FROM reading r
     JOIN series s ON s.id = r.series_id WHERE s.device_id = $1 ORDER BY r.time`,
    [deviceId],
  )
  return rows.map(({ ms }) => ms)
}

/** Acknowledged, without a time of its own, and stored with the broker's. */
async function expectStampedWith(aheadMs: number): Promise<void> {
  const device = await newDevice()
  const client = await clients.attach(device)
  for (let n = 0; n < 2; n++)
    await client.publishAsync(topics.telemetry(device.username), `{"n":${n}}`, { qos: 1 })
  const times = await storedTimes(device.username)
  expect(times).toHaveLength(2)
  for (const time of times) expect(Math.abs(time - Date.now() - aheadMs)).toBeLessThan(60_000)
}

describe.skipIf(library === undefined)("the broker's wall clock is set", () => {
  it.each([
    ['forward', HOUR_MS],
    ['back', -HOUR_MS],
  ])(
    'R-TIME-1 an hour %s: nobody is closed, nothing ends early or late, readings go on',
    async (_name, aheadMs) => {
      const witness = await startWitness()
      const [away, pinging] = [await newDevice(), await attachRaw(await newDevice(), 1)]
      const [long, short] = [await queue(away.username, 30_000), await queue(away.username, 2_000)]
      const silent = await attachRaw(await newDevice(), 1)
      const silentMs = performance.now()

      clock?.set(aheadMs)
      // Longer than 1.5 keep-alives.
      for (let i = 0; i < 4; i++) {
        await pinging.ping()
        // A slow machine has to be allowed to close it by right.
        if (performance.now() - silentMs < 1_000) expect(silent.isClosed).toBe(false)
        await sleep(400)
      }
      await silent.closed()
      expect(performance.now() - silentMs).toBeLessThan(4_000)
      expect(pinging.isClosed).toBe(false)
      await expectStampedWith(aheadMs)

      expect(await statusOf(long)).toBe('queued')
      await waitFor('the end of the short one', async () => (await statusOf(short)) === 'expired')
      const device = await RawDevice.connect(broker.port, away, (delivery, to) => to.puback(delivery))
      ends.push(() => device.cut())
      await waitFor('the long one', () => device.deliveries.length === 1)
      expect(device.deliveries[0]?.id).toBe(long)
      expect(device.deliveries[0]?.ttlMs).toBeGreaterThan(20_000)
      expect(device.deliveries[0]?.ttlMs).toBeLessThanOrEqual(30_000)

      await expectWhole(database.pool, witness)
      const { rows } = await database.pool.query('SELECT reason FROM session WHERE device_id = $1', [
        witness.deviceId,
      ])
      expect(rows).toEqual([{ reason: null }])
    },
  )

  it('R-TIME-2 while the database is away: what waits is stored as it was received, once, when it is back', async () => {
    clock?.set(0)
    const witness = await startWitness()
    const device = await newDevice()
    const undated = await clients.attach(device)
    const say = (n: number) =>
      undated.publishAsync(topics.telemetry(device.username), `{"n":${n}}`, { qos: 1 })
    await say(0)
    proxy.refuse()
    await say(1)
    clock?.set(HOUR_MS)
    await say(2)
    clock?.set(-HOUR_MS)
    await say(3)
    proxy.pass()
    const endedMs = performance.now()
    await waitFor('all of it', async () => (await storedTimes(device.username)).length === 4)
    expect(performance.now() - endedMs).toBeLessThan(RECOVERED_WITHIN_MS)
    // In the order of their times.
    expect(await storedValues(database.pool, device.username)).toEqual({ n: [3, 0, 1, 2] })
    await waitFor(
      'the rest',
      async () => (await storedTimes(witness.deviceId)).length >= witness.acknowledged,
    )
    await expectWhole(database.pool, witness)
  })

  it('R-TIME-4 behind that of the database: what a device made again sends during an outage is stored', async () => {
    clock?.set(-HOUR_MS)
    const device = await newDevice()
    await deleteDevice(database.pool, device.username, 'test')
    await registerDevice(database.pool, device.username)
    const client = await clients.attach(device)
    const say = (n: number) =>
      client.publishAsync(topics.telemetry(device.username), `{"n":${n}}`, { qos: 1 })
    await say(0)
    proxy.refuse()
    for (let n = 1; n < 4; n++) await say(n)
    proxy.pass()
    const all = { n: [0, 1, 2, 3] }
    const isThere = async () => (await storedValues(database.pool, device.username)).n?.length === 4
    await waitFor('all of it', isThere, RECOVERED_WITHIN_MS).catch(() => {})
    expect(await storedValues(database.pool, device.username)).toEqual(all)
  })
})

it('R-TIME-3 devices whose clocks are wrong by years: acknowledged, kept with the reason, nobody else is disturbed', async () => {
  clock?.set(0)
  const witness = await startWitness()
  const device = await newDevice()
  const client = await clients.attach(device)
  const wrong = [
    0,
    Date.UTC(1970, 0, 2),
    Date.UTC(2000, 0, 1),
    Date.UTC(2099, 0, 1),
    Date.UTC(2099, 0, 1) / 1_000,
  ]
  const say = (ts: number, n: number) =>
    client.publishAsync(topics.telemetry(device.username), `{"ts":${ts},"values":{"n":${n}}}`, { qos: 1 })
  for (let n = 0; n < 50; n++) await say(wrong[n % wrong.length] as number, n)
  await say(Date.now(), 50)
  expect(await storedValues(database.pool, device.username)).toEqual({ n: [50] })
  const { rows } = await database.pool.query<{ reason: string; count: number }>(
    'SELECT reason, count(*)::int AS count FROM rejected_message WHERE device_id = $1 GROUP BY 1 ORDER BY 1',
    [device.username],
  )
  expect(rows.reduce((sum, { count }) => sum + count, 0)).toBe(50)
  for (const { reason } of rows) expect(reason).toMatch(/ts/)
  expect(client.connected).toBe(true)
  await expectWhole(database.pool, witness)
})
