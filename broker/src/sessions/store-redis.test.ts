import { startTestRedis, type TestRedis } from '@telltale/infra/testing/redis'
import { toolMissing } from '@telltale/infra/testing/tools'
import { waitFor } from '@telltale/infra/testing/wait'
import { Redis } from 'ioredis'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import type { Subscription } from './store.ts'
import { collected, type Fixture, message, redisFixture, texts, wide } from './store-fixtures.ts'
import type { RedisStore } from './store-redis.ts'

const targets = [{ clientId: 'a', qos: 1 as const }]

describe.skipIf(toolMissing('redis-server'))('the Redis store', () => {
  let redis: TestRedis
  let admin: Redis
  let fixtures: (Fixture & { store: RedisStore })[]
  let one: RedisStore
  let two: RedisStore

  beforeAll(async () => {
    redis = await startTestRedis()
    admin = new Redis(redis.url)
    admin.on('error', () => {})
  })

  afterAll(async () => {
    admin.disconnect()
    await redis.stop()
  })

  beforeEach(async () => {
    await admin.flushall()
    fixtures = [await redisFixture(redis.url, wide), await redisFixture(redis.url, wide)]
    const [first, second] = fixtures.map(({ store }) => store)
    if (!first || !second) throw new Error('two stores were made')
    one = first
    two = second
  })

  afterEach(async () => {
    for (const { end } of fixtures) await end()
  })

  const matches = async (store: RedisStore, topic: string) => {
    const found = await store.match(topic).catch(() => [])
    return found.length > 0 && found
  }

  it('M-STORE-15 brokers see the subscriptions and queues of each other as soon as one has subscribed', async () => {
    await one.open('a')
    for (let i = 0; i < 20; i++) {
      await one.subscribe('a', [{ filter: `x/${i}`, qos: 1 }])
      // Told before the first one was told that it is done; it is heard when Redis delivers it.
      await waitFor('the other broker to know', () => matches(two, `x/${i}`))
    }
    await two.enqueue(targets, message('from two'))
    expect(await texts(one, 'a')).toEqual(['from two'])
    const changes: Subscription[][] = Array.from({ length: 20 }, (_, i) => [
      { filter: 'same', qos: i % 2 ? 1 : 2 },
    ])
    await Promise.all(changes.map((subscriptions) => one.subscribe('a', subscriptions)))
    expect(await one.match('same')).toEqual([{ clientId: 'a', qos: 1 }])
    expect(await two.open('a')).toMatchObject({ isPresent: true })
    await two.remove('a')
    await waitFor('the other broker to forget', async () => (await one.match('x/1')).length === 0)
  })

  it('M-STORE-16 without Redis all but matching is refused within 3 s, and works again when it is back', async () => {
    await one.open('a')
    await one.subscribe('a', [{ filter: 'x', qos: 1 }])
    await redis.stop()
    const beganMs = performance.now()
    const outcomes = await Promise.allSettled([
      one.open('b'),
      one.enqueue(targets, message('lost')),
      one.subscribe('a', [{ filter: 'y', qos: 1 }]),
      one.retain({ topic: 'r', payload: Buffer.from('r'), qos: 1 }),
      one.keepReceived('a', 1),
      collected(one.retained(['#'])),
    ])
    expect(new Set(outcomes.map(({ status }) => status))).toEqual(new Set(['rejected']))
    expect(performance.now() - beganMs).toBeLessThan(3_500)
    // Nobody can subscribe meanwhile, so what was known holds: a message nobody stored a subscription for may pass.
    expect(await one.match('x')).toEqual([{ clientId: 'a', qos: 1 }])
    expect(await one.match('other')).toEqual([])
    await redis.start()
    await waitFor('the session to be put back', () =>
      one.list('').then(
        (found) => found.includes('a'),
        () => false,
      ),
    )
    // Redis came back empty: what is open here was put back, and the other broker knows it too.
    for (const store of [one, two])
      await waitFor('subscriptions to be back', () => matches(store, 'x').catch(() => false), 20_000)
    await waitFor('the control channel', () =>
      one.subscribe('a', [{ filter: 'z', qos: 1 }]).then(
        () => true,
        () => false,
      ),
    )
    await one.enqueue(targets, message('again'))
    expect(await texts(one, 'a')).toEqual(['again'])
    expect(await one.list('')).toEqual(['a'])
  })

  it('M-STORE-17 an emptied Redis breaks nothing, and is filled with what is open', async () => {
    await one.open('a')
    await one.subscribe('a', [{ filter: 'x', qos: 1 }])
    await waitFor('the other broker to know', () => matches(two, 'x'))
    await one.enqueue(targets, message('lost'))
    const [entry] = await one.read('a', undefined, 1)
    await admin.flushall()
    await one.sending('a', [{ entryId: entry?.id ?? '', packetId: 1 }])
    await one.settled('a', entry?.id ?? '')
    // Ids go by the clock of Redis, and all it knew is gone: within the same millisecond it would give that id again.
    const lostMs = Number(entry?.id.split('-')[0])
    await waitFor('a later millisecond', async () => {
      const [seconds = 0, micros = 0] = await admin.time()
      return Math.floor(Number(seconds) * 1_000 + Number(micros) / 1_000) > lostMs
    })
    await two.enqueue(await two.match('x'), message('kept'))
    expect((await one.read('a', entry?.id, 9)).map(({ payload }) => payload.toString())).toEqual(['kept'])
    await one.reload()
    expect(await two.open('a')).toEqual({ isPresent: true, subscriptions: [{ filter: 'x', qos: 1 }] })
  })

  it('M-STORE-18 every key of a session ends by itself, and none is left when all is removed', async () => {
    for (const id of ['a', 'b']) {
      await one.open(id)
      await one.subscribe(id, [{ filter: `${id}/#`, qos: 2 }])
      await one.enqueue([{ clientId: id, qos: 2 }], message('x', { qos: 2 }))
      const [entry] = await one.read(id, undefined, 1)
      await one.sending(id, [{ entryId: entry?.id ?? '', packetId: 1 }])
      await one.keepReceived(id, 1)
      await one.putWill('one', id, { topic: 't', payload: Buffer.of(1), qos: 0, retain: false })
      await one.retain({ topic: `devices/${id}/status`, payload: Buffer.of(1), qos: 1 })
    }
    const forEver = ['clients', 'retained-groups', 'retained:devices/a', 'retained:devices/b', 'sessions']
    const keys = await admin.keys('*')
    const lasting: string[] = []
    for (const key of keys) if ((await admin.pttl(key)) < 0) lasting.push(key)
    expect(keys.length).toBe(forEver.length + 11)
    expect(lasting.sort()).toEqual(forEver.map((key) => `telltale:${key}`))
    await one.remove('a')
    await one.leave('b')
    expect(await two.expire(0)).toEqual(['b'])
    await one.forgetRetained('devices/a/status')
    await one.retain({ topic: 'devices/b/status', payload: Buffer.of(), qos: 0 })
    await one.takeWills('one')
    expect(await admin.keys('*')).toEqual([])
  })

  it('M-STORE-20 exact filters and filters inside a group never look at the other retained topics', async () => {
    const topics = Array.from({ length: 10_000 }, (_, i) => `devices/${i % 100}/m${i}`)
    // Not all at once: on a busy machine the last of them would have waited longer than a command may.
    for (let i = 0; i < topics.length; i += 500) {
      const some = topics.slice(i, i + 500)
      await Promise.all(some.map((topic) => one.retain({ topic, payload: Buffer.from(topic), qos: 1 })))
    }
    await admin.config('RESETSTAT')
    expect((await collected(one.retained(['devices/7/m7', 'devices/8/m8']))).length).toBe(2)
    expect(await admin.info('commandstats')).toMatch(/cmdstat_hget:calls=2,/)
    expect(await admin.info('commandstats')).not.toMatch(/cmdstat_(hscan|scan|zrangebylex|hgetall|keys)/)
    expect((await collected(one.retained(['devices/7/#']))).length).toBe(100)
    expect(await admin.info('commandstats')).toMatch(/cmdstat_hscan:calls=[1-3],/)
    expect(new Set((await collected(one.retained(['devices/#']))).map(({ topic }) => topic)).size).toBe(
      10_000,
    )
  })
})
