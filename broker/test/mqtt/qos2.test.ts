import { random } from '@telltale/infra/testing/random'
import { expect, it } from 'vitest'
import { describeTargets, essence, payloads, takeMessages } from './bench.ts'
import { publishPacket, pubrel } from './raw-client.ts'

describeTargets('QoS 2 to the broker', (bench) => {
  async function watch() {
    const watcher = await bench.connect()
    await watcher.subscribe(bench.topic('a'), 2)
    return watcher
  }

  it.each([1, 256, 65_535])('M-QOS2-1 PUBREC and PUBCOMP carry the packet id %i', async (messageId) => {
    const watcher = await watch()
    const client = await bench.connect()
    client.send(publishPacket(bench.topic('a'), 'x', { qos: 2, messageId }))
    expect(await client.next('pubrec')).toMatchObject({ messageId })
    client.send(pubrel(messageId))
    expect(await client.next('pubcomp')).toMatchObject({ messageId })
    expect(payloads(await bench.delivered(watcher, client))).toEqual(['x'])
  })

  bench.itUnless('mosquitto', 'it answers one repetition and closes at the next')(
    'M-QOS2-2 a PUBLISH that is sent again before its PUBREL is answered each time and delivered once',
    async () => {
      const watcher = await watch()
      const client = await bench.connect()
      const publish = { qos: 2, messageId: 5 } as const
      client.send(publishPacket(bench.topic('a'), 'x', publish))
      await client.next('pubrec')
      for (let again = 0; again < 3; again++) {
        client.send(publishPacket(bench.topic('a'), 'x', { ...publish, dup: true }))
        expect(await client.next('pubrec')).toMatchObject({ messageId: 5 })
      }
      client.send(pubrel(5))
      await client.next('pubcomp')
      expect(payloads(await bench.delivered(watcher, client))).toEqual(['x'])
    },
  )

  it('M-QOS2-3 a PUBLISH that is sent again over a new connection of the session is delivered once', async () => {
    const watcher = await watch()
    const clientId = bench.clientId()
    const first = await bench.connect({ clientId, clean: false })
    first.send(publishPacket(bench.topic('a'), 'x', { qos: 2, messageId: 5 }))
    await first.next('pubrec')
    first.drop()
    const second = await bench.connect({ clientId, clean: false })
    second.send(publishPacket(bench.topic('a'), 'x', { qos: 2, messageId: 5, dup: true }))
    expect(await second.next('pubrec')).toMatchObject({ messageId: 5 })
    second.drop()
    const third = await bench.connect({ clientId, clean: false })
    third.send(pubrel(5))
    expect(await third.next('pubcomp')).toMatchObject({ messageId: 5 })
    expect(payloads(await bench.delivered(watcher, third))).toEqual(['x'])
    await (await bench.connect({ clientId })).disconnect()
  })

  it('M-QOS2-4 a PUBREL that is sent again is answered again, on the same connection and a new one', async () => {
    const watcher = await watch()
    const clientId = bench.clientId()
    const first = await bench.connect({ clientId, clean: false })
    await first.publish(bench.topic('a'), 'x', { qos: 2, messageId: 5 })
    first.send(pubrel(5))
    expect(await first.next('pubcomp')).toMatchObject({ messageId: 5 })
    first.drop()
    const second = await bench.connect({ clientId, clean: false })
    second.send(pubrel(5))
    expect(await second.next('pubcomp')).toMatchObject({ messageId: 5 })
    expect(payloads(await bench.delivered(watcher, second))).toEqual(['x'])
    await (await bench.connect({ clientId })).disconnect()
  })

  it('M-QOS2-5 after PUBCOMP the same packet id is a new message, DUP or not', async () => {
    const watcher = await watch()
    const client = await bench.connect()
    await client.publish(bench.topic('a'), 'one', { qos: 2, messageId: 5 })
    await client.publish(bench.topic('a'), 'two', { qos: 2, messageId: 5, dup: true })
    await client.publish(bench.topic('a'), 'three', { qos: 2, messageId: 5 })
    expect(payloads(await bench.delivered(watcher, client))).toEqual(['one', 'two', 'three'])
  })

  it('M-QOS2-6 a clean session knows nothing of what was in flight before', async () => {
    const watcher = await watch()
    const clientId = bench.clientId()
    const first = await bench.connect({ clientId })
    first.send(publishPacket(bench.topic('a'), 'former', { qos: 2, messageId: 5 }))
    await first.next('pubrec')
    first.drop()
    const second = await bench.connect({ clientId })
    await second.publish(bench.topic('a'), 'new', { qos: 2, messageId: 5 })
    expect(payloads(await bench.delivered(watcher, second))).toContain('new')
  })

  it('M-QOS2-7 many messages in flight at once are each delivered once, in order', async () => {
    const watcher = await watch()
    const client = await bench.connect()
    const ids = Array.from({ length: 20 }, (_, i) => i + 1)
    const all = (dup: boolean) =>
      ids.map((messageId) => publishPacket(bench.topic('a'), `${messageId}`, { qos: 2, messageId, dup }))
    client.send(...all(false), ...all(true))
    for (const messageId of [...ids, ...ids]) expect(await client.next('pubrec')).toMatchObject({ messageId })
    client.send(...ids.map(pubrel), ...ids.map(pubrel))
    for (const messageId of [...ids, ...ids])
      expect(await client.next('pubcomp')).toMatchObject({ messageId })
    expect(payloads(await bench.delivered(watcher, client))).toEqual(ids.map(String))
  })

  it('M-QOS2-8 acknowledgements of packets that never were harm nobody', async () => {
    const client = await bench.connect()
    for (const cmd of ['puback', 'pubrec', 'pubcomp'] as const) client.send({ cmd, messageId: 4711 })
    await client.ping()
    await client.publish(bench.topic('a'), 'x', { qos: 2 })
  })
})

describeTargets('QoS 2 from the broker', (bench) => {
  /** A persistent subscriber that acknowledges by hand, and a message on its way to it. */
  async function deliver() {
    const clientId = bench.clientId()
    const subscriber = await bench.connect({ clientId, clean: false, answers: false })
    await subscriber.subscribe(bench.topic('a'), 2)
    const publisher = await bench.connect()
    await publisher.publish(bench.topic('a'), 'x', { qos: 2 })
    const { messageId = 0, dup } = await subscriber.next('publish')
    expect(dup).toBe(false)
    const reconnect = () => bench.connect({ clientId, clean: false, answers: false })
    return { subscriber, publisher, messageId, reconnect }
  }

  it('M-QOS2-9 PUBREC is answered with PUBREL of the same packet id, each time', async () => {
    const { subscriber, messageId } = await deliver()
    subscriber.send({ cmd: 'pubrec', messageId })
    expect(await subscriber.next('pubrel')).toMatchObject({ messageId })
    subscriber.send({ cmd: 'pubcomp', messageId })
    await subscriber.ping()
    expect(subscriber.inbox).toEqual([])
  })

  it('M-QOS2-10 without PUBREC the message comes again, with DUP and the same packet id', async () => {
    const { subscriber, messageId, reconnect } = await deliver()
    subscriber.drop()
    const again = await reconnect()
    const message = await again.next('publish')
    expect({ ...essence(message), messageId: message.messageId }).toMatchObject({
      qos: 2,
      dup: true,
      messageId,
    })
  })

  it('M-QOS2-11 with PUBREC and without PUBCOMP the PUBREL comes again, and the message does not', async () => {
    const { subscriber, publisher, messageId, reconnect } = await deliver()
    subscriber.send({ cmd: 'pubrec', messageId })
    await subscriber.next('pubrel')
    subscriber.drop()
    const again = await reconnect()
    expect(await again.next('pubrel')).toMatchObject({ messageId })
    again.send({ cmd: 'pubcomp', messageId })
    again.answers = true
    expect(await bench.delivered(again, publisher)).toEqual([])
    again.drop()
    const last = await reconnect()
    await last.ping()
    expect(last.inbox).toEqual([])
  })

  it.each([1, 2, 3])(
    'M-QOS2-12 over breaking connections every message comes exactly once, seed %i',
    async (seed) => {
      const next = random(seed)
      const clientId = bench.clientId()
      const connect = () => bench.connect({ clientId, clean: false, answers: false })
      const sent = Array.from({ length: 40 }, (_, i) => `${i}`)
      let subscriber = await connect()
      await subscriber.subscribe(bench.topic('a'), 2)
      const publisher = await bench.connect()
      const publishing = (async () => {
        for (const payload of sent) await publisher.publish(bench.topic('a'), payload, { qos: 2 })
      })()
      // The receiver of section 4.3.3: it hands a message on when its id is new, and forgets the id at PUBREL.
      const held = new Set<number>()
      const handedOn: string[] = []
      while (handedOn.length < sent.length || held.size > 0) {
        const packet = await subscriber.nextPacket()
        const { messageId = 0 } = packet
        if (packet.cmd === 'publish' && !held.has(messageId)) handedOn.push(String(packet.payload))
        if (packet.cmd === 'publish') held.add(messageId)
        else held.delete(messageId)
        if (next() < 0.3) {
          subscriber.drop()
          subscriber = await connect()
        } else subscriber.send({ cmd: packet.cmd === 'publish' ? 'pubrec' : 'pubcomp', messageId })
      }
      await publishing
      expect(handedOn).toEqual(sent)
      await (await bench.connect({ clientId })).disconnect()
    },
  )

  it('M-QOS2-13 the packet id of a delivery is free again after PUBCOMP only', async () => {
    const subscriber = await bench.connect({ answers: false })
    await subscriber.subscribe(bench.topic('a'), 2)
    const publisher = await bench.connect()
    for (let i = 0; i < 4; i++) await publisher.publish(bench.topic('a'), `${i}`, { qos: 2 })
    const ids = (await takeMessages(subscriber, 4)).map(({ messageId = 0 }) => messageId)
    subscriber.send(...ids.map((messageId) => ({ cmd: 'pubrec' as const, messageId })))
    for (const messageId of ids) expect(await subscriber.next('pubrel')).toMatchObject({ messageId })
    for (let i = 4; i < 8; i++) await publisher.publish(bench.topic('a'), `${i}`, { qos: 2 })
    const more = (await takeMessages(subscriber, 4)).map(({ messageId = 0 }) => messageId)
    expect(new Set([...ids, ...more]).size).toBe(8)
  })
})
