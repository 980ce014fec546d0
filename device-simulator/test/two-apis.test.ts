import { randomUUID } from 'node:crypto'
import { Releases } from '@telltale/infra/service'
import { startTestApi, type TestApiProgram } from '@telltale/infra/testing/api'
import { registerDevice, startTestBroker, type TestBroker } from '@telltale/infra/testing/broker'
import { type CuttingProxy, startCuttingProxy } from '@telltale/infra/testing/cutting-proxy'
import { createTestDatabase, type TestDatabase } from '@telltale/infra/testing/database'
import { random } from '@telltale/infra/testing/random'
import { waitFor } from '@telltale/infra/testing/wait'
import { afterAll, beforeAll, expect, it, onTestFailed } from 'vitest'
import { startCommandDevice } from './command-device.ts'
import { differences, type Following, PollFollower, SseFollower, storedReadings } from './followers.ts'
import { startPublisher } from './publisher.ts'
import { trySignIn } from './session.ts'
import { SocketClient } from './socket-client.ts'

const ADMIN_PASSWORD = 'two doors, one house'
const SEED = 5
const SWITCHES = 8
/** Promise T: recovered within this after a fault's end. */
const RECOVERY_MS = 10_000
const SIGN_OUT_MS = 5_000
const LIFE = ['queued', 'sent', 'delivered', 'accepted', 'succeeded']

const releases = new Releases()
let database: TestDatabase
let broker: TestBroker
let a: TestApiProgram
let b: TestApiProgram
/** Takes each new connection to the other API. */
let door: CuttingProxy
let origin = ''

beforeAll(async () => {
  database = await createTestDatabase()
  releases.add('database', () => database.drop())
  broker = await startTestBroker(database.url)
  releases.add('broker', () => broker.program.stop())
  const env = { TELLTALE_ADMIN_PASSWORD: ADMIN_PASSWORD }
  ;[a, b] = await Promise.all([startTestApi(database, broker, env), startTestApi(database, broker, env)])
  releases.add('api a', () => a.program.stop())
  releases.add('api b', () => b.program.stop())
  door = await startCuttingProxy({ seed: SEED, targets: [a.port, b.port] })
  releases.add('door', () => door.close())
  origin = `http://127.0.0.1:${door.port}`
})
afterAll(() => releases.run())

function logsOnFailure(): void {
  onTestFailed(() => console.error(a.program.output(), b.program.output(), broker.program.output()))
}

const bearer = (api: TestApiProgram) => ({ authorization: `Bearer ${api.token}` })

async function signIn(at: string): Promise<{ cookie: string; 'x-telltale-csrf': string }> {
  const answer = await trySignIn(at, { username: 'admin', password: ADMIN_PASSWORD })
  expect(answer.status).toBe(200)
  return { cookie: answer.headers.getSetCookie()[0]?.split(';')[0] ?? '', 'x-telltale-csrf': '1' }
}

function follow(deviceId: string, at = origin): SseFollower {
  return new SseFollower({ origin: at, headers: bearer(a), deviceId, fromMs: 0 }).start()
}

async function isSettled(follower: SseFollower | PollFollower, following: Following): Promise<boolean> {
  return differences(follower.known, await storedReadings(database.pool, following)).length === 0
}

it('L-TWO-1 who signed in at one API is signed in at the other, on streams and sockets too', async () => {
  logsOnFailure()
  await registerDevice(database.pool, 'signed-in')
  const headers = await signIn(a.url)
  const me = await fetch(`${b.url}/api/v1/session`, { headers })
  expect(me.status).toBe(200)
  expect(await me.json()).toMatchObject({ user: { username: 'admin' } })
  const stream = new SseFollower({ origin: b.url, headers, deviceId: 'signed-in', fromMs: 0 }).start()
  await waitFor('hello of the other API', () => stream.count('hello') === 1)
  const socket = await SocketClient.open(b.url, headers)
  socket.close()
  await stream.stop()
})

it('L-TWO-2 from one API to the other and back: a replay or one resync, and nothing is missing or doubled', async () => {
  console.log(`two APIs: seed ${SEED}`)
  logsOnFailure()
  const numbers = random(SEED)
  const fromMs = Date.now() - 600_000
  const device = startPublisher(broker.url, await registerDevice(database.pool, 'moving'), fromMs)
  const following = { origin, headers: bearer(a), deviceId: 'moving', fromMs }
  const ports = [a.port, b.port]
  let at = 0
  door.targets = [a.port]
  const stream = new SseFollower(following).start()
  const poll = new PollFollower(following).start()
  for (let i = 0; i < SWITCHES; i++) {
    await waitFor('the stream to be open', () => stream.isOpen && stream.connections.length > i)
    // Some soon after hello, some in the middle of readings.
    const wanted = stream.count('reading') + Math.floor(numbers() * 25)
    await waitFor('readings to come', () => stream.count('reading') >= wanted)
    // Mostly to the other one, now and then to the same one again.
    if (numbers() < 0.7) at = 1 - at
    door.targets = ports.slice(at, at + 1)
    door.cut(numbers() < 0.5 ? 'fin' : 'reset')
  }
  await waitFor('the last switch', () => stream.connections.length > SWITCHES && stream.isOpen)
  await device.finish()
  const stored = await storedReadings(database.pool, following)
  expect([...stored.keys()].sort()).toEqual([...device.acknowledged].sort())
  for (const follower of [stream, poll]) {
    await waitFor('the picture to be whole', () => isSettled(follower, following), RECOVERY_MS).catch(
      () => {},
    )
    expect(follower.known).toEqual(stored)
    expect(follower.wrong).toEqual([])
    await follower.stop()
  }
  door.targets = ports
  checkResyncs(stream)
  expect(stream.count('resync')).toBeGreaterThan(0)
}, 60_000)

/** A connection to the API of the one before gets a replay; to the other one, exactly one `resync`. */
function checkResyncs(stream: SseFollower): void {
  let former: string | undefined
  for (const events of stream.connections) {
    const hello = events.find(({ type }) => type === 'hello')
    if (hello === undefined) continue
    // A client must read nothing into ids; the test knows that they begin with the epoch of an API.
    const [api] = hello.id.split('-')
    const resyncs = events.filter(({ type }) => type === 'resync')
    expect(resyncs).toHaveLength(former === undefined || former === api ? 0 : 1)
    former = api
  }
}

it('C-TWO-1 what is sent or cancelled at one API is heard at the other, every status, in order', async () => {
  logsOnFailure()
  const credentials = await registerDevice(database.pool, 'commanded')
  const stream = follow('commanded', b.url)
  await waitFor('hello', () => stream.count('hello') === 1)
  const sender = await SocketClient.open(a.url, bearer(a))
  const [cancelled, done] = [randomUUID(), randomUUID()]
  sender.command({ id: cancelled, deviceId: 'commanded', name: 'never' })
  sender.command({ id: done, deviceId: 'commanded', name: 'blink' })
  await waitFor('queued at the other API', () => stream.statuses(done).length > 0)
  const follower = await SocketClient.open(b.url, bearer(a))
  // The same id again sends nothing and answers the record: from here on it is followed there.
  for (const [id, name] of [
    [cancelled, 'never'],
    [done, 'blink'],
  ] as const)
    follower.command({ id, deviceId: 'commanded', name })
  await waitFor('its answer', () => follower.statuses(done).length > 0)
  expect((await a.call(`DELETE /commands/${cancelled}`)).status).toBe(200)
  await waitFor('cancelled at the other API', () => stream.statuses(cancelled).includes('cancelled'))
  const device = await startCommandDevice(broker.url, credentials)
  await waitFor('the end at the other API', () => stream.statuses(done).includes('succeeded'))
  await waitFor('the end on its socket', () => follower.statuses(done).includes('succeeded'))
  await waitFor('the end where it was sent', () => sender.statuses(done).includes('succeeded'))
  expect(stream.statuses(cancelled)).toEqual(['queued', 'cancelled'])
  expect(stream.statuses(done)).toEqual(LIFE)
  for (const socket of [sender, follower]) {
    expect(socket.statuses(cancelled)).toEqual(['queued', 'cancelled'])
    expect(socket.statuses(done)).toEqual(LIFE)
    socket.close()
  }
  expect(device.received).toEqual([done])
  await device.client.endAsync()
  await stream.stop()
})

it('C-TWO-2 the same key, or the same id, at both APIs at once is one command', async () => {
  logsOnFailure()
  const device = await startCommandDevice(broker.url, await registerDevice(database.pool, 'once'))
  const sockets = [await SocketClient.open(a.url, bearer(a)), await SocketClient.open(b.url, bearer(a))]
  const ids: string[] = []
  for (let i = 0; i < 10; i++) {
    const id = randomUUID()
    for (const socket of sockets) socket.command({ id, deviceId: 'once', name: `socket ${i}` })
    const answers = await Promise.all(
      [a, b].map((api) =>
        fetch(`${api.url}/api/v1/devices/once/commands`, {
          method: 'POST',
          headers: { ...bearer(a), 'content-type': 'application/json', 'idempotency-key': `key ${i}` },
          body: JSON.stringify({ name: `key ${i}` }),
        }),
      ),
    )
    expect(answers.map(({ status }) => status)).toEqual([202, 202])
    const records = (await Promise.all(answers.map((answer) => answer.json()))) as { id: string }[]
    expect(records[0]?.id).toBe(records[1]?.id)
    ids.push(id, records[0]?.id ?? '')
  }
  await waitFor('all to be done', async () => (await finished('once')) === ids.length)
  expect(device.received.toSorted()).toEqual(ids.toSorted())
  for (const socket of sockets) {
    expect(socket.frames.filter(({ type }) => type === 'error')).toEqual([])
    socket.close()
  }
  await device.client.endAsync()
})

async function finished(deviceId: string): Promise<number> {
  const { rows } = await database.pool.query<{ n: number }>(
    `SELECT count(*)::int AS n FROM command WHERE device_id = $1 AND status = 'succeeded'`,
    [deviceId],
  )
  return rows[0]?.n ?? 0
}

it('L-TWO-3 signing out at one API ends streams and sockets at the other within 5 s', async () => {
  logsOnFailure()
  await registerDevice(database.pool, 'leaving')
  const headers = await signIn(a.url)
  const stream = new SseFollower({ origin: b.url, headers, deviceId: 'leaving', fromMs: 0 }).start()
  await waitFor('hello', () => stream.isOpen)
  const socket = await SocketClient.open(b.url, headers)
  const startedMs = performance.now()
  expect((await fetch(`${a.url}/api/v1/session`, { method: 'DELETE', headers })).status).toBe(204)
  await waitFor('the socket to be closed', () => socket.closeCode !== undefined)
  await waitFor('the stream to be ended', () => !stream.isOpen)
  expect(performance.now() - startedMs).toBeLessThan(SIGN_OUT_MS)
  expect(socket.closeCode).toBe(4001)
  await stream.stop()
  expect(stream.connections).toHaveLength(1)
})

it('L-TWO-4 when one API is killed with -9 its clients are at the other within 10 s, and nothing is missing', async () => {
  logsOnFailure()
  const fromMs = Date.now() - 600_000
  const device = startPublisher(broker.url, await registerDevice(database.pool, 'survivor'), fromMs)
  const following = { origin, headers: bearer(a), deviceId: 'survivor', fromMs }
  const followers: SseFollower[] = []
  for (const targets of [[a.port], [b.port], [a.port]]) {
    door.targets = targets
    const follower = new SseFollower(following).start()
    followers.push(follower)
    await waitFor('it to be live', () => follower.count('reading') > 0)
  }
  door.targets = [a.port, b.port]
  await a.program.kill()
  const killedMs = performance.now()
  const moved = () => followers.map((one) => (one.isOpen ? one.connections.length : 0))
  await waitFor('those at the dead one to move', () => moved().join() === '2,1,2')
  const counts = followers.map((follower) => follower.count('reading'))
  await waitFor('readings for all', () =>
    followers.every((one, i) => one.count('reading') > (counts[i] ?? 0)),
  )
  expect(performance.now() - killedMs).toBeLessThan(RECOVERY_MS)
  await device.finish()
  for (const follower of followers) {
    await waitFor('the picture to be whole', () => isSettled(follower, following))
    expect(follower.wrong).toEqual([])
    await follower.stop()
  }
  await a.restart()
}, 60_000)
