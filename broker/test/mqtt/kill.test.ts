import { expect, it } from 'vitest'
import { describeTargets, essence, payloads, takeMessages } from './bench.ts'
import { publishPacket, pubrel } from './raw-client.ts'
import { listTargets } from './targets.ts'

/** What the broker acknowledged outlives the broker: each test kills it with -9 and starts it again. */
const ours = listTargets().filter(({ name }) => name === 'telltale')

describeTargets(
  'kill -9',
  (bench) => {
    async function restart() {
      await bench.target.restart?.()
    }

    async function discard(clientId: string) {
      await (await bench.connect({ clientId })).disconnect()
    }

    it('M-KILL-1 sessions, their subscriptions and their backlogs are kept', async () => {
      const clientId = bench.clientId()
      const away = await bench.connect({ clientId, clean: false })
      await away.subscribe([
        [bench.topic('a'), 1],
        [bench.topic('b'), 2],
      ])
      await away.disconnect()
      const publisher = await bench.connect()
      for (const payload of ['one', 'two', 'three'])
        await publisher.publish(bench.topic('a'), payload, { qos: 1 })
      await restart()
      const { client: back, sessionPresent } = await bench.connectSession({ clientId, clean: false })
      expect(sessionPresent).toBe(true)
      expect(payloads(await takeMessages(back, 3))).toEqual(['one', 'two', 'three'])
      await back.publish(bench.topic('b'), 'live', { qos: 2 })
      expect(essence(await back.take('publish'))).toMatchObject({ payload: 'live', qos: 2 })
      await discard(clientId)
    })

    it('M-KILL-2 messages in flight come again with DUP and their packet ids', async () => {
      const clientId = bench.clientId()
      const subscriber = await bench.connect({ clientId, clean: false, answers: false })
      await subscriber.subscribe(bench.topic('a'), 2)
      const publisher = await bench.connect()
      for (const payload of ['released', 'unanswered'])
        await publisher.publish(bench.topic('a'), payload, { qos: 2 })
      const ids = (await takeMessages(subscriber, 2)).map(({ messageId = 0 }) => messageId)
      subscriber.send({ cmd: 'pubrec', messageId: ids[0] ?? 0 })
      await subscriber.take('pubrel')
      await restart()
      const back = await bench.connect({ clientId, clean: false, answers: false })
      expect(await back.take('pubrel')).toMatchObject({ messageId: ids[0] })
      const again = await back.take('publish')
      expect(essence(again)).toMatchObject({ payload: 'unanswered', dup: true })
      expect(again.messageId).toBe(ids[1])
      await back.ping()
      expect(back.inbox).toEqual([])
      await discard(clientId)
    })

    it('M-KILL-3 retained messages are kept, cleared ones stay cleared', async () => {
      const publisher = await bench.connect()
      for (const name of ['kept', 'cleared'])
        await publisher.publish(bench.topic(name), name, { qos: 1, retain: true })
      await publisher.publish(bench.topic('cleared'), '', { qos: 1, retain: true })
      await restart()
      const subscriber = await bench.connect()
      await subscriber.subscribe(bench.topic('#'), 1)
      const messages = await bench.delivered(subscriber, await bench.connect())
      expect(messages.map(essence)).toMatchObject([{ payload: 'kept', qos: 1, retain: true }])
    })

    it('M-KILL-4 a QoS 2 message that is sent again is delivered once', async () => {
      const watcherId = bench.clientId()
      const watcher = await bench.connect({ clientId: watcherId, clean: false })
      await watcher.subscribe(bench.topic('a'), 2)
      await watcher.disconnect()
      const clientId = bench.clientId()
      const first = await bench.connect({ clientId, clean: false })
      first.send(publishPacket(bench.topic('a'), 'x', { qos: 2, messageId: 5 }))
      await first.next('pubrec')
      await restart()
      const second = await bench.connect({ clientId, clean: false })
      second.send(publishPacket(bench.topic('a'), 'x', { qos: 2, messageId: 5, dup: true }))
      expect(await second.next('pubrec')).toMatchObject({ messageId: 5 })
      second.send(pubrel(5))
      expect(await second.next('pubcomp')).toMatchObject({ messageId: 5 })
      const back = await bench.connect({ clientId: watcherId, clean: false })
      expect(payloads(await bench.delivered(back, second))).toEqual(['x'])
      for (const one of [clientId, watcherId]) await discard(one)
    })

    it('M-KILL-5 an unsubscribed filter and a discarded session stay gone', async () => {
      const [kept, discarded] = [bench.clientId(), bench.clientId()]
      for (const clientId of [kept, discarded]) {
        const client = await bench.connect({ clientId, clean: false })
        await client.subscribe(bench.topic('a'), 1)
        if (clientId === kept) await client.unsubscribe(bench.topic('a'))
        await client.disconnect()
      }
      await discard(discarded)
      await restart()
      const publisher = await bench.connect()
      await publisher.publish(bench.topic('a'), 'x', { qos: 1 })
      const back = await bench.connectSession({ clientId: kept, clean: false })
      expect(back.sessionPresent).toBe(true)
      expect(await bench.delivered(back.client, publisher)).toEqual([])
      expect((await bench.connectSession({ clientId: discarded, clean: false })).sessionPresent).toBe(false)
      for (const clientId of [kept, discarded]) await discard(clientId)
    })
  },
  ours,
)
