import { setTimeout as sleep } from 'node:timers/promises'
import {
  registerDevice,
  registerIntegration,
  startTestBroker,
  type TestBroker,
} from '@telltale/infra/testing/broker'
import { createTestDatabase, type TestDatabase } from '@telltale/infra/testing/database'
import { startTestRedis, type TestRedis } from '@telltale/infra/testing/redis'
import { toolMissing } from '@telltale/infra/testing/tools'
import { waitFor } from '@telltale/infra/testing/wait'
import { Redis } from 'ioredis'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { topics } from '../src/contract/index.ts'
import { collect, type Heard, TestClients } from './clients.ts'
import { expectWhole, flowsAgain, RECOVERED_WITHIN_MS } from './faults.ts'
import { Witness } from './witness.ts'

/** Longer than a command may take before Redis counts as away. */
const AWAY_MS = 2_200
const SECRET = 'shared by all brokers'

let database: TestDatabase
let redis: TestRedis
/** Devices are at one broker, who listens at the other. */
let near: TestBroker
let far: TestBroker
let count = 0
const atNear = new TestClients(() => near.url)
const atFar = new TestClients(() => far.url)
const witnesses: Witness[] = []

/** What is done to Redis until `flowing` resolves and the fault is over; whether it forgets what was in it. */
const faults: { fault: string; forgets: boolean; run: (flowing: () => Promise<unknown>) => Promise<void> }[] =
  [
    {
      fault: 'killed',
      forgets: true,
      run: async (flowing) => {
        await redis.stop()
        await flowing()
        await redis.start()
      },
    },
    {
      fault: 'emptied again and again',
      forgets: true,
      run: async (flowing) => {
        let isFlowing = false
        const flow = flowing().finally(() => {
          isFlowing = true
        })
        while (!isFlowing) {
          await command((client) => client.flushall())
          await sleep(50)
        }
        await flow
      },
    },
    {
      fault: 'slow, answers late by half a second',
      forgets: false,
      run: async (flowing) => {
        for (let i = 0; i < 3; i++) {
          await command((client) => client.call('CLIENT', 'PAUSE', '500', 'ALL'))
          await flowing()
        }
      },
    },
    {
      fault: 'frozen',
      forgets: false,
      run: async (flowing) => {
        const pid = await pidOf(redis)
        process.kill(pid, 'SIGSTOP')
        await Promise.all([flowing(), sleep(AWAY_MS)]).finally(() => process.kill(pid, 'SIGCONT'))
      },
    },
    {
      fault: 'out of memory',
      forgets: false,
      run: async (flowing) => {
        await command((client) => client.config('SET', 'maxmemory', '1'))
        await flowing()
        await command((client) => client.config('SET', 'maxmemory', '0'))
      },
    },
  ]

describe.skipIf(toolMissing('redis-server'))('faults of Redis', () => {
  beforeAll(async () => {
    database = await createTestDatabase()
    redis = await startTestRedis()
    ;[near, far] = await Promise.all([startNamed('near'), startNamed('far')])
  })
  afterEach(async () => {
    await Promise.all(witnesses.splice(0).map((witness) => witness.end()))
    await atNear.end()
    await atFar.end()
  })
  afterAll(async () => {
    for (const broker of [near, far]) expect(await broker?.program.stop()).toBe(0)
    await redis?.stop()
    await database?.drop()
  })

  it.each(faults)(
    'R-REDIS-1 $fault under load: readings go on and are stored, nobody is closed, brokers hear each other again',
    async ({ forgets, run }) => {
      const pids = [near, far].map(({ program }) => program.process.pid)
      const steady = await startWitness()
      const followed = await startWitness()
      const topic = topics.telemetry(followed.deviceId)
      const [one, other] = [await newIntegration(), await newIntegration()]
      const clean = await atFar.attach(one)
      const live = collect(clean)
      await clean.subscribeAsync(topic, { qos: 1 })
      // Whose queue is needed while Redis is away is disconnected: as any client it comes back by itself.
      const stored = { ...other, clientId: 'stored', clean: false }
      const listener = await atFar.attach({ ...stored, reconnectPeriod: 100, reconnectOnConnackError: true })
      const heard = collect(listener)
      await listener.subscribeAsync(topic, { qos: 1 })
      await waitFor('what the other broker has', () => heard.length > 5)
      const from = newest(heard)
      const saidBefore = [near, far].map(({ program }) => program.output().length)

      // Nobody keeps anything for others of this device: it is not held up.
      await run(() => flowsAgain(steady))

      const endedMs = performance.now()
      await flowsAgain(followed)
      const mark = followed.acknowledged
      await waitFor('messages between brokers', () => newest(heard) > mark && newest(live) > mark)
      const back = { ...(await newIntegration()), clientId: 'back', clean: false }
      await waitFor('stored sessions', async () => (await atNear.outcome(back)) === 'connected')
      expect(performance.now() - endedMs).toBeLessThan(RECOVERED_WITHIN_MS)
      await expectWhole(database.pool, steady)
      const sent = await expectWhole(database.pool, followed)
      if (!forgets) {
        const wanted = Array.from({ length: sent - from }, (_, i) => from + i)
        await waitFor('the last of them', () => newest(heard) === sent - 1)
        const numbers = new Set(heard.map(numberOf))
        expect(wanted.filter((number) => !numbers.has(number))).toEqual([])
      }
      expect(clean.connected).toBe(true)
      // However many messages waited, the log says once that they do.
      for (const [i, { program }] of [near, far].entries()) {
        const said = program.output().slice(saidBefore[i])
        expect(said.match(/sessions cannot be stored/g)?.length ?? 0).toBeLessThan(2)
        expect(said.match(/session housekeeping failed/g)?.length ?? 0).toBeLessThan(2)
      }
      expect([near, far].map(({ program }) => program.process.pid)).toEqual(pids)
    },
  )

  describe.concurrent('at boot', () => {
    it('R-REDIS-2 stopped at boot the broker says so and ends; started again with Redis there, it works', async () => {
      const other = await startTestRedis()
      await other.stop()
      await expect(startNamed('early', other)).rejects.toThrow(
        /exit code 1[\s\S]*telltale: Redis \(TELLTALE_REDIS_URL\) does not answer: .*ECONNREFUSED/,
      )
      await other.start()
      const broker = await startNamed('early', other)
      expect(await broker.program.stop()).toBe(0)
      await other.stop()
    })

    it('R-REDIS-3 at boot it takes connections and answers nothing: the broker says so and ends', async () => {
      const other = await startTestRedis()
      const pid = await pidOf(other)
      process.kill(pid, 'SIGSTOP')
      try {
        await expect(startNamed('patient', other)).rejects.toThrow(
          /exit code 1[\s\S]*telltale: Redis \(TELLTALE_REDIS_URL\) does not answer/,
        )
      } finally {
        process.kill(pid, 'SIGCONT')
        await other.stop()
      }
    })
  })
})

const numberOf = ({ payload }: Heard): number => JSON.parse(payload).values.count
const newest = (heard: Heard[]): number => heard.reduce((most, one) => Math.max(most, numberOf(one)), -1)

const newIntegration = (): Promise<{ username: string; password: string }> =>
  registerIntegration(database.pool, `i${++count}`)

function startNamed(name: string, { url } = redis): Promise<TestBroker> {
  return startTestBroker(database.url, {
    TELLTALE_REDIS_URL: url,
    TELLTALE_BROKER_ID: name,
    TELLTALE_PLATFORM_SECRET: SECRET,
  })
}

async function startWitness(): Promise<Witness> {
  const witness = await Witness.connect(near.url, await registerDevice(database.pool, `d${++count}`))
  witnesses.push(witness)
  witness.start()
  await flowsAgain(witness)
  return witness
}

async function command<T>(work: (client: Redis) => Promise<T>, { url } = redis): Promise<T> {
  const client = new Redis(url, { retryStrategy: () => null })
  client.on('error', () => {})
  try {
    return await work(client)
  } finally {
    client.disconnect()
  }
}

const pidOf = (server: TestRedis): Promise<number> =>
  command(async (client) => Number(/process_id:(\d+)/.exec(await client.info('server'))?.[1]), server)
