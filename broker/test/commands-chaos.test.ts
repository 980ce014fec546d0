import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { type CommandRecord, getCommand } from '@telltale/infra/storage/commands'
import { startTestApi, type TestApiProgram } from '@telltale/infra/testing/api'
import { registerDevice, startTestBroker, type TestBroker } from '@telltale/infra/testing/broker'
import { createTestDatabase, type TestDatabase } from '@telltale/infra/testing/database'
import { random } from '@telltale/infra/testing/random'
import { waitFor } from '@telltale/infra/testing/wait'
import { connect, type MqttClient } from 'mqtt'
import { afterAll, beforeAll, expect, it, onTestFailed } from 'vitest'
import { filters, topics } from '../src/contract/index.ts'
import { ChaosDevice, cancelOne, pickFrom, queueCommand, type WorldDeps } from './chaos-world.ts'

const SEEDS = [1, 2, 3, 4]
/** The one in which commands are made through the API, which is killed as well. */
const API_SEED = 4
const STEPS = 60
const STEP_MS_MAX = 40
/** The broker's clock is read with a query's delay: a command may leave so much after its time. */
const CLOCK_MS = 250

let database: TestDatabase
let broker: TestBroker
let platform: MqttClient
const told = new Map<string, string[]>()

beforeAll(async () => {
  database = await createTestDatabase()
  broker = await startTestBroker(database.url, { TELLTALE_DEVICE_CONNECTS_PER_MINUTE: '1000' })
  const { url, platformSecret: password } = broker
  platform = connect(url, { username: '$telltale', password, reconnectPeriod: 50, queueQoSZero: false })
  platform.on('message', (_topic, payload) => {
    const { id, status } = JSON.parse(payload.toString()) as CommandRecord
    told.set(id, [...(told.get(id) ?? []), status])
  })
  platform.on('connect', () => platform.subscribe(filters.platform('commands')))
  platform.on('error', () => {})
  await waitFor('the platform', () => platform.connected)
})
afterAll(async () => {
  await platform?.endAsync(true)
  await broker?.program.kill()
  await database?.drop()
})

it.each(SEEDS)(
  'C-CHAOS-1 whatever a network, firmware and kills do, a command is what its row says (seed %i)',
  { timeout: 90_000 },
  async (seed) => {
    onTestFailed(() => console.error(`seed ${seed}`, broker.program.output()))
    const next = random(seed)
    const deps: WorldDeps = {
      ...{ pool: database.pool, next, port: broker.port },
      nudge: (deviceId) => platform.publish(topics.platform('nudge', deviceId), '', { qos: 0 }, () => {}),
    }
    const devices: ChaosDevice[] = []
    for (const name of ['a', 'b', 'c'])
      devices.push(new ChaosDevice(await registerDevice(database.pool, `${name}-${seed}`), deps))
    const api = seed === API_SEED ? await Api.start() : undefined
    const sent = await misbehave(deps, devices, api)
    for (const device of devices) await device.behave()
    const ids = await Promise.all(sent)
    const over = async (id: string) => (await getCommand(database.pool, id))?.finishedAt !== null
    for (const id of ids) await waitFor(`the end of ${id}`, () => over(id), 30_000)
    const ended = await Promise.all(ids.map((id) => getCommand(database.pool, id)))
    for (const device of devices) await device.nag()
    expect(await Promise.all(ids.map((id) => getCommand(database.pool, id)))).toEqual(ended)
    for (const device of devices) await checkDevice(device)
    expect(await countCommands(devices)).toBe(ids.length)
    await api?.stop()
  },
)

/** @returns the ids of all commands that were made */
async function misbehave(deps: WorldDeps, devices: ChaosDevice[], api?: Api): Promise<Promise<string>[]> {
  const { next } = deps
  const sent: Promise<string>[] = []
  const killAt = Math.floor(STEPS * (0.3 + 0.4 * next()))
  for (let step = 0; step < STEPS; step++) {
    const device = pickFrom(next, devices)
    if (step === killAt) {
      await broker.program.kill()
      await broker.restart()
    }
    if (api && step === killAt - 5) await api.restart()
    const kind = next()
    if (kind < 0.4) sent.push(api ? api.send(device.id) : queueCommand(deps, device.id))
    else if (kind < 0.6) await device.connect()
    else if (kind < 0.68) device.cut()
    else if (kind < 0.74) await cancelOne(deps)
    else if (kind < 0.86) device.release()
    else if (kind < 0.9) device.replyAgain()
    else if (sent.length > 0) void pickFrom(next, sent.slice(-4)).then((id) => steal(id, device))
    // The pace of the story; nothing waits for it.
    await sleep(next() * STEP_MS_MAX)
  }
  return sent
}

async function steal(id: string, thief: ChaosDevice): Promise<void> {
  if ((await getCommand(database.pool, id))?.deviceId !== thief.id) thief.steal(id)
}

async function countCommands(devices: ChaosDevice[]): Promise<number> {
  const { rows } = await database.pool.query<{ n: number }>(
    'SELECT count(*) AS n FROM command WHERE device_id = ANY($1)',
    [devices.map(({ id }) => id)],
  )
  return rows[0]?.n ?? 0
}

async function checkDevice(device: ChaosDevice): Promise<void> {
  const { rows } = await database.pool.query<{ id: string }>(
    'SELECT id FROM command WHERE device_id = $1 ORDER BY seq',
    [device.id],
  )
  const records = new Map<string, CommandRecord>()
  for (const { id } of rows) records.set(id, (await getCommand(database.pool, id)) as CommandRecord)
  for (const record of records.values()) checkRecord(record, device)
  const received = [...new Set(device.deliveries.map(({ id }) => id))]
  const order = rows.map(({ id }) => id).filter((id) => received.includes(id))
  expect(received, `order of ${device.id}`).toEqual(order)
  for (const { deliveries } of device.connections) checkOneInFlight(deliveries, records)
}

function checkRecord(record: CommandRecord, device: ChaosDevice): void {
  const { id, status, sentAt, deliveredAt, expiresAt } = record
  const deliveries = device.deliveries.filter((delivery) => delivery.id === id)
  const what = `${status} ${id}`
  expect(record.result, what).not.toBe('stolen')
  if (status === 'succeeded') expect(device.executed.get(id)?.status, what).toBe('succeeded')
  if (status === 'cancelled') expect([sentAt, deliveries], what).toEqual([null, []])
  if (status === 'expired') expect(deliveredAt, what).toBeNull()
  if (sentAt === null) expect(deliveries, what).toEqual([])
  if (deliveredAt !== null)
    expect(
      deliveries.some(({ pubackAtMs }) => pubackAtMs),
      what,
    ).toBe(true)
  for (const delivery of deliveries) {
    expect(delivery.sentAt, what).toBeLessThan(Date.parse(expiresAt) + CLOCK_MS)
    expect(delivery.ttlMs, what).toBeGreaterThan(0)
  }
  // The API may tell of `queued` later than the broker of `sent`.
  const ranks = (told.get(id) ?? []).filter((one) => one !== 'queued').map((one) => RANK.get(one) ?? 4)
  expect(ranks, what).toEqual([...ranks].sort())
}

const RANK = new Map([
  ['sent', 1],
  ['delivered', 2],
  ['accepted', 3],
])

/** Before the next one left, each had been acknowledged, or was over. */
function checkOneInFlight(deliveries: ChaosDevice['deliveries'], records: Map<string, CommandRecord>): void {
  for (const [i, { id, sentAt }] of deliveries.entries())
    for (const before of deliveries.slice(0, i).filter((one) => one.id !== id)) {
      const finishedAt = records.get(before.id)?.finishedAt
      const clearedAtMs = Math.min(
        before.pubackAtMs ?? Infinity,
        finishedAt ? Date.parse(finishedAt) : Infinity,
      )
      expect(clearedAtMs, `${before.id} was in flight with ${id}`).toBeLessThanOrEqual(sentAt)
    }
}

/** The real API, through which each command is made exactly once whatever happens to it. */
class Api {
  #program: TestApiProgram

  static async start(): Promise<Api> {
    return new Api(await startTestApi(database, broker))
  }

  private constructor(program: TestApiProgram) {
    this.#program = program
  }

  async restart(): Promise<void> {
    await this.#program.program.kill()
    this.#program = await startTestApi(database, broker)
  }

  async stop(): Promise<void> {
    expect(await this.#program.program.stop()).toBe(0)
  }

  send(deviceId: string): Promise<string> {
    const key = randomUUID()
    return waitFor('the API takes it', () => this.#post(deviceId, key).catch(() => undefined), 30_000)
  }

  async #post(deviceId: string, key: string): Promise<string | undefined> {
    const answer = await fetch(`${this.#program.url}/api/v1/devices/${deviceId}/commands`, {
      method: 'POST',
      headers: {
        ...{ authorization: `Bearer ${this.#program.token}`, 'content-type': 'application/json' },
        'idempotency-key': key,
      },
      body: JSON.stringify({ name: 'x', ttlMs: 2_000 }),
    })
    if (answer.status !== 202) return undefined
    return ((await answer.json()) as CommandRecord).id
  }
}
