import { expect, it } from 'vitest'
import { describeTargets, essence, payloads, takeMessages } from './bench.ts'

const levels = [0, 1, 2] as const

describeTargets('retained messages', (bench) => {
  /** What a new subscriber is given. */
  async function retained(filter: string) {
    const subscriber = await bench.connect()
    await subscriber.subscribe(filter, 2)
    const messages = await bench.delivered(subscriber, await bench.connect())
    return messages.map(essence)
  }

  it.each(levels)(
    'M-RETAIN-1 a retained message of QoS %i is sent to each new subscription, with RETAIN',
    async (qos) => {
      const publisher = await bench.connect()
      await publisher.publish(bench.topic('a'), 'kept', { qos, retain: true })
      await bench.done(publisher)
      const kept = { topic: bench.topic('a'), payload: 'kept', qos, retain: true, dup: false }
      expect(await retained(bench.topic('a'))).toEqual([kept])
      expect(await retained(bench.topic('+'))).toEqual([kept])
      expect(await retained(bench.topic('#'))).toEqual([kept])
    },
  )

  it.each(levels)('M-RETAIN-2 a retained message is given with at most the granted QoS %i', async (qos) => {
    const client = await bench.connect()
    await client.publish(bench.topic('a'), 'kept', { qos: 2, retain: true })
    await client.subscribe(bench.topic('a'), qos)
    expect(essence(await client.take('publish'))).toMatchObject({ payload: 'kept', qos, retain: true })
  })

  it('M-RETAIN-3 an established subscription gets it without RETAIN', async () => {
    const client = await bench.connect()
    await client.subscribe(bench.topic('a'), 1)
    await client.publish(bench.topic('a'), 'kept', { qos: 1, retain: true })
    expect(essence(await client.take('publish'))).toMatchObject({ payload: 'kept', retain: false })
  })

  it.each(levels)('M-RETAIN-4 a newer retained message of QoS %i replaces the older', async (qos) => {
    const publisher = await bench.connect()
    await publisher.publish(bench.topic('a'), 'older', { qos: 2, retain: true })
    await publisher.publish(bench.topic('a'), 'newer', { qos, retain: true })
    await bench.done(publisher)
    expect(await retained(bench.topic('a'))).toMatchObject([{ payload: 'newer', qos }])
  })

  it.each(levels)(
    'M-RETAIN-5 an empty retained message of QoS %i clears, and is itself delivered',
    async (qos) => {
      const publisher = await bench.connect()
      await publisher.publish(bench.topic('a'), 'kept', { qos: 1, retain: true })
      const subscriber = await bench.connect()
      await subscriber.subscribe(bench.topic('a'), 2)
      await publisher.publish(bench.topic('a'), '', { qos, retain: true })
      expect((await takeMessages(subscriber, 2)).map(essence)).toMatchObject([
        { payload: 'kept', retain: true },
        { payload: '', qos, retain: false },
      ])
      expect(await retained(bench.topic('a'))).toEqual([])
    },
  )

  it('M-RETAIN-6 a message without RETAIN neither stores nor removes', async () => {
    const publisher = await bench.connect()
    await publisher.publish(bench.topic('a'), 'passing', { qos: 1 })
    expect(await retained(bench.topic('a'))).toEqual([])
    await publisher.publish(bench.topic('a'), 'kept', { qos: 1, retain: true })
    await publisher.publish(bench.topic('a'), 'passing', { qos: 1 })
    await publisher.publish(bench.topic('a'), '', { qos: 1 })
    expect(await retained(bench.topic('a'))).toMatchObject([{ payload: 'kept' }])
  })

  it('M-RETAIN-7 a wildcard subscription gets each retained message once, and only what matches', async () => {
    const publisher = await bench.connect()
    for (const name of ['a/1', 'a/2', 'a/2/3', 'b/1'])
      await publisher.publish(bench.topic(name), name, { qos: 1, retain: true })
    const seen = async (filter: string) =>
      (await retained(bench.topic(filter))).map(({ payload }) => payload).sort()
    expect(await seen('#')).toEqual(['a/1', 'a/2', 'a/2/3', 'b/1'])
    expect(await seen('a/#')).toEqual(['a/1', 'a/2', 'a/2/3'])
    expect(await seen('a/+')).toEqual(['a/1', 'a/2'])
    expect(await seen('+/1')).toEqual(['a/1', 'b/1'])
    expect(await seen('a/3')).toEqual([])
  })

  it('M-RETAIN-8 retained messages outlive the session of the client that sent them', async () => {
    const publisher = await bench.connect()
    await publisher.publish(bench.topic('a'), 'kept', { qos: 1, retain: true })
    await publisher.disconnect()
    expect(await retained(bench.topic('a'))).toMatchObject([{ payload: 'kept' }])
  })

  it('M-RETAIN-9 subscribing again sends the retained message again', async () => {
    const client = await bench.connect()
    await client.publish(bench.topic('a'), 'kept', { qos: 1, retain: true })
    for (const qos of levels) {
      await client.subscribe(bench.topic('a'), qos)
      expect(essence(await client.take('publish'))).toMatchObject({ payload: 'kept', qos: Math.min(qos, 1) })
    }
  })

  it('M-RETAIN-10 a session that resumes its subscriptions is not given what is retained', async () => {
    const clientId = bench.clientId()
    const publisher = await bench.connect()
    await publisher.publish(bench.topic('a'), 'kept', { qos: 0, retain: true })
    await bench.done(publisher)
    const first = await bench.connect({ clientId, clean: false })
    await first.subscribe(bench.topic('a'), 1)
    expect(payloads([await first.take('publish')])).toEqual(['kept'])
    await first.disconnect()
    const back = await bench.connect({ clientId, clean: false })
    expect(await bench.delivered(back, publisher)).toEqual([])
    await (await bench.connect({ clientId })).disconnect()
  })

  it('M-RETAIN-11 a wildcard subscription gets every one of many retained messages', async () => {
    const publisher = await bench.connect()
    const names = Array.from({ length: 200 }, (_, i) => `many/${i}`)
    for (const name of names) await publisher.publish(bench.topic(name), name, { qos: 1, retain: true })
    const subscriber = await bench.connect()
    await subscriber.subscribe(bench.topic('many/#'), 1)
    const messages = await takeMessages(subscriber, names.length)
    expect(payloads(messages).sort()).toEqual(names.sort())
    expect(messages.every(({ retain }) => retain)).toBe(true)
    for (const name of names) await publisher.publish(bench.topic(name), '', { qos: 1, retain: true })
  })
})
