import { randomBytes } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { registerDevice, registerIntegration } from '@telltale/infra/testing/broker'
import { createTestDatabase } from '@telltale/infra/testing/database'
import { SmallDisk, smallDisksMissing } from '@telltale/infra/testing/small-disk'
import { waitFor } from '@telltale/infra/testing/wait'
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from 'vitest'
import { type SpoolState, topics } from '../src/contract/index.ts'
import { collect, storedValues, TestClients } from './clients.ts'
import { FaultWorld } from './fault-world.ts'
import { RECOVERED_WITHIN_MS } from './faults.ts'
import { SpoolWatch } from './spool-watch.ts'

const MEBIBYTE = 1024 * 1024
const BROKER_BYTES_MAX = 512 * MEBIBYTE
/** What one device would send into a full spool. */
const OFFERED_MESSAGES = 3_000
/** All attempts that were under way have been for longer than a prompt one takes. */
const FROZEN_ON_MS = 1_500
/** Of each message its own, for what repeats itself takes no room on disk. */
const padding = () => randomBytes(750).toString('base64')

const isMissing = smallDisksMissing()
let world: FaultWorld
let watch: SpoolWatch
let disk: SmallDisk | undefined
const clients = new TestClients(() => world.broker.url)

beforeAll(async () => {
  disk = isMissing ? undefined : new SmallDisk(32)
  const env = { TELLTALE_SPOOL_BYTES: String(MEBIBYTE) }
  const database = await createTestDatabase()
  world = await FaultWorld.open({ database, env, ...(disk && { dataDir: disk.folder }) })
  watch = await SpoolWatch.start(world.broker)
})
beforeEach(() => world.tellWhy())
afterEach(async () => {
  await disk?.free()
  world.proxy.pass()
  await clients.end()
})
afterAll(async () => {
  await watch?.end()
  await world?.close()
  disk?.remove()
})

/** Nothing is acknowledged between two words of the broker, though much is sent. */
async function expectSilence(refusal: 'full' | 'disk_full'): Promise<void> {
  const isFull = ({ state }: SpoolState) => state === 'full'
  const { spool } = await watch.said('a full spool', isFull)
  expect(spool.refusal).toBe(refusal)
  // What was kept last is acknowledged on other connections: it may be heard behind the first word, not the second.
  await watch.said('the second word of that', isFull)
  const before = world.load.acknowledged
  await watch.said('its next word', isFull)
  expect(world.load.acknowledged).toBe(before)
}

it('R-DB-14 a full spool: nothing more is acknowledged or read, others go on, nothing is lost', async () => {
  const { database, proxy, load } = world
  await registerDevice(database.pool, 'bulk')
  const bulk = await clients.attach({ username: 'bulk', password: 'secret-of-bulk', keepalive: 0 })
  const plain = await clients.attach(await registerIntegration(database.pool, 'plain'))
  const speaker = await clients.attach(await registerDevice(database.pool, 'speaker'))
  const heard = collect(plain)
  await plain.subscribeAsync('plain/#', { qos: 1 })
  proxy.refuse()
  const startMs = Date.now() - OFFERED_MESSAGES
  let acknowledged = 0
  for (let n = 0; n < OFFERED_MESSAGES; n++)
    bulk.publish(
      topics.telemetry('bulk'),
      `{"ts":${startMs + n},"values":{"n":${n},"pad":"${padding()}"}}`,
      { qos: 1 },
      (error) => {
        if (!error) acknowledged++
      },
    )
  await expectSilence('full')
  expect(acknowledged).toBeLessThan(OFFERED_MESSAGES)
  // What words have room for says nothing of readings.
  for (let n = 0; n < 10; n++) await speaker.publishAsync(topics.status('speaker'), 'online', { qos: 1 })
  await expectSilence('full')
  expect(world.broker.program.output().match(/the spool takes messages again/g)?.length ?? 0).toBeLessThan(10)
  await plain.publishAsync('plain/word', 'heard', { qos: 1 })
  await waitFor('the word', () => heard.length === 1)
  proxy.pass()
  await waitFor('the last PUBACK', () => acknowledged === OFFERED_MESSAGES, 20_000)
  await watch.recovered(() => load.goesOn())
  expect(await load.faults()).toEqual([])
  const { n } = await storedValues(database.pool, 'bulk')
  expect(n?.length).toBe(OFFERED_MESSAGES)
  expect(watch.rssBytesMax).toBeLessThan(BROKER_BYTES_MAX)
})

it.skipIf(isMissing)(
  'R-DB-15 the disk of the broker is full as well: the same, and it spools when there is room',
  async () => {
    const { proxy, load } = world
    await disk?.fill()
    proxy.refuse()
    await expectSilence('disk_full')
    await disk?.free()
    await load.goesOn(10)
    proxy.pass()
    await world.recovered()
    expect(await load.faults()).toEqual([])
  },
)

it.skipIf(isMissing)(
  'R-DB-20 with a full disk a database that stood still and goes on is used again, within ten seconds',
  async () => {
    const { proxy, load } = world
    await disk?.fill()
    proxy.freeze()
    await watch.said('an outage that cannot spool', ({ state }) => state === 'full')
    await sleep(FROZEN_ON_MS)
    proxy.pass()
    await load.goesOn(5, RECOVERED_WITHIN_MS)
    await watch.said('an outage that is over', ({ state }) => state === 'empty', RECOVERED_WITHIN_MS)
    expect(await load.faults()).toEqual([])
  },
)
