import { expect, it } from 'vitest'
import { describeTargets, essence, payloads, takeMessages } from './bench.ts'
import { field, rawPacket } from './bytes.ts'
import { publishPacket } from './raw-client.ts'

const levels = [0, 1, 2] as const

describeTargets('PUBLISH', (bench) => {
  it.each(levels.flatMap((sent) => levels.map((granted) => [sent, granted] as const)))(
    'M-PUBLISH-1 a message of QoS %i reaches a subscription of QoS %i with the lower of the two',
    async (sent, granted) => {
      const subscriber = await bench.connect()
      expect(await subscriber.subscribe(bench.topic('a'), granted)).toEqual([granted])
      await (await bench.connect()).publish(bench.topic('a'), 'hello', { qos: sent })
      const message = await subscriber.take('publish')
      expect(essence(message)).toEqual({
        topic: bench.topic('a'),
        payload: 'hello',
        qos: Math.min(sent, granted),
        retain: false,
        dup: false,
      })
      if (message.qos === 0) expect(message.messageId).toBeUndefined()
      else expect(message.messageId).toBeGreaterThan(0)
    },
  )

  it.each([1, 255, 256, 65_535])(
    'M-PUBLISH-2 PUBACK carries the packet id %i of its PUBLISH',
    async (messageId) => {
      const client = await bench.connect()
      client.send(publishPacket(bench.topic('a'), 'x', { qos: 1, messageId }), { cmd: 'pingreq' })
      expect(await client.take('puback')).toMatchObject({ messageId })
      await client.take('pingresp')
      expect(client.inbox).toEqual([])
    },
  )

  it('M-PUBLISH-3 QoS 0 is never answered', async () => {
    const client = await bench.connect()
    client.send(publishPacket(bench.topic('a'), 'x'), { cmd: 'pingreq' })
    await client.next('pingresp')
  })

  it('M-PUBLISH-4 DUP of an incoming message is not passed on', async () => {
    const client = await bench.connect()
    await client.subscribe(bench.topic('a'), 2)
    await client.publish(bench.topic('a'), 'one', { qos: 1, dup: true })
    await client.publish(bench.topic('a'), 'two', { qos: 2, dup: true })
    expect((await takeMessages(client, 2)).map(essence)).toMatchObject([
      { payload: 'one', dup: false },
      { payload: 'two', dup: false },
    ])
  })

  it('M-PUBLISH-5 QoS 0 with DUP closes the connection or is delivered once, without DUP', async () => {
    const watcher = await bench.connect()
    await watcher.subscribe(bench.topic('a'), 0)
    const client = await bench.connect()
    client.sendBytes(rawPacket(0x38, field(bench.topic('a'))), rawPacket(0xc0))
    await Promise.race([client.take('pingresp').catch(() => 'closed'), client.closed()])
    const heard = await bench.delivered(watcher, await bench.connect())
    expect(heard.map(({ dup }) => dup)).toEqual(client.isClosed ? [] : [false])
  })

  it('M-PUBLISH-6 QoS 3 closes the connection and reaches nobody', async () => {
    const watcher = await bench.connect()
    await watcher.subscribe(bench.topic('a'), 2)
    const client = await bench.connect()
    client.sendBytes(rawPacket(0x36, field(bench.topic('a')), Buffer.from([0, 1])))
    expect(await client.closed()).toEqual([])
    expect(await bench.delivered(watcher, await bench.connect())).toEqual([])
  })

  it.each(['+', '#', 'a/+', 'a/#', '+/a', 'a/+/b', 'a+', '#a'])(
    'M-PUBLISH-7 the topic %s, which has a wildcard, closes the connection and reaches nobody',
    async (name) => {
      const watcher = await bench.connect()
      await watcher.subscribe(bench.topic('#'), 2)
      for (const firstByte of [0x30, 0x32, 0x34]) {
        const client = await bench.connect()
        const id = firstByte === 0x30 ? [] : [Buffer.from([0, 1])]
        client.sendBytes(rawPacket(firstByte, field(bench.topic(name)), ...id))
        expect(await client.closed()).toEqual([])
      }
      expect(await bench.delivered(watcher, await bench.connect())).toEqual([])
    },
  )

  it('M-PUBLISH-8 an empty topic closes the connection', async () => {
    const client = await bench.connect()
    client.sendBytes(rawPacket(0x30, field(''), Buffer.from('x')))
    expect(await client.closed()).toEqual([])
  })

  it.each(levels)('M-PUBLISH-9 a message of QoS %i without a payload is a message', async (qos) => {
    const client = await bench.connect()
    await client.subscribe(bench.topic('a'), 2)
    await client.publish(bench.topic('a'), '', { qos })
    expect(essence(await client.take('publish'))).toMatchObject({ payload: '', qos })
  })

  bench.itUnless('mosquitto', 'it uses the QoS of whichever filter it finds first')(
    'M-PUBLISH-10 overlapping filters get the message once, with the highest QoS among them',
    async () => {
      const subscriber = await bench.connect()
      const filters = ['a/#', 'a/+', 'a/b', '+/b', '#'].map((name) => bench.topic(name))
      const publisher = await bench.connect()
      for (const order of [
        [0, 2, 1, 0, 1],
        [2, 0, 0, 1, 0],
        [1, 0, 1, 0, 0],
      ] as const) {
        await subscriber.subscribe(filters.map((filter, i) => [filter, order[i] ?? 0]))
        await publisher.publish(bench.topic('a/b'), order.join(), { qos: 2 })
        expect((await bench.delivered(subscriber, publisher)).map(essence)).toMatchObject([
          { payload: order.join(), qos: Math.max(...order), dup: false },
        ])
      }
    },
  )

  it('M-PUBLISH-11 a client hears its own messages, and every subscriber hears each', async () => {
    const clients = [await bench.connect(), await bench.connect(), await bench.connect()]
    for (const [i, client] of clients.entries()) await client.subscribe(bench.topic('a'), i as 0 | 1 | 2)
    await clients[0]?.publish(bench.topic('a'), 'hello', { qos: 2 })
    for (const [i, client] of clients.entries())
      expect(essence(await client.take('publish'))).toMatchObject({ payload: 'hello', qos: i })
  })

  it('M-PUBLISH-12 packet ids of messages in flight differ from each other', async () => {
    const subscriber = await bench.connect({ answers: false })
    await subscriber.subscribe(bench.topic('a'), 1)
    const publisher = await bench.connect()
    for (let i = 0; i < 10; i++) await publisher.publish(bench.topic('a'), `${i}`, { qos: 1 })
    const ids = (await takeMessages(subscriber, 10)).map(({ messageId }) => messageId)
    expect(new Set(ids).size).toBe(10)
    expect(ids).not.toContain(0)
  })

  it('M-PUBLISH-13 after PUBACK the same packet id is a new message, DUP or not', async () => {
    const client = await bench.connect()
    await client.subscribe(bench.topic('a'), 1)
    for (const [payload, dup] of [
      ['one', false],
      ['two', true],
      ['three', false],
    ] as const)
      await client.publish(bench.topic('a'), payload, { qos: 1, messageId: 7, dup })
    expect(payloads(await takeMessages(client, 3))).toEqual(['one', 'two', 'three'])
  })

  it('M-PUBLISH-14 what a client may not publish is acknowledged or closes the connection, and reaches nobody', async () => {
    const watcher = await bench.connect()
    await watcher.subscribe('#', 1)
    const client = await bench.connect()
    client.send(publishPacket('$SYS/conformance', 'x', { qos: 1 }))
    await Promise.race([client.take('puback').catch(() => 'closed'), client.closed()])
    const heard = await bench.delivered(watcher, await bench.connect())
    expect(heard.filter(({ topic }) => topic.startsWith('$'))).toEqual([])
  })

  it('M-PUBLISH-15 a subscriber that acknowledges nothing keeps no message from others, nor QoS 0 from itself', async () => {
    const mute = await bench.connect({ answers: false })
    await mute.subscribe([
      [bench.topic('a'), 2],
      [bench.topic('b'), 0],
    ])
    const other = await bench.connect()
    await other.subscribe(bench.topic('a'), 2)
    const publisher = await bench.connect()
    for (let i = 0; i < 100; i++) await publisher.publish(bench.topic('a'), `${i}`, { qos: 2 })
    expect(payloads(await takeMessages(other, 100))).toEqual(Array.from({ length: 100 }, (_, i) => `${i}`))
    await publisher.publish(bench.topic('b'), 'still heard')
    const heard = await mute.take('publish', ({ topic }) => topic === bench.topic('b'))
    expect(heard.payload.toString()).toBe('still heard')
  })

  it.each([1, 2] as const)(
    'M-PUBLISH-16 a slow subscriber of QoS %i gets everything, in order',
    async (qos) => {
      const slow = await bench.connect({ answers: false })
      await slow.subscribe(bench.topic('a'), qos)
      const publisher = await bench.connect()
      const sent = Array.from({ length: 100 }, (_, i) => `${i}`)
      for (const payload of sent) await publisher.publish(bench.topic('a'), payload, { qos })
      for (const payload of sent) {
        const { messageId = 0, payload: heard } = await slow.take('publish')
        expect(heard.toString()).toBe(payload)
        slow.send({ cmd: qos === 1 ? 'puback' : 'pubrec', messageId })
        if (qos === 2) await slow.take('pubrel', (packet) => packet.messageId === messageId)
        if (qos === 2) slow.send({ cmd: 'pubcomp', messageId })
      }
      await slow.ping()
      expect(slow.inbox).toEqual([])
    },
  )

  it('M-PUBLISH-17 PUBACKs in any order make room for what waits', async () => {
    const subscriber = await bench.connect({ answers: false })
    await subscriber.subscribe(bench.topic('a'), 1)
    const publisher = await bench.connect()
    for (let i = 0; i < 60; i++) await publisher.publish(bench.topic('a'), `${i}`, { qos: 1 })
    const heard: string[] = []
    while (heard.length < 60) {
      const messages = await takeMessages(subscriber, Math.min(10, 60 - heard.length))
      heard.push(...payloads(messages))
      for (const { messageId = 0 } of messages.reverse()) subscriber.send({ cmd: 'puback', messageId })
    }
    expect(heard).toEqual(Array.from({ length: 60 }, (_, i) => `${i}`))
  })
})
