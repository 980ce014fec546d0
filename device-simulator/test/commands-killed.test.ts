import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { Releases } from '@telltale/infra/service'
import { startTestApi, type TestApiProgram } from '@telltale/infra/testing/api'
import { registerDevice, startTestBroker, type TestBroker } from '@telltale/infra/testing/broker'
import { createTestDatabase, type TestDatabase } from '@telltale/infra/testing/database'
import { random } from '@telltale/infra/testing/random'
import { waitFor } from '@telltale/infra/testing/wait'
import { afterAll, beforeAll, expect, it, onTestFailed } from 'vitest'
import { startCommandDevice } from './command-device.ts'
import { SocketClient } from './socket-client.ts'

const SEED = 11
const KILLS = 3
/** Under the limit of one socket. */
const SEND_EVERY_MS = 60

const releases = new Releases()
let database: TestDatabase
let broker: TestBroker
let api: TestApiProgram

beforeAll(async () => {
  database = await createTestDatabase()
  releases.add('database', () => database.drop())
  broker = await startTestBroker(database.url)
  releases.add('broker', () => broker.program.stop())
  api = await startTestApi(database, broker)
  releases.add('api', () => api.program.stop())
})
afterAll(() => releases.run())

it('C-CHAOS-2 an API killed with -9 while commands come: each id has one row and was sent once, or none', async () => {
  console.log(`commands while the API is killed: seed ${SEED}`)
  onTestFailed(() => console.error(api.program.output(), broker.program.output()))
  const numbers = random(SEED)
  const device = await startCommandDevice(broker.url, await registerDevice(database.pool, 'blinker'))
  const headers = { authorization: `Bearer ${api.token}` }
  const asked: string[] = []
  const answered = new Set<string>()
  for (let kill = 0; kill < KILLS; kill++) {
    const socket = await SocketClient.open(api.url, headers)
    const before = asked.length
    const wanted = before + 3 + Math.floor(numbers() * 15)
    let killed: Promise<void> | undefined
    // On until the line breaks: some are on their way when the API dies.
    for (;;) {
      const id = randomUUID()
      if (!socket.command({ id, deviceId: 'blinker', name: `blink ${asked.length}` })) break
      asked.push(id)
      if (asked.length >= wanted) killed ??= api.program.kill()
      await sleep(killed ? 0 : numbers() * SEND_EVERY_MS * 2)
    }
    await killed
    for (const id of asked) if (socket.statuses(id).length > 0) answered.add(id)
    await api.restart()
  }

  const rows = new Set<string>()
  for (const id of asked) {
    const { status, body } = await api.call(`GET /commands/${id}`)
    expect([200, 404]).toContain(status)
    if (status !== 200) continue
    rows.add(id)
    expect(body).toMatchObject({ id, deviceId: 'blinker' })
  }
  await waitFor('all of them to be done', async () => {
    const { rows: open } = await database.pool.query('SELECT FROM command WHERE finished_at IS NULL')
    return open.length === 0
  })
  const stored = await database.pool.query<{ id: string; status: string }>('SELECT id, status FROM command')
  expect(stored.rows.map(({ id }) => id).toSorted()).toEqual([...rows].toSorted())
  expect(stored.rows.filter(({ status }) => status !== 'succeeded')).toEqual([])
  // Nobody is told of a command that is not there, and the device got each exactly once.
  expect([...answered].filter((id) => !rows.has(id))).toEqual([])
  expect(device.received.toSorted()).toEqual([...rows].toSorted())

  // What to do with an id without an answer: ask again with it. It stays one command.
  const socket = await SocketClient.open(api.url, headers)
  const unsure = asked.filter((id) => !answered.has(id))
  for (const id of unsure) {
    socket.command({ id, deviceId: 'blinker', name: `blink ${asked.indexOf(id)}` })
    await waitFor('its end', () => socket.statuses(id).at(-1) === 'succeeded')
  }
  socket.close()
  expect(device.received.toSorted()).toEqual([...new Set([...rows, ...unsure])].toSorted())
  await device.client.endAsync()
}, 60_000)
