import { expect, it } from 'vitest'
import { describeTargets, essence, payloads, takeMessages } from './bench.ts'
import { field, rawPacket, uint16 } from './bytes.ts'

const id = uint16(1)

describeTargets('SUBSCRIBE', (bench) => {
  it.each([1, 256, 65_535])('M-SUBSCRIBE-1 SUBACK carries the packet id %i', async (messageId) => {
    const client = await bench.connect()
    client.send({ cmd: 'subscribe', messageId, subscriptions: [{ topic: bench.topic('a'), qos: 1 }] })
    expect(await client.next('suback')).toMatchObject({ messageId, granted: [1] })
  })

  it('M-SUBSCRIBE-2 there is one code for each filter, in their order, doubles included', async () => {
    const client = await bench.connect()
    const filters = (['a', 'b', 'c', 'a', '+', 'a/#'] as const).map((name) => bench.topic(name))
    const granted = await client.subscribe(
      filters.map((filter, i) => [filter, ([2, 0, 1, 1, 0, 2] as const)[i] ?? 0]),
    )
    expect(granted).toEqual([2, 0, 1, 1, 0, 2])
  })

  it('M-SUBSCRIBE-3 of one filter twice in a packet the last QoS holds', async () => {
    const client = await bench.connect()
    await client.subscribe([
      [bench.topic('a'), 2],
      [bench.topic('a'), 0],
    ])
    await client.publish(bench.topic('a'), 'hello', { qos: 2 })
    expect((await bench.delivered(client, client)).map(essence)).toMatchObject([{ payload: 'hello', qos: 0 }])
  })

  it('M-SUBSCRIBE-4 subscribing again replaces the QoS: one copy, with the new one', async () => {
    const client = await bench.connect()
    for (const qos of [2, 0, 1] as const) {
      await client.subscribe(bench.topic('a'), qos)
      await client.publish(bench.topic('a'), 'hello', { qos: 2 })
      expect((await bench.delivered(client, client)).map(essence)).toMatchObject([{ payload: 'hello', qos }])
    }
  })

  it('M-SUBSCRIBE-5 subscribing again interrupts nothing', async () => {
    const subscriber = await bench.connect()
    await subscriber.subscribe(bench.topic('a'), 1)
    const publisher = await bench.connect()
    const numbers = Array.from({ length: 60 }, (_, i) => `${i}`)
    for (const number of numbers) {
      const published = publisher.publish(bench.topic('a'), number, { qos: 1 })
      if (Number(number) % 6 === 0) await subscriber.subscribe(bench.topic('a'), 1)
      await published
    }
    expect(payloads(await takeMessages(subscriber, numbers.length))).toEqual(numbers)
  })

  it.each([0x03, 0x04, 0x08, 0x40, 0x80, 0xfc])(
    'M-SUBSCRIBE-6 the requested QoS byte %i closes the connection',
    async (qos) => {
      const client = await bench.connect()
      client.sendBytes(rawPacket(0x82, id, field(bench.topic('a')), Buffer.from([qos])))
      expect(await client.closed()).toEqual([])
    },
  )

  it('M-SUBSCRIBE-7 a SUBSCRIBE without a filter closes the connection', async () => {
    const client = await bench.connect()
    client.sendBytes(rawPacket(0x82, id))
    expect(await client.closed()).toEqual([])
  })

  it.each(['', 'a/#/b', 'a#', '#a', 'a/b#', 'a+', '+a', 'a/b+', 'a/+b/c', '##', '++'])(
    'M-SUBSCRIBE-8 the filter "%s" is refused with 0x80, or closes the connection',
    async (name) => {
      const client = await bench.connect()
      client.sendBytes(rawPacket(0x82, id, field(name), Buffer.from([0])), rawPacket(0xc0))
      const answer = await Promise.race([client.take('suback'), client.closed()]).catch(() => [])
      expect([[], [0x80]]).toContainEqual('granted' in answer ? answer.granted : answer)
    },
  )

  it('M-SUBSCRIBE-9 filters of one packet are served like those of several', async () => {
    const client = await bench.connect()
    await client.publish(bench.topic('a/1'), 'kept', { qos: 1, retain: true })
    await client.publish(bench.topic('b'), 'kept', { qos: 1, retain: true })
    await client.subscribe([
      [bench.topic('a/+'), 1],
      [bench.topic('b'), 0],
    ])
    expect((await takeMessages(client, 2)).map(({ topic, qos, retain }) => ({ topic, qos, retain }))).toEqual(
      [
        { topic: bench.topic('a/1'), qos: 1, retain: true },
        { topic: bench.topic('b'), qos: 0, retain: true },
      ],
    )
    for (const name of ['a/1', 'b']) await client.publish(bench.topic(name), '', { qos: 1, retain: true })
  })

  it('M-SUBSCRIBE-10 what is published after SUBACK is delivered', async () => {
    const publisher = await bench.connect()
    for (let turn = 0; turn < 20; turn++) {
      const subscriber = await bench.connect()
      await subscriber.subscribe(bench.topic(`${turn}`), 1)
      await publisher.publish(bench.topic(`${turn}`), 'x', { qos: 1 })
      await subscriber.take('publish')
    }
  })
})

describeTargets('UNSUBSCRIBE', (bench) => {
  it.each([1, 256, 65_535])(
    'M-UNSUBSCRIBE-1 UNSUBACK carries the packet id %i, also of unknown filters',
    async (messageId) => {
      const client = await bench.connect()
      client.send({ cmd: 'unsubscribe', messageId, unsubscriptions: [bench.topic('never subscribed')] })
      expect(await client.next('unsuback')).toMatchObject({ messageId })
    },
  )

  it('M-UNSUBSCRIBE-2 nothing more is delivered after UNSUBACK', async () => {
    const client = await bench.connect()
    await client.subscribe(bench.topic('a'), 1)
    await client.publish(bench.topic('a'), 'before', { qos: 1 })
    expect(payloads(await bench.delivered(client, client))).toEqual(['before'])
    await client.unsubscribe(bench.topic('a'))
    await client.publish(bench.topic('a'), 'after', { qos: 1 })
    expect(await bench.delivered(client, client)).toEqual([])
  })

  it('M-UNSUBSCRIBE-3 filters are compared character by character', async () => {
    const client = await bench.connect()
    await client.subscribe([
      [bench.topic('a/b'), 1],
      [bench.topic('c/+'), 1],
    ])
    await client.unsubscribe(
      bench.topic('a/+'),
      bench.topic('#'),
      bench.topic('A/b'),
      bench.topic('c/d'),
      bench.topic('c/'),
    )
    await client.publish(bench.topic('a/b'), 'one', { qos: 1 })
    await client.publish(bench.topic('c/d'), 'two', { qos: 1 })
    expect(payloads(await bench.delivered(client, client))).toEqual(['one', 'two'])
  })

  it('M-UNSUBSCRIBE-4 several filters get one UNSUBACK, and the others stay', async () => {
    const client = await bench.connect()
    await client.subscribe(
      ['a', 'b', 'c'].map((name) => bench.topic(name)),
      1,
    )
    const unsubscriptions = ['a', 'x', 'b'].map((name) => bench.topic(name))
    client.send({ cmd: 'unsubscribe', messageId: 99, unsubscriptions })
    expect(await client.next('unsuback')).toMatchObject({ messageId: 99 })
    await client.ping()
    expect(client.inbox).toEqual([])
    for (const name of ['a', 'b', 'c']) await client.publish(bench.topic(name), name, { qos: 1 })
    expect(payloads(await bench.delivered(client, client))).toEqual(['c'])
  })

  it('M-UNSUBSCRIBE-5 an UNSUBSCRIBE without a filter closes the connection', async () => {
    const client = await bench.connect()
    client.sendBytes(rawPacket(0xa2, id))
    expect(await client.closed()).toEqual([])
  })

  it('M-UNSUBSCRIBE-6 a delivery that has begun is completed', async () => {
    const client = await bench.connect({ answers: false })
    await client.subscribe(bench.topic('a'), 2)
    await client.publish(bench.topic('a'), 'x', { qos: 2 })
    const { messageId = 0 } = await client.take('publish')
    await client.unsubscribe(bench.topic('a'))
    client.send({ cmd: 'pubrec', messageId })
    expect(await client.take('pubrel')).toMatchObject({ messageId })
  })

  it('M-UNSUBSCRIBE-7 a session that resumes does not get the filter back', async () => {
    const clientId = bench.clientId()
    const first = await bench.connect({ clientId, clean: false })
    await first.subscribe([
      [bench.topic('a'), 1],
      [bench.topic('b'), 1],
    ])
    await first.unsubscribe(bench.topic('a'))
    await first.disconnect()
    const publisher = await bench.connect()
    for (const name of ['a', 'b']) await publisher.publish(bench.topic(name), name, { qos: 1 })
    const back = await bench.connect({ clientId, clean: false })
    expect(payloads(await bench.delivered(back, publisher))).toEqual(['b'])
    await (await bench.connect({ clientId })).disconnect()
  })
})
