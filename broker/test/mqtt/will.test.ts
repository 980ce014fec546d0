import type { QoS } from 'mqtt-packet'
import { expect, it } from 'vitest'
import { describeTargets, essence, payloads } from './bench.ts'
import { connectFlags, rawConnect, rawPacket } from './bytes.ts'

describeTargets('wills', (bench) => {
  function will(payload = 'gone', qos: QoS = 1, retain = false) {
    return { topic: bench.topic('will'), payload: Buffer.from(payload), qos, retain }
  }

  async function connectWatcher() {
    const watcher = await bench.connect()
    await watcher.subscribe(bench.topic('will'), 2)
    return watcher
  }

  it.each([0, 1, 2] as const)(
    'M-WILL-1 a connection that breaks publishes its will with QoS %i',
    async (qos) => {
      const watcher = await connectWatcher()
      const client = await bench.connect({ will: will('gone', qos) })
      client.drop()
      expect(essence(await watcher.take('publish'))).toEqual({
        topic: bench.topic('will'),
        payload: 'gone',
        qos,
        retain: false,
        dup: false,
      })
    },
  )

  it.each([0, 1, 2] as const)(
    'M-WILL-2 a will of QoS %i with retain is kept for later subscribers',
    async (qos) => {
      const watcher = await connectWatcher()
      const client = await bench.connect({ will: will('gone', qos, true) })
      client.drop()
      expect(essence(await watcher.take('publish'))).toMatchObject({ payload: 'gone', qos, retain: false })
      const later = await bench.connect()
      await later.subscribe(bench.topic('will'), 2)
      expect(essence(await later.take('publish'))).toMatchObject({ payload: 'gone', qos, retain: true })
      await later.publish(bench.topic('will'), '', { qos: 1, retain: true })
    },
  )

  it('M-WILL-3 a will without retain is not kept', async () => {
    const watcher = await connectWatcher()
    const client = await bench.connect({ will: will() })
    client.drop()
    await watcher.take('publish')
    const later = await connectWatcher()
    expect(await bench.delivered(later, await bench.connect())).toEqual([])
  })

  it('M-WILL-4 after DISCONNECT there is no will, not even after another connection of the client', async () => {
    const watcher = await connectWatcher()
    const clientId = bench.clientId()
    const client = await bench.connect({ clientId, will: will() })
    await client.disconnect()
    const again = await bench.connect({ clientId })
    again.drop()
    expect(await bench.delivered(watcher, await bench.connect({ clientId }))).toEqual([])
  })

  bench.itUnless('mosquitto', 'it forgets the will when the protocol error is a second CONNECT')(
    'M-WILL-5 a second CONNECT, which closes the connection, publishes the will',
    async () => {
      const watcher = await connectWatcher()
      const client = await bench.connect({ will: will() })
      client.send(bench.connectPacket())
      await client.closed()
      expect(payloads([await watcher.take('publish')])).toEqual(['gone'])
    },
  )

  it('M-WILL-6 a malformed packet publishes the will, a DISCONNECT with reserved bits too', async () => {
    const watcher = await connectWatcher()
    for (const bytes of [rawPacket(0x36), rawPacket(0xe1)]) {
      const client = await bench.connect({ will: will() })
      client.sendBytes(bytes)
      await client.closed()
      expect(payloads([await watcher.take('publish')])).toEqual(['gone'])
    }
  })

  it('M-WILL-7 silence beyond the keep-alive publishes the will', async () => {
    const watcher = await connectWatcher()
    const client = await bench.connect({ keepalive: 1, will: will() })
    await client.closed(10_000)
    expect(payloads([await watcher.take('publish')])).toEqual(['gone'])
  })

  it('M-WILL-8 a takeover publishes the will of the connection that was taken over', async () => {
    const watcher = await connectWatcher()
    const clientId = bench.clientId()
    const former = await bench.connect({ clientId, will: will('former') })
    await bench.connect({ clientId, will: will('newer') })
    await former.closed()
    expect(payloads([await watcher.take('publish')])).toEqual(['former'])
    expect(await bench.delivered(watcher, await bench.connect())).toEqual([])
  })

  it('M-WILL-9 each connection has its own will: a later one replaces it, one without has none', async () => {
    const watcher = await connectWatcher()
    const clientId = bench.clientId()
    await (await bench.connect({ clientId, clean: false, will: will('first') })).disconnect()
    const second = await bench.connect({ clientId, clean: false, will: will('second') })
    second.drop()
    expect(payloads([await watcher.take('publish')])).toEqual(['second'])
    const third = await bench.connect({ clientId, clean: false })
    third.drop()
    await (await bench.connect({ clientId })).disconnect()
    expect(await bench.delivered(watcher, await bench.connect())).toEqual([])
  })

  it('M-WILL-10 a will without a payload is a message, and with retain clears what was kept', async () => {
    const publisher = await bench.connect()
    await publisher.publish(bench.topic('will'), 'kept', { qos: 1, retain: true })
    const watcher = await connectWatcher()
    expect(essence(await watcher.take('publish'))).toMatchObject({ payload: 'kept', retain: true })
    const client = await bench.connect({ will: will('', 1, true) })
    client.drop()
    expect(essence(await watcher.take('publish'))).toMatchObject({ payload: '', retain: false })
    expect(await bench.delivered(await connectWatcher(), publisher)).toEqual([])
  })

  it('M-WILL-11 a will is stored for a persistent session that is away', async () => {
    const clientId = bench.clientId()
    const away = await bench.connect({ clientId, clean: false })
    await away.subscribe(bench.topic('will'), 1)
    await away.disconnect()
    const watcher = await connectWatcher()
    const client = await bench.connect({ will: will('gone', 2) })
    client.drop()
    await watcher.take('publish')
    const back = await bench.connect({ clientId, clean: false })
    expect(essence(await back.take('publish'))).toMatchObject({ payload: 'gone', qos: 1, retain: false })
    await (await bench.connect({ clientId })).disconnect()
  })

  it.each(['a/+', 'a/#', '', 'a/b#'])(
    'M-WILL-12 a will on the topic "%s" refuses the connection',
    async (topic) => {
      const client = await bench.open()
      const { username, password } = bench.target.credentials
      const flags =
        connectFlags.userName | connectFlags.password | connectFlags.cleanSession | connectFlags.will
      client.sendBytes(rawConnect({ flags, fields: [bench.clientId(), topic, 'gone', username, password] }))
      expect(await client.closed()).not.toMatchObject([{ cmd: 'connack', returnCode: 0 }])
    },
  )

  it('M-WILL-13 the broker closes the connection after DISCONNECT', async () => {
    const client = await bench.connect()
    client.send({ cmd: 'disconnect' })
    expect(await client.closed()).toEqual([])
  })
})

describeTargets('keep-alive', (bench) => {
  bench.itUnless('mosquitto', 'it looks only every five seconds')(
    'M-ALIVE-1 silence closes the connection after one and a half keep-alives, not before and not much later',
    async () => {
      const client = await bench.connect({ keepalive: 1 })
      const startMs = performance.now()
      expect(await client.closed()).toEqual([])
      const tookMs = performance.now() - startMs
      expect(tookMs).toBeGreaterThan(1_000)
      expect(tookMs).toBeLessThan(3_000)
    },
  )

  it('M-ALIVE-2 any packet keeps the connection alive', async () => {
    const topic = bench.topic('alive')
    // The pace of an idle client is what is tested: a packet every 700 ms.
    const livesOn = async () => {
      let sentMs = performance.now()
      const endMs = sentMs + 4_000
      const client = await bench.connect({ keepalive: 1 })
      for (let turn = 0; performance.now() < endMs; turn++) {
        await new Promise((resolve) => setTimeout(resolve, 700))
        const heardMs = sentMs
        sentMs = performance.now()
        try {
          if (turn % 2 === 0) await client.ping()
          else await client.publish(topic, 'x', { qos: 1 })
        } catch (error) {
          // Closed by right: it was us who were silent, on a machine that is slow.
          if (client.isClosed && performance.now() - heardMs > 1_500) return false
          throw error
        }
      }
      return true
    }
    while (!(await livesOn()));
  })

  it('M-ALIVE-3 a keep-alive of zero is accepted, and the connection outlives others', async () => {
    const client = await bench.connect({ keepalive: 0 })
    const mortal = await bench.connect({ keepalive: 1 })
    await mortal.closed(10_000)
    await client.ping()
  })
})
