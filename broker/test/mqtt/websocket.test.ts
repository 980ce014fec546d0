import { once } from 'node:events'
import { generate } from 'mqtt-packet'
import { expect, it } from 'vitest'
import { WebSocket } from 'ws'
import { describeTargets, essence } from './bench.ts'
import { publishPacket } from './raw-client.ts'

describeTargets('WebSocket', (bench) => {
  /** A bare socket: frames go out as they are given. */
  async function openSocket(
    protocols: string[] = ['mqtt'],
  ): Promise<{ socket: WebSocket; received: () => Buffer }> {
    const socket = new WebSocket(bench.target.urls.ws, protocols)
    const chunks: Buffer[] = []
    socket.on('message', (data: Buffer, isBinary) => chunks.push(isBinary ? data : Buffer.from('text')))
    socket.on('error', () => {})
    await once(socket, 'open')
    return { socket, received: () => Buffer.concat(chunks) }
  }

  async function bytesUntil(socket: WebSocket, received: () => Buffer, length: number): Promise<Buffer> {
    while (received().length < length) await once(socket, 'message')
    return received()
  }

  const accepted = Buffer.from([0x20, 2, 0, 0])
  const pong = Buffer.from([0xd0, 0])

  it('M-FRAME-1 the subprotocol mqtt is selected, also among others', async () => {
    for (const protocols of [['mqtt'], ['something', 'mqtt'], ['mqtt', 'something']]) {
      const { socket } = await openSocket(protocols)
      expect(socket.protocol).toBe('mqtt')
      socket.terminate()
    }
  })

  it('M-FRAME-2 several packets in one frame are all read', async () => {
    const { socket, received } = await openSocket()
    socket.send(
      Buffer.concat([
        generate(bench.connectPacket()),
        generate({ cmd: 'pingreq' }),
        generate({ cmd: 'pingreq' }),
      ]),
    )
    expect(await bytesUntil(socket, received, 8)).toEqual(Buffer.concat([accepted, pong, pong]))
    socket.terminate()
  })

  it('M-FRAME-3 a packet spread over many frames is read, and frames need not end where packets do', async () => {
    const { socket, received } = await openSocket()
    const bytes = Buffer.concat([
      generate(bench.connectPacket()),
      generate({ cmd: 'pingreq' }),
      generate({ cmd: 'pingreq' }),
    ])
    for (let at = 0; at < bytes.length; at += 3) socket.send(bytes.subarray(at, at + 3))
    expect(await bytesUntil(socket, received, 8)).toEqual(Buffer.concat([accepted, pong, pong]))
    socket.terminate()
  })

  it('M-FRAME-4 a message in several fragments is one', async () => {
    const { socket, received } = await openSocket()
    const bytes = generate(bench.connectPacket())
    socket.send(bytes.subarray(0, 5), { fin: false })
    socket.send(bytes.subarray(5, 9), { fin: false })
    socket.send(bytes.subarray(9), { fin: true })
    expect(await bytesUntil(socket, received, 4)).toEqual(accepted)
    socket.terminate()
  })

  bench.itUnless('mosquitto', 'it reads text frames as if they were binary')(
    'M-FRAME-5 a text frame closes the connection',
    async () => {
      const { socket, received } = await openSocket()
      socket.send(generate(bench.connectPacket()))
      await bytesUntil(socket, received, 4)
      const closed = once(socket, 'close', { signal: AbortSignal.timeout(5_000) })
      socket.send('\xc0\0')
      await closed
      expect(received()).toEqual(accepted)
    },
  )

  it.each([0, 1, 2] as const)(
    'M-FRAME-6 messages of QoS %i pass between WebSocket and TCP both ways',
    async (qos) => {
      const web = await bench.connect({ over: 'ws' })
      const plain = await bench.connect()
      for (const [from, to] of [
        [web, plain],
        [plain, web],
      ] as const) {
        await to.subscribe(bench.topic('a'), 2)
        await from.publish(bench.topic('a'), 'x'.repeat(20_000), { qos })
        expect(essence(await to.take('publish'))).toMatchObject({ payload: 'x'.repeat(20_000), qos })
        await to.unsubscribe(bench.topic('a'))
      }
    },
  )

  it('M-FRAME-7 the will of a connection that ends without DISCONNECT is published', async () => {
    const watcher = await bench.connect()
    await watcher.subscribe(bench.topic('will'), 1)
    const client = await bench.connect({
      over: 'ws',
      will: { topic: bench.topic('will'), payload: 'gone', qos: 1 },
    })
    client.drop()
    expect(essence(await watcher.take('publish'))).toMatchObject({ payload: 'gone' })
  })

  it('M-FRAME-8 a session goes on over another transport, which takes the connection over', async () => {
    const clientId = bench.clientId()
    const web = await bench.connect({ over: 'ws', clientId, clean: false })
    await web.subscribe(bench.topic('a'), 1)
    const { client: plain, sessionPresent } = await bench.connectSession({ clientId, clean: false })
    expect(sessionPresent).toBe(true)
    await web.closed()
    plain.send(publishPacket(bench.topic('a'), 'x', { qos: 1 }))
    expect(essence(await plain.take('publish'))).toMatchObject({ payload: 'x' })
    await (await bench.connect({ clientId })).disconnect()
  })

  it('M-FRAME-9 a protocol error closes a WebSocket too', async () => {
    const client = await bench.connect({ over: 'ws' })
    client.sendBytes(Buffer.from([0xf0, 0]))
    expect(await client.closed()).toEqual([])
  })
})
