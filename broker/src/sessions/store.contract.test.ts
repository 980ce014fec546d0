import { startTestRedis, type TestRedis } from '@telltale/infra/testing/redis'
import { toolMissing } from '@telltale/infra/testing/tools'
import { Redis } from 'ioredis'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import type { QueueBounds, SessionStore, Will } from './store.ts'
import {
  collected,
  embeddedFixture,
  type Fixture,
  memoryFixture,
  message,
  redisFixture,
  texts,
  wide,
} from './store-fixtures.ts'

const isRedisMissing = toolMissing('redis-server')
let redis: TestRedis
let admin: Redis

beforeAll(async () => {
  if (isRedisMissing) return
  redis = await startTestRedis()
  admin = new Redis(redis.url)
})

afterAll(async () => {
  admin?.disconnect()
  await redis?.stop()
})

const kinds = [
  { name: 'memory', isMissing: false, make: memoryFixture },
  { name: 'embedded', isMissing: false, make: embeddedFixture },
  {
    name: 'redis',
    isMissing: isRedisMissing,
    make: (bounds: QueueBounds) => redisFixture(redis.url, bounds),
  },
]

describe.each(kinds)('the $name store', ({ name, isMissing, make }) => {
  if (isMissing) return
  let fixture: Fixture | undefined
  let store: SessionStore
  const use = async (bounds: QueueBounds) => {
    await fixture?.end()
    if (name === 'redis') await admin.flushall()
    fixture = await make(bounds)
    store = fixture.store
  }
  const subscribed = async (clientId: string, ...filters: string[]) => {
    await store.open(clientId)
    await store.subscribe(
      clientId,
      filters.map((filter) => ({ filter, qos: 1 })),
    )
  }
  const found = async (...filters: string[]) => {
    return (await collected(store.retained(filters))).map(({ topic }) => topic).sort()
  }
  const matched = async (topic: string) => (await store.match(topic)).map(({ clientId }) => clientId).sort()

  beforeEach(() => use(wide))
  afterEach(async () => {
    await fixture?.end()
    fixture = undefined
  })

  it('M-STORE-1 a session is present from its first opening to its removal, with its subscriptions', async () => {
    expect(await store.open('p/a')).toEqual({ isPresent: false, subscriptions: [] })
    await store.subscribe('p/a', [
      { filter: 'x/+', qos: 1 },
      { filter: 'y', qos: 0 },
    ])
    await store.subscribe('p/a', [{ filter: 'x/+', qos: 2 }])
    const { isPresent, subscriptions } = await store.open('p/a')
    expect(isPresent).toBe(true)
    expect(subscriptions.map(({ filter, qos }) => `${filter} ${qos}`).sort()).toEqual(['x/+ 2', 'y 0'])
    await store.open('q/a')
    expect(await store.list('p/')).toEqual(['p/a'])
    await store.enqueue([{ clientId: 'p/a', qos: 1 }], message('one'))
    await store.keepReceived('p/a', 7)
    await store.remove('p/a')
    await store.remove('never/there')
    expect([await store.list(''), await matched('x/1'), await texts(store, 'p/a')]).toEqual([['q/a'], [], []])
    expect(await store.isReceived('p/a', 7)).toBe(false)
    expect(await store.open('p/a')).toEqual({ isPresent: false, subscriptions: [] })
  })

  it('M-STORE-2 only sessions that are idle expire', async () => {
    await subscribed('p/idle', 'x')
    await subscribed('p/open', 'x')
    await store.leave('p/idle')
    expect(await store.expire(3_600_000)).toEqual([])
    expect(await store.expire(0)).toEqual(['p/idle'])
    expect(await store.list('')).toEqual(['p/open'])
    expect(await matched('x')).toEqual(['p/open'])
    await store.leave('p/open')
    await store.open('p/open')
    expect(await store.expire(0)).toEqual([])
  })

  it('M-STORE-3 filters match as MQTT 3.1.1 §4.7 says, system topics and empty levels included', async () => {
    const filters = ['#', '+/b', 'a/+', 'a/#', 'a', '/+', '+', '$SYS/#', '+/+/c', 'sport/#', '__proto__/+']
    for (const filter of filters) await subscribed(filter, filter)
    expect(await matched('a/b')).toEqual(['#', '+/b', 'a/#', 'a/+'])
    expect(await matched('a/')).toEqual(['#', 'a/#', 'a/+'])
    expect(await matched('a')).toEqual(['#', '+', 'a', 'a/#'])
    expect(await matched('/x')).toEqual(['#', '/+'])
    expect(await matched('sport')).toEqual(['#', '+', 'sport/#'])
    expect(await matched('$SYS/b')).toEqual(['$SYS/#'])
    expect(await matched('__proto__/b')).toEqual(['#', '+/b', '__proto__/+'].sort())
    await store.unsubscribe('#', ['#', 'never'])
    expect(await matched('a/b/c')).toEqual(['+/+/c', 'a/#'])
  })

  it('M-STORE-4 overlapping subscriptions are one target at the highest QoS, and QoS 0 is none', async () => {
    expect(store.hasSubscriptions).toBe(false)
    await store.open('p/a')
    await store.subscribe('p/a', [
      { filter: 'x/#', qos: 1 },
      { filter: 'x/+', qos: 2 },
      { filter: '#', qos: 0 },
    ])
    expect(await store.match('x/1')).toEqual([{ clientId: 'p/a', qos: 2 }])
    expect(await store.match('y')).toEqual([])
    expect(store.hasSubscriptions).toBe(true)
    await store.subscribe('p/a', [{ filter: 'x/+', qos: 0 }])
    expect(await store.match('x/1')).toEqual([{ clientId: 'p/a', qos: 1 }])
  })

  it('M-STORE-5 a queue is read in order, page by page, at the lower QoS of message and target', async () => {
    for (const id of ['a', 'b']) await store.open(id)
    const targets = [
      { clientId: 'a', qos: 1 as const },
      { clientId: 'b', qos: 2 as const },
    ]
    const sent = Array.from({ length: 25 }, (_, i) =>
      message(`m${i}`, { qos: 2, topic: `t/${i}`, retain: i === 3 }),
    )
    expect(await Promise.all(sent.map((one) => store.enqueue(targets, one)))).toEqual(sent.map(() => []))
    await store.enqueue(targets, message('', { payload: Buffer.of(), qos: 1 }))
    const first = await store.read('a', undefined, 10)
    const rest = await store.read('a', first.at(-1)?.id, 100)
    const entries = [...first, ...rest]
    expect([first.length, rest.length]).toEqual([10, 16])
    expect(entries.map(({ payload }) => payload.toString())).toEqual([...sent.map((_, i) => `m${i}`), ''])
    expect(new Set(entries.map(({ qos }) => qos))).toEqual(new Set([1]))
    expect(entries[3]).toMatchObject({ topic: 't/3', retain: true })
    expect((await store.read('b', undefined, 100)).map(({ qos }) => qos)).toEqual([...sent.map(() => 2), 1])
  })

  it('M-STORE-6 in flight and released are kept until settled, which frees the room', async () => {
    await store.open('a')
    for (const text of ['1', '2', '3'])
      await store.enqueue([{ clientId: 'a', qos: 2 }], message(text, { qos: 2 }))
    const [one, two] = await store.read('a', undefined, 2)
    if (!one || !two) throw new Error('nothing to read')
    await store.sending('a', [
      { entryId: one.id, packetId: 65_535 },
      { entryId: two.id, packetId: 1 },
    ])
    await store.released('a', one.id)
    const full = await store.queueSize('a')
    expect(full.messages).toBe(3)
    const read = async (from: SessionStore) =>
      (await from.read('a', undefined, 9)).map(({ packetId, isReleased = false }) => [packetId, isReleased])
    expect(await read(store)).toEqual([
      [65_535, true],
      [1, false],
      [undefined, false],
    ])
    const later = fixture?.reopen ? await fixture.reopen() : store
    expect(await read(later)).toEqual([
      [65_535, true],
      [1, false],
      [undefined, false],
    ])
    expect(await later.queueSize('a')).toEqual(full)
    for (let i = 0; i < 2; i++) await later.settled('a', one.id)
    await later.sending('a', [{ entryId: one.id, packetId: 9 }])
    expect(await texts(later, 'a')).toEqual(['2', '3'])
    expect(await later.queueSize('a')).toEqual({ messages: 2, bytes: (full.bytes / 3) * 2 })
    for (const { id } of await later.read('a', undefined, 9)) await later.settled('a', id)
    expect(await later.queueSize('a')).toEqual({ messages: 0, bytes: 0 })
    await later.enqueue([{ clientId: 'a', qos: 1 }], message('4'))
    expect((await later.read('a', two.id, 9)).map(({ payload }) => payload.toString())).toEqual(['4'])
  })

  it('M-STORE-7 a full queue loses its oldest messages that are not in flight, and says how many', async () => {
    await use({ messagesMax: 3, bytesMax: 1_000 })
    for (const id of ['a', 'b']) await store.open(id)
    const enqueue = (text: string) => store.enqueue([{ clientId: 'a', qos: 1 }], message(text))
    for (const text of ['1', '2', '3']) expect(await enqueue(text)).toEqual([])
    const [first] = await store.read('a', undefined, 1)
    await store.sending('a', [{ entryId: first?.id ?? '', packetId: 1 }])
    expect(await enqueue('4')).toEqual([{ clientId: 'a', dropped: 1 }])
    expect(await texts(store, 'a')).toEqual(['1', '3', '4'])
    expect(await enqueue('x'.repeat(950))).toEqual([{ clientId: 'a', dropped: 1 }])
    expect(await enqueue('y'.repeat(970))).toEqual([{ clientId: 'a', dropped: 2 }])
    expect((await texts(store, 'a')).map((text) => text[0])).toEqual(['1', 'y'])
    expect(await enqueue('z'.repeat(2_000))).toEqual([{ clientId: 'a', dropped: 2 }])
    expect([await texts(store, 'a'), (await store.queueSize('a')).messages]).toEqual([['1'], 1])
    expect(await store.queueSize('b')).toEqual({ messages: 0, bytes: 0 })
  })

  it('M-STORE-8 retained messages are kept, replaced, forgotten, and found once however many filters match', async () => {
    const topics = [
      'devices/a/status',
      'devices/a/x/y',
      'devices/b/status',
      'devices/a',
      'devices',
      'plain',
      '$x/y',
    ]
    for (const topic of topics) await store.retain({ topic, payload: Buffer.from('old'), qos: 1 })
    await store.retain({ topic: 'plain', payload: Buffer.from('new'), qos: 2 })
    const [plain] = await collected(store.retained(['plain']))
    expect(plain).toEqual({ topic: 'plain', payload: Buffer.from('new'), qos: 2 })
    expect(await found('devices/a/#')).toEqual(['devices/a', 'devices/a/status', 'devices/a/x/y'])
    expect(await found('devices/#')).toEqual(topics.filter((topic) => topic.startsWith('devices')).sort())
    expect(await found('devices/+/status', '+/+/status', 'devices/b/status')).toEqual([
      'devices/a/status',
      'devices/b/status',
    ])
    expect(await found('#')).toEqual(topics.filter((topic) => topic !== '$x/y').sort())
    expect(await found('$x/+', '+')).toEqual(['$x/y', 'devices', 'plain'])
    expect(await store.retainedCount('devices/a/anything')).toBe(3)
    await store.retain({ topic: 'devices/a/x/y', payload: Buffer.of(), qos: 0 })
    const later = fixture?.reopen ? await fixture.reopen() : store
    expect(await later.retainedCount('devices/a/anything')).toBe(2)
    await later.forgetRetained('devices/a/anything')
    store = later
    expect(await found('devices/#')).toEqual(['devices', 'devices/b/status'])
  })

  it('M-STORE-9 QoS 2 packet ids are taken until forgotten', async () => {
    await store.open('a')
    await store.keepReceived('a', 65_535)
    await store.keepReceived('a', 1)
    await store.forgetReceived('a', 1)
    const later = fixture?.reopen ? await fixture.reopen() : store
    expect(await Promise.all([65_535, 1, 2].map((id) => later.isReceived('a', id)))).toEqual([
      true,
      false,
      false,
    ])
    expect(await later.isReceived('b', 65_535)).toBe(false)
  })

  it('M-STORE-10 the wills of a broker are taken once', async () => {
    const will: Will = { topic: 'devices/a/status', payload: Buffer.of(0, 255), qos: 2, retain: true }
    for (const id of ['a', 'b']) await store.putWill('broker:1', id, will)
    await store.putWill('broker', '1:a', will)
    await store.removeWill('broker:1', 'b')
    const later = fixture?.reopen ? await fixture.reopen() : store
    const taken = await Promise.all([later.takeWills('broker:1'), later.takeWills('broker:1')])
    expect(taken.flat()).toEqual([{ clientId: 'a', will }])
    expect(await later.takeWills('broker')).toEqual([{ clientId: '1:a', will }])
  })

  it('M-STORE-11 client ids and topics may have any characters', async () => {
    const odd = [
      'a:b',
      'a/b',
      'a%2Fb',
      'a b',
      '🙂',
      '__proto__',
      'constructor',
      '*',
      '[a-z]?',
      '\\',
      'a-sub_b',
      '\'"',
    ]
    for (const [i, id] of odd.entries()) {
      await subscribed(`p/${id}`, `${id}/x`)
      await store.enqueue([{ clientId: `p/${id}`, qos: 1 }], message(id, { topic: `${id}/x` }))
      await store.retain({ topic: `${id}/r`, payload: Buffer.from(id), qos: 1 })
      await store.keepReceived(`p/${id}`, i + 1)
    }
    const later = fixture?.reopen ? await fixture.reopen() : store
    expect((await later.list('p/')).sort()).toEqual(odd.map((id) => `p/${id}`).sort())
    expect((await later.list('p/a:')).sort()).toEqual(['p/a:b'])
    for (const [i, id] of odd.entries()) {
      expect(await later.match(`${id}/x`)).toEqual([{ clientId: `p/${id}`, qos: 1 }])
      expect(await texts(later, `p/${id}`)).toEqual([id])
      expect((await collected(later.retained([`${id}/r`]))).map(({ topic }) => topic)).toEqual([`${id}/r`])
      expect(await later.isReceived(`p/${id}`, i + 1)).toBe(true)
    }
  })
})
