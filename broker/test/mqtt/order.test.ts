import type { IPublishPacket } from 'mqtt-packet'
import { expect, it } from 'vitest'
import { describeTargets, payloads, takeMessages } from './bench.ts'
import { publishPacket, pubrel } from './raw-client.ts'

const levels = [0, 1, 2] as const
const COUNT = 100
const numbers = Array.from({ length: COUNT }, (_, i) => i + 1)

describeTargets('order', (bench) => {
  it.each(levels.flatMap((sent) => levels.map((granted) => [sent, granted] as const)))(
    'M-ORDER-1 messages of QoS %i reach a subscription of QoS %i in the order they were sent',
    async (sent, granted) => {
      const subscriber = await bench.connect()
      await subscriber.subscribe(bench.topic('a'), granted)
      const publisher = await bench.connect()
      for (const number of numbers) {
        const published = publisher.publish(bench.topic('a'), `${number}`, { qos: sent })
        if (number % 10 === 0) await published
      }
      expect(payloads(await takeMessages(subscriber, COUNT))).toEqual(numbers.map(String))
    },
  )

  it('M-ORDER-2 PUBACKs come in the order of the PUBLISHes', async () => {
    const client = await bench.connect()
    client.send(...numbers.map((messageId) => publishPacket(bench.topic('a'), 'x', { qos: 1, messageId })))
    for (const messageId of numbers) expect(await client.next('puback')).toMatchObject({ messageId })
  })

  it('M-ORDER-3 PUBRECs come in the order of the PUBLISHes, PUBCOMPs in the order of the PUBRELs', async () => {
    const client = await bench.connect()
    const ids = numbers.slice(0, 20)
    client.send(...ids.map((messageId) => publishPacket(bench.topic('a'), 'x', { qos: 2, messageId })))
    for (const messageId of ids) expect(await client.next('pubrec')).toMatchObject({ messageId })
    client.send(...ids.map(pubrel))
    for (const messageId of ids) expect(await client.next('pubcomp')).toMatchObject({ messageId })
  })

  it('M-ORDER-4 PUBRELs come in the order of the PUBRECs', async () => {
    const subscriber = await bench.connect({ answers: false })
    await subscriber.subscribe(bench.topic('a'), 2)
    const publisher = await bench.connect()
    for (let i = 0; i < 10; i++) await publisher.publish(bench.topic('a'), `${i}`, { qos: 2 })
    const ids = (await takeMessages(subscriber, 10)).map(({ messageId = 0 }) => messageId)
    subscriber.send(...ids.map((messageId) => ({ cmd: 'pubrec' as const, messageId })))
    for (const messageId of ids) expect(await subscriber.next('pubrel')).toMatchObject({ messageId })
  })

  it('M-ORDER-5 two publishers on one topic are each heard in their own order', async () => {
    const subscriber = await bench.connect()
    await subscriber.subscribe(bench.topic('a'), 1)
    const publishers = [await bench.connect(), await bench.connect()]
    for (const number of numbers)
      for (const [i, publisher] of publishers.entries())
        publisher.send(publishPacket(bench.topic('a'), `${i} ${number}`, { qos: 1, messageId: number }))
    const heard = payloads(await takeMessages(subscriber, 2 * COUNT))
    for (const i of publishers.keys())
      expect(heard.filter((payload) => payload.startsWith(`${i} `))).toEqual(
        numbers.map((number) => `${i} ${number}`),
      )
  })

  it('M-ORDER-6 topics and levels mixed in one stream keep the order of each', async () => {
    const subscriber = await bench.connect()
    await subscriber.subscribe(bench.topic('#'), 2)
    const publisher = await bench.connect()
    const underWay: Promise<void>[] = []
    for (const number of numbers) {
      const qos = levels[number % 3] ?? 0
      underWay.push(publisher.publish(bench.topic(`t${number % 4}`), `${number}`, { qos }))
      if (number % 10 === 0) await Promise.all(underWay.splice(0))
    }
    const messages: IPublishPacket[] = []
    // QoS 0 may be lost, but not overtake.
    const reliable = numbers.filter((number) => number % 3 > 0)
    while (messages.filter(({ qos }) => qos > 0).length < reliable.length)
      messages.push(await subscriber.take('publish'))
    for (const qos of levels)
      for (const topic of [0, 1, 2, 3].map((i) => bench.topic(`t${i}`))) {
        const heard = payloads(
          messages.filter((message) => message.topic === topic && message.qos === qos),
        ).map(Number)
        const sent = numbers.filter((number) => number % 3 === qos && bench.topic(`t${number % 4}`) === topic)
        expect(heard).toEqual(qos > 0 ? sent : sent.filter((number) => heard.includes(number)))
      }
  })

  it('M-ORDER-7 a backlog of an absent session, and what comes while it is read, arrive in order', async () => {
    const clientId = bench.clientId()
    const away = await bench.connect({ clientId, clean: false })
    await away.subscribe(bench.topic('a'), 1)
    await away.disconnect()
    const publisher = await bench.connect()
    for (const number of numbers.slice(0, 50))
      await publisher.publish(bench.topic('a'), `${number}`, { qos: 1 })
    const back = await bench.connect({ clientId, clean: false })
    for (const number of numbers.slice(50)) await publisher.publish(bench.topic('a'), `${number}`, { qos: 1 })
    expect(payloads(await takeMessages(back, COUNT))).toEqual(numbers.map(String))
    await (await bench.connect({ clientId })).disconnect()
  })
})
