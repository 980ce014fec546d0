import { startTestRedis, type TestRedis } from '@telltale/infra/testing/redis'
import { toolMissing } from '@telltale/infra/testing/tools'
import { waitFor } from '@telltale/infra/testing/wait'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { embeddedFixture, type Fixture, memoryFixture, redisFixture, wide } from './store-fixtures.ts'

const isRedisMissing = toolMissing('redis-server')
let redis: TestRedis

beforeAll(async () => {
  if (!isRedisMissing) redis = await startTestRedis()
})
afterAll(async () => {
  await redis?.stop()
})

const kinds = [
  { name: 'memory', isMissing: false, make: memoryFixture },
  { name: 'embedded', isMissing: false, make: embeddedFixture },
  { name: 'redis', isMissing: isRedisMissing, make: () => redisFixture(redis.url, wide) },
]

describe.each(kinds)('what the $name store holds in all', ({ name, isMissing, make }) => {
  if (isMissing) return
  let fixture: Fixture

  beforeEach(async () => {
    fixture = await make(wide)
  })
  afterEach(async () => {
    await fixture?.end()
  })

  it('M-STORE-21 retained messages are counted as they come, are replaced and go; over a restart too', async () => {
    const retain = (topic: string, text: string) =>
      fixture.store.retain({ topic, payload: Buffer.from(text), qos: 1 })
    for (const topic of ['a/1', 'b/1', 'c/1']) await retain(topic, 'four')
    await retain('a/1', 'and more')
    await retain('b/1', '')
    const store = fixture.reopen ? await fixture.reopen() : fixture.store
    const { messages, bytes } = await store.retainedTotal()
    expect(messages).toBe(2)
    // In Redis they take no memory of the broker's.
    expect(bytes).toBe(name === 'redis' ? 0 : 'a/1and morec/1four'.length)
    await store.forgetRetained('a/1')
    expect((await store.retainedTotal()).messages).toBe(1)
  })

  it('M-STORE-22 of too many sessions the ones idle longest end, open ones and those of others never', async () => {
    const { store } = fixture
    for (const id of ['p/old', 'p/older', 'p/open', 'q/other']) await store.open(id)
    await store.leave('p/older')
    const leftMs = Date.now()
    await waitFor('another millisecond', () => Date.now() > leftMs)
    await store.leave('p/old')
    await store.leave('q/other')
    expect(await store.trim('p/', 3)).toEqual([])
    expect(await store.trim('p/', 2)).toEqual(['p/older'])
    expect(await store.trim('p/', 0)).toEqual(['p/old'])
    expect((await store.list('')).sort()).toEqual(['p/open', 'q/other'])
  })
})
