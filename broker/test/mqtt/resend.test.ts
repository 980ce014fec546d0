import { expect, it } from 'vitest'
import { describeTargets, payloads, takeMessages } from './bench.ts'
import { publishPacket } from './raw-client.ts'

describeTargets('resending', (bench) => {
  /** `count` messages of one QoS on their way to a subscriber who answers nothing, then its connection breaks. */
  async function breakWith(
    count: number,
    qos: 1 | 2,
    answer: (id: number, index: number) => boolean = () => false,
  ) {
    const clientId = bench.clientId()
    const subscriber = await bench.connect({ clientId, clean: false, answers: false })
    await subscriber.subscribe(bench.topic('a'), 2)
    const publisher = await bench.connect()
    for (let i = 0; i < count; i++) await publisher.publish(bench.topic('a'), `${i}`, { qos })
    const messages = await takeMessages(subscriber, count)
    for (const [i, { messageId = 0 }] of messages.entries())
      if (answer(messageId, i)) subscriber.send({ cmd: qos === 1 ? 'puback' : 'pubrec', messageId })
    await subscriber.ping()
    subscriber.drop()
    return { ids: messages.map(({ messageId = 0 }) => messageId), publisher, clientId }
  }

  it.each([1, 2] as const)(
    'M-RESEND-1 unanswered messages of QoS %i come again first, in order, with DUP and their ids',
    async (qos) => {
      const { ids, publisher, clientId } = await breakWith(5, qos)
      await publisher.publish(bench.topic('a'), '5', { qos })
      const back = await bench.connect({ clientId, clean: false })
      const messages = await takeMessages(back, 6)
      expect(messages.map(({ payload, qos: level, dup }) => [String(payload), level, dup])).toEqual(
        ['0', '1', '2', '3', '4', '5'].map((payload) => [payload, qos, payload !== '5']),
      )
      expect(messages.slice(0, 5).map(({ messageId }) => messageId)).toEqual(ids)
      await (await bench.connect({ clientId })).disconnect()
    },
  )

  it('M-RESEND-2 what was acknowledged does not come again', async () => {
    const { ids, publisher, clientId } = await breakWith(5, 1, (_id, i) => i % 2 === 1)
    const back = await bench.connect({ clientId, clean: false })
    const messages = await takeMessages(back, 3)
    expect(payloads(messages)).toEqual(['0', '2', '4'])
    expect(messages.map(({ messageId }) => messageId)).toEqual([0, 2, 4].map((i) => ids[i]))
    expect(await bench.delivered(back, publisher)).toEqual([])
    await (await bench.connect({ clientId })).disconnect()
  })

  it('M-RESEND-3 released and unreleased messages of QoS 2 are each continued where they were', async () => {
    const { ids, publisher, clientId } = await breakWith(4, 2, (_id, i) => i < 2)
    const back = await bench.connect({ clientId, clean: false, answers: false })
    for (const messageId of ids.slice(0, 2)) expect(await back.take('pubrel')).toMatchObject({ messageId })
    const messages = await takeMessages(back, 2)
    expect(messages.map(({ messageId, dup }) => ({ messageId, dup }))).toEqual(
      ids.slice(2).map((messageId) => ({ messageId, dup: true })),
    )
    for (const messageId of ids.slice(0, 2)) back.send({ cmd: 'pubcomp', messageId })
    for (const messageId of ids.slice(2)) {
      back.send({ cmd: 'pubrec', messageId })
      expect(await back.take('pubrel')).toMatchObject({ messageId })
      back.send({ cmd: 'pubcomp', messageId })
    }
    back.answers = true
    expect(await bench.delivered(back, publisher)).toEqual([])
    await (await bench.connect({ clientId })).disconnect()
  })

  it('M-RESEND-4 a message that is never answered comes again at every reconnect, with the same id', async () => {
    const { ids, clientId } = await breakWith(1, 1)
    for (let turn = 0; turn < 5; turn++) {
      const back = await bench.connect({ clientId, clean: false, answers: false })
      expect(await back.take('publish')).toMatchObject({ messageId: ids[0], dup: true })
      back.drop()
    }
    await (await bench.connect({ clientId })).disconnect()
  })

  it('M-RESEND-5 a packet id that is still in use is not given to another message', async () => {
    const { ids, publisher, clientId } = await breakWith(5, 1)
    const back = await bench.connect({ clientId, clean: false, answers: false })
    await takeMessages(back, 5)
    for (let i = 0; i < 5; i++) await publisher.publish(bench.topic('a'), 'new', { qos: 1 })
    const more = (await takeMessages(back, 5)).map(({ messageId = 0 }) => messageId)
    expect(new Set([...ids, ...more]).size).toBe(10)
    await (await bench.connect({ clientId })).disconnect()
  })

  it('M-RESEND-6 the ids of a publisher and those of a subscriber are independent', async () => {
    const client = await bench.connect({ answers: false })
    await client.subscribe(bench.topic('a'), 1)
    client.send(publishPacket(bench.topic('a'), 'x', { qos: 1, messageId: 1 }))
    expect(await client.take('puback')).toMatchObject({ messageId: 1 })
    const { messageId = 0 } = await client.take('publish')
    await client.publish(bench.topic('b'), 'y', { qos: 2, messageId })
    client.send({ cmd: 'puback', messageId })
    await client.ping()
    expect(client.inbox).toEqual([])
  })
})
