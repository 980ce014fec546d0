import { randomUUID } from 'node:crypto'
import { Releases } from '@telltale/infra/service'
import { startTestApi, type TestApiProgram } from '@telltale/infra/testing/api'
import { registerDevice, startTestBroker, type TestBroker } from '@telltale/infra/testing/broker'
import { createTestDatabase, type TestDatabase } from '@telltale/infra/testing/database'
import { startTestRedis } from '@telltale/infra/testing/redis'
import { toolMissing } from '@telltale/infra/testing/tools'
import { waitFor } from '@telltale/infra/testing/wait'
import { afterAll, beforeAll, describe, expect, it, onTestFailed } from 'vitest'
import { startCommandDevice } from './command-device.ts'
import { SseFollower, storedReadings } from './followers.ts'
import { startPublisher } from './publisher.ts'
import { SocketClient } from './socket-client.ts'

const SECRET = 'shared by all brokers and both APIs'
const LIFE = ['queued', 'sent', 'delivered', 'accepted', 'succeeded']
/** A broker that has just finished one command may send the next before its `queued` is told: then that is left out. */
const LIVES = [LIFE, LIFE.slice(1)]

const releases = new Releases()
let database: TestDatabase
let brokers: [TestBroker, TestBroker]
/** Each with a broker of its own. */
let apis: [TestApiProgram, TestApiProgram]

describe.skipIf(toolMissing('redis-server'))('two APIs, each at another broker', () => {
  beforeAll(async () => {
    database = await createTestDatabase()
    releases.add('database', () => database.drop())
    const redis = await startTestRedis()
    releases.add('redis', () => redis.stop())
    const start = async (name: string) => {
      const broker = await startTestBroker(database.url, {
        TELLTALE_REDIS_URL: redis.url,
        TELLTALE_BROKER_ID: name,
        TELLTALE_PLATFORM_SECRET: SECRET,
        TELLTALE_DEVICE_CONNECTS_PER_MINUTE: '600',
      })
      releases.add(`broker ${name}`, () => broker.program.stop())
      const api = await startTestApi(database, broker)
      releases.add(`api at ${name}`, () => api.program.stop())
      return { broker, api }
    }
    const [one, two] = await Promise.all([start('one'), start('two')])
    brokers = [one.broker, two.broker]
    apis = [one.api, two.api]
  })
  afterAll(() => releases.run())

  function logsOnFailure(): void {
    onTestFailed(() => {
      for (const { program } of [...brokers, ...apis]) console.error(program.output())
    })
  }

  /** At both, of one device. */
  async function followBoth(deviceId: string, fromMs: number): Promise<[SseFollower, SseFollower]> {
    const headers = { authorization: `Bearer ${apis[0].token}` }
    const follow = ({ url }: TestApiProgram) =>
      new SseFollower({ origin: url, headers, deviceId, fromMs }).start()
    const both: [SseFollower, SseFollower] = [follow(apis[0]), follow(apis[1])]
    await waitFor('hello of both', () => both.every((one) => one.count('hello') > 0))
    return both
  }

  it('L-TWO-5 readings of a device at one broker reach the API at the other, also after that broker was killed', async () => {
    logsOnFailure()
    const fromMs = Date.now() - 600_000
    const credentials = await registerDevice(database.pool, 'far')
    const followers = await followBoth('far', fromMs)
    const device = startPublisher(brokers[0].url, credentials, fromMs)
    await waitFor('readings at both', () => followers.every((one) => one.count('reading') > 20))
    await brokers[1].program.kill()
    const missed = followers[0].count('reading')
    await waitFor('readings it misses', () => followers[0].count('reading') > missed + 10)
    await brokers[1].restart()
    const before = followers[1].count('reading')
    await waitFor('readings at both', () => followers[1].count('reading') > before + 20)
    await device.finish()
    const stored = await storedReadings(database.pool, { origin: '', headers: {}, deviceId: 'far', fromMs })
    expect([...stored.keys()].toSorted()).toEqual([...device.acknowledged].toSorted())
    for (const follower of followers) {
      await waitFor('all of them', () => follower.known.size >= stored.size)
      expect(follower.known).toEqual(stored)
      expect(follower.wrong).toEqual([])
      await follower.stop()
    }
    expect(followers.map((one) => one.count('resync'))).toEqual([0, 1])
  }, 60_000)

  it('C-TWO-3 a command sent at the API of another broker goes its way, and both tell every status in order', async () => {
    logsOnFailure()
    const device = await startCommandDevice(brokers[0].url, await registerDevice(database.pool, 'told'))
    const followers = await followBoth('told', 0)
    const socket = await SocketClient.open(apis[1].url, { authorization: `Bearer ${apis[1].token}` })
    const ids = Array.from({ length: 5 }, () => randomUUID())
    for (const id of ids) socket.command({ id, deviceId: 'told', name: 'blink' })
    await waitFor('their ends', () => ids.every((id) => socket.statuses(id).includes('succeeded')))
    for (const follower of followers)
      await waitFor('their ends', () => ids.every((id) => follower.statuses(id).includes('succeeded')))
    for (const id of ids) {
      for (const heard of [socket, ...followers]) expect(LIVES).toContainEqual(heard.statuses(id))
    }
    expect(device.received).toEqual(ids)
    socket.close()
    await device.client.endAsync()
    for (const follower of followers) await follower.stop()
  }, 60_000)
})
