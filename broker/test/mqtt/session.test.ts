import { expect, it } from 'vitest'
import { describeTargets, essence, payloads, takeMessages } from './bench.ts'

describeTargets('sessions', (bench) => {
  /** Ends a connection and says whether the next one found a session. */
  async function isPresent(clientId: string, clean: boolean): Promise<boolean> {
    const { client, sessionPresent } = await bench.connectSession({ clientId, clean })
    await client.disconnect()
    return sessionPresent
  }

  /** A persistent session with one subscription of QoS 2, away. */
  async function leaveSession(filter = bench.topic('#')): Promise<string> {
    const clientId = bench.clientId()
    const client = await bench.connect({ clientId, clean: false })
    await client.subscribe(filter, 2)
    await client.disconnect()
    return clientId
  }

  async function discard(clientId: string): Promise<void> {
    await (await bench.connect({ clientId, clean: true })).disconnect()
  }

  it('M-SESSION-1 CONNACK says whether there is a session, also of one without subscriptions', async () => {
    const clientId = bench.clientId()
    const connects = [true, false, false, false, true, true, false, false, true]
    const present = []
    for (const clean of connects) present.push(await isPresent(clientId, clean))
    expect(present).toEqual([false, false, true, true, false, false, false, true, false])
  })

  it('M-SESSION-2 a session is there after a broken connection, a takeover and a protocol error', async () => {
    const clientId = bench.clientId()
    const persistent = { clientId, clean: false }
    const first = await bench.connect(persistent)
    first.drop()
    const second = await bench.connectSession(persistent)
    const third = await bench.connectSession(persistent)
    await second.client.closed()
    third.client.sendBytes(Buffer.from([0xf0, 0]))
    await third.client.closed()
    const fourth = await bench.connectSession(persistent)
    expect([second, third, fourth].map(({ sessionPresent }) => sessionPresent)).toEqual([true, true, true])
    await fourth.client.disconnect()
    await discard(clientId)
  })

  it('M-SESSION-3 subscriptions outlive the connection, with their QoS', async () => {
    const clientId = bench.clientId()
    const first = await bench.connect({ clientId, clean: false })
    await first.subscribe([
      [bench.topic('0'), 0],
      [bench.topic('1'), 1],
      [bench.topic('2'), 2],
    ])
    await first.disconnect()
    const back = await bench.connect({ clientId, clean: false })
    for (const name of ['0', '1', '2']) {
      await back.publish(bench.topic(name), name, { qos: 2 })
      expect(essence(await back.take('publish'))).toMatchObject({ payload: name, qos: Number(name) })
    }
    await discard(clientId)
  })

  it('M-SESSION-4 what an absent session missed of QoS 1 and 2 comes when it is back, in order', async () => {
    const clientId = await leaveSession()
    const publisher = await bench.connect()
    const numbers = Array.from({ length: 100 }, (_, i) => i)
    for (const number of numbers)
      await publisher.publish(bench.topic('a'), `${number}`, { qos: number % 2 ? 1 : 2 })
    const back = await bench.connect({ clientId, clean: false })
    const messages = (await takeMessages(back, numbers.length)).map(essence)
    for (const qos of [1, 2])
      expect(messages.filter((message) => message.qos === qos)).toEqual(
        numbers
          .filter((number) => (number % 2 ? 1 : 2) === qos)
          .map((number) => ({
            topic: bench.topic('a'),
            payload: `${number}`,
            qos,
            retain: false,
            dup: false,
          })),
      )
    await discard(clientId)
  })

  it('M-SESSION-5 what was missed keeps the granted QoS and comes without RETAIN', async () => {
    const clientId = bench.clientId()
    const client = await bench.connect({ clientId, clean: false })
    await client.subscribe(bench.topic('a'), 1)
    await client.disconnect()
    const publisher = await bench.connect()
    await publisher.publish(bench.topic('a'), 'kept', { qos: 2, retain: true })
    await publisher.publish(bench.topic('a'), '', { qos: 1, retain: true })
    const back = await bench.connect({ clientId, clean: false })
    expect((await takeMessages(back, 2)).map(essence)).toMatchObject([
      { payload: 'kept', qos: 1, retain: false, dup: false },
      { payload: '', qos: 1, retain: false, dup: false },
    ])
    await discard(clientId)
  })

  it('M-SESSION-6 a backlog is delivered once', async () => {
    const clientId = await leaveSession()
    const publisher = await bench.connect()
    for (const payload of ['one', 'two']) await publisher.publish(bench.topic('a'), payload, { qos: 1 })
    const back = await bench.connect({ clientId, clean: false })
    expect(payloads(await takeMessages(back, 2))).toEqual(['one', 'two'])
    await back.disconnect()
    const again = await bench.connect({ clientId, clean: false })
    expect(await bench.delivered(again, publisher)).toEqual([])
    await discard(clientId)
  })

  it('M-SESSION-7 a clean session discards subscriptions, backlog and what was in flight', async () => {
    const clientId = bench.clientId()
    const first = await bench.connect({ clientId, clean: false, answers: false })
    await first.subscribe(bench.topic('a'), 2)
    const publisher = await bench.connect()
    await publisher.publish(bench.topic('a'), 'in flight', { qos: 2 })
    await first.take('publish')
    first.drop()
    await publisher.publish(bench.topic('a'), 'backlog', { qos: 2 })
    const clean = await bench.connectSession({ clientId, clean: true })
    expect(clean.sessionPresent).toBe(false)
    await publisher.publish(bench.topic('a'), 'live', { qos: 2 })
    expect(await bench.delivered(clean.client, publisher)).toEqual([])
    await clean.client.disconnect()
    const later = await bench.connectSession({ clientId, clean: false })
    expect(later.sessionPresent).toBe(false)
    expect(await bench.delivered(later.client, publisher)).toEqual([])
    await discard(clientId)
  })

  it('M-SESSION-8 a clean session leaves nothing behind, however it ends', async () => {
    const publisher = await bench.connect()
    for (const how of ['disconnect', 'drop', 'takeover'] as const) {
      const clientId = bench.clientId()
      const clean = await bench.connect({ clientId, clean: true })
      await clean.subscribe(bench.topic('a'), 1)
      if (how === 'disconnect') await clean.disconnect()
      if (how === 'drop') clean.drop()
      const later = await bench.connectSession({ clientId, clean: false })
      expect(later.sessionPresent, how).toBe(false)
      await publisher.publish(bench.topic('a'), how, { qos: 1 })
      expect(await bench.delivered(later.client, publisher), how).toEqual([])
      await later.client.disconnect()
      await discard(clientId)
    }
  })

  it('M-SESSION-9 sessions belong to their client ids, which are case sensitive', async () => {
    const [one, other] = [await leaveSession(), await leaveSession(bench.topic('other'))]
    const publisher = await bench.connect()
    await publisher.publish(bench.topic('a'), 'for one', { qos: 1 })
    expect(await isPresent(one.toUpperCase(), false)).toBe(false)
    const back = await bench.connect({ clientId: other, clean: false })
    expect(await bench.delivered(back, publisher)).toEqual([])
    expect(payloads([await (await bench.connect({ clientId: one, clean: false })).take('publish')])).toEqual([
      'for one',
    ])
    for (const clientId of [one, other, one.toUpperCase()]) await discard(clientId)
  })

  it('M-SESSION-10 the state of a session that is taken over goes on in the new connection', async () => {
    const clientId = bench.clientId()
    const first = await bench.connect({ clientId, clean: false, answers: false })
    await first.subscribe(bench.topic('a'), 1)
    const publisher = await bench.connect()
    await publisher.publish(bench.topic('a'), 'unanswered', { qos: 1 })
    const { messageId } = await first.take('publish')
    const second = await bench.connect({ clientId, clean: false })
    await first.closed()
    const resent = await second.take('publish')
    expect({ ...essence(resent), messageId: resent.messageId }).toMatchObject({
      payload: 'unanswered',
      dup: true,
      messageId,
    })
    await publisher.publish(bench.topic('a'), 'next', { qos: 1 })
    expect(payloads([await second.take('publish')])).toEqual(['next'])
    await discard(clientId)
  })

  bench.itUnless('mosquitto', 'it queues with the QoS of whichever filter it finds first')(
    'M-SESSION-11 overlapping filters of an absent session get a message once, with the highest QoS',
    async () => {
      const clientId = bench.clientId()
      const client = await bench.connect({ clientId, clean: false })
      await client.subscribe([
        [bench.topic('a/#'), 0],
        [bench.topic('a/+'), 2],
        [bench.topic('a/b'), 1],
      ])
      await client.disconnect()
      const publisher = await bench.connect()
      await publisher.publish(bench.topic('a/b'), 'missed', { qos: 2 })
      const back = await bench.connect({ clientId, clean: false })
      expect((await bench.delivered(back, publisher)).map(essence)).toMatchObject([
        { payload: 'missed', qos: 2 },
      ])
      await discard(clientId)
    },
  )

  it('M-SESSION-12 a long backlog comes whole and in order, also to a client that leaves in the middle', async () => {
    const clientId = await leaveSession()
    const publisher = await bench.connect()
    const sent = Array.from({ length: 300 }, (_, i) => `${i}`)
    for (const payload of sent) await publisher.publish(bench.topic('a'), payload, { qos: 1 })
    const heard = new Set<string>()
    for (const count of [1, 50, 150, 300]) {
      const back = await bench.connect({ clientId, clean: false, answers: false })
      while (heard.size < count) {
        const { payload, messageId = 0 } = await back.take('publish')
        heard.add(String(payload))
        back.send({ cmd: 'puback', messageId })
      }
      back.drop()
    }
    expect([...heard]).toEqual(sent)
    await discard(clientId)
  })
})
