import { once } from 'node:events'
import { request } from 'node:http'
import { connect } from 'node:net'
import type { Duplex } from 'node:stream'
import { limits } from '@telltale/infra/limits'
import { Releases } from '@telltale/infra/service'
import { quietPort } from '@telltale/infra/testing/ports'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { WebSocket } from 'ws'
import { addressOf, listenTcp, listenWebSocket } from './listeners.ts'
import type { Peer } from './peer.ts'

/** Stands in for the broker: answers what it gets. */
const peers: Peer[] = []
const echo = {
  accept(connection: Duplex, peer: Peer): void {
    peers.push(peer)
    connection.pipe(connection)
  },
}
const releases = new Releases()
let tcpPort: number
let wsPort: number

beforeAll(async () => {
  tcpPort = await quietPort()
  await listenTcp(echo, { host: '127.0.0.1', port: tcpPort }, releases)
  wsPort = await quietPort()
  await listenWebSocket(echo, { host: '127.0.0.1', port: wsPort }, releases)
})
afterAll(() => releases.run())
beforeEach(() => {
  peers.length = 0
})

describe('the TCP listener', () => {
  it('M-TCP-1 carries bytes both ways, says who connected, and survives a reset', async () => {
    const socket = connect(tcpPort, '127.0.0.1')
    socket.write('hello')
    expect(String((await once(socket, 'data'))[0])).toBe('hello')
    expect(peers).toEqual([{ address: '127.0.0.1', listener: 'tcp' }])
    socket.resetAndDestroy()
    const next = connect(tcpPort, '127.0.0.1')
    next.write('hello')
    await once(next, 'data')
    next.destroy()
  })

  it('M-TCP-2 an IPv4 client has one address, however the listener names it', () => {
    expect(addressOf({ remoteAddress: '::ffff:192.0.2.7' })).toBe('192.0.2.7')
    expect(addressOf({ remoteAddress: '2001:db8::7' })).toBe('2001:db8::7')
    expect(addressOf({ remoteAddress: '::ffff:dead:beef' })).toBe('::ffff:dead:beef')
    expect(addressOf({ remoteAddress: undefined })).toBeNull()
  })
})

describe('the WebSocket listener', () => {
  const url = () => `ws://127.0.0.1:${wsPort}/mqtt`

  it.each([
    [['mqtt'], 'mqtt'],
    [['mqttv3.1'], 'mqttv3.1'],
    [['chat', 'mqttv3.1', 'mqtt'], 'mqtt'],
  ])('M-WS-1 takes the subprotocols of MQTT: %j', async (offered, chosen) => {
    const socket = new WebSocket(url(), offered)
    await once(socket, 'open')
    expect(socket.protocol).toBe(chosen)
    expect(socket.extensions).toBe('')
    // A page of any site may connect: what it may do is for its CONNECT to prove.
    socket.send(Buffer.from('hello'))
    const [answer, isBinary] = await once(socket, 'message')
    expect([String(answer), isBinary]).toEqual(['hello', true])
    expect(peers).toEqual([{ address: '127.0.0.1', listener: 'ws' }])
    socket.terminate()
  })

  it('M-WS-2 without such a subprotocol, or on another path, nothing reaches the broker', async () => {
    await expect(once(new WebSocket(url(), 'chat'), 'open')).rejects.toThrow()
    await expect(once(new WebSocket(`ws://127.0.0.1:${wsPort}/other`, 'mqtt'), 'open')).rejects.toThrow('400')
    const none = new WebSocket(url())
    expect((await once(none, 'close'))[0]).toBe(1002)
    expect(peers).toEqual([])
  })

  it('M-WS-3 what is no upgrade is answered 426 and closed', async () => {
    for (const [method, path] of [
      ['GET', '/mqtt'],
      ['POST', '/'],
    ]) {
      const asked = request({ host: '127.0.0.1', port: wsPort, method, path, agent: false })
      asked.end()
      const [response] = await once(asked, 'response')
      expect(response.statusCode).toBe(426)
      expect(response.headers).toMatchObject({ upgrade: 'websocket', connection: 'close, upgrade' })
      response.resume()
      await once(response.socket, 'close')
    }
  })

  it.each([
    ['silence', ''],
    ['half a header', 'GET /mqtt HTTP/1.1\r\nHost: x\r\n'],
    ['half a body', 'POST /mqtt HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\nExpect: nothing\r\n\r\nslow'],
  ])('M-WS-4 an upgrade that does not get on is cut off: %s', { concurrent: true }, async (_what, text) => {
    const startedMs = performance.now()
    const socket = connect(wsPort, '127.0.0.1')
    socket.on('error', () => {})
    socket.resume()
    socket.write(text)
    await once(socket, 'close')
    const { handshakeTimeoutMs, requestCheckMs } = limits.listeners
    expect(performance.now() - startedMs).toBeLessThan(handshakeTimeoutMs + 2 * requestCheckMs + 2_000)
  })

  it('M-WS-5 a frame larger than any packet ends its own connection when its length is read', async () => {
    const socket = new WebSocket(url(), 'mqtt')
    await once(socket, 'open')
    socket.send(Buffer.alloc(1024 * 1024))
    expect((await once(socket, 'close'))[0]).toBe(1009)
    const next = new WebSocket(url(), 'mqtt')
    await once(next, 'open')
    next.terminate()
  })
})
