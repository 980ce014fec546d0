import { randomUUID } from 'node:crypto'
import { getCommand, insertCommand } from '@telltale/infra/storage/commands'
import { registerDevice } from '@telltale/infra/testing/broker'
import { createTestDatabase } from '@telltale/infra/testing/database'
import { waitFor } from '@telltale/infra/testing/wait'
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from 'vitest'
import { topics } from '../src/contract/index.ts'
import { storedValues, TestClients } from './clients.ts'
import { FaultWorld } from './fault-world.ts'
import { RawDevice } from './raw-device.ts'
import { SpoolWatch } from './spool-watch.ts'

/** Messages of each kind, some 20 ms apart: of 5 s, longer than the idle device may be unheard. */
const LONG = 250
const SHORT = 20

let world: FaultWorld
let watch: SpoolWatch
const clients = new TestClients(() => world.broker.url)

beforeAll(async () => {
  world = await FaultWorld.open({ database: await createTestDatabase() })
  watch = await SpoolWatch.start(world.broker)
})
beforeEach(() => world.tellWhy())
afterEach(async () => {
  world.proxy.pass()
  await clients.end()
})
afterAll(async () => {
  await watch?.end()
  await world?.close()
})

/** A device with a command that it has carried out and not answered yet. */
async function commanded(deviceId: string): Promise<{ device: RawDevice; commandId: string }> {
  const credentials = await registerDevice(world.database.pool, deviceId)
  const commandId = randomUUID()
  await insertCommand(world.database.pool, {
    ...{ id: commandId, deviceId, name: 'x', params: {}, ttlMs: 60_000, createdBy: 'test' },
  })
  const device = await RawDevice.connect(world.broker.port, credentials)
  device.puback(await waitFor('the command', () => device.deliveries[0]))
  await waitFor('its delivery to be noted', async () => (await statusOf(commandId)) === 'delivered')
  return { device, commandId }
}

const statusOf = async (commandId: string) => (await getCommand(world.database.pool, commandId))?.status

async function reportedBy(deviceId: string): Promise<string | undefined> {
  const { rows } = await world.database.pool.query(
    'SELECT reported FROM session WHERE device_id = $1 ORDER BY id DESC LIMIT 1',
    [deviceId],
  )
  return rows[0]?.reported
}

it.each([
  ['R-DB-1', 'stopped', SHORT, ({ proxy }: FaultWorld) => proxy.refuse()],
  ['R-DB-2', 'frozen', LONG, ({ proxy }: FaultWorld) => proxy.freeze()],
  ['R-DB-3', 'slow by 2 s an answer', SHORT, ({ proxy }: FaultWorld) => proxy.slow(2_000)],
] as const)(
  '%s while the database is %s devices stay and are acknowledged, and all is stored once',
  async (id, _what, count, begin) => {
    const { database, load, proxy } = world
    const { device, commandId } = await commanded(`${id}-commanded`)
    const speaker = await clients.attach(await registerDevice(database.pool, `${id}-speaker`))
    await speaker.publishAsync(topics.status(`${id}-speaker`), 'online', { qos: 1 })

    begin(world)
    const replied = device.reply(commandId, { status: 'succeeded', result: 7 })
    const said = speaker.publishAsync(topics.status(`${id}-speaker`), 'offline', { qos: 1 })
    const after = speaker.publishAsync(topics.telemetry(`${id}-speaker`), '{"after":1}', { qos: 1 })
    await load.goesOn()
    await Promise.all([said, after])
    await waitFor('the PUBACK of the reply', () => device.acknowledged.has(replied))
    await load.goesOn(count)

    proxy.pass()
    await watch.recovered(() => load.goesOn())
    expect(await load.faults()).toEqual([])
    expect(await storedValues(database.pool, `${id}-speaker`)).toEqual({ after: [1] })
    await waitFor('its last word', async () => (await reportedBy(`${id}-speaker`)) === 'offline')
    await waitFor('the end of the command', async () => (await statusOf(commandId)) === 'succeeded')
    expect(await getCommand(database.pool, commandId)).toMatchObject({ result: 7 })
    device.cut()
  },
)
