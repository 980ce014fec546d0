import { once } from 'node:events'
import { createServer as createHttpServer } from 'node:http'
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { createServer as createTlsServer, connect as tlsConnect } from 'node:tls'
import { createCertificates } from '@telltale/infra/testing/certificates'
import { createWebSocketStream, WebSocket, WebSocketServer } from 'ws'

/** One of the three ways in, with a real server: both ends of a new connection for each `open`. */
export interface Transport {
  name: 'TCP' | 'TLS' | 'WebSocket'
  open: () => Promise<{ client: Duplex; server: Duplex }>
  close: () => Promise<void>
}

export async function startTransports(): Promise<Transport[]> {
  return [await startTcp(), await startTls(), await startWebSocket()]
}

export async function startTcp(): Promise<Transport> {
  const accepted = waitingRoom<Socket>()
  const port = await listen(createServer(accepted.enter))
  return {
    name: 'TCP',
    open: () => accepted.meet(() => dialled(connect(port.number, '127.0.0.1').setNoDelay(true), 'connect')),
    close: port.close,
  }
}

async function startTls(): Promise<Transport> {
  const accepted = waitingRoom<Socket>()
  const certificates = createCertificates()
  const { serverKey, serverCert, ca } = certificates
  certificates.remove()
  const server = createTlsServer({ key: serverKey.pem, cert: serverCert.pem })
  server.on('secureConnection', accepted.enter)
  const port = await listen(server)
  const dial = () => tlsConnect({ port: port.number, host: '127.0.0.1', ca: ca.pem })
  return {
    name: 'TLS',
    open: () => accepted.meet(() => dialled(dial().setNoDelay(true), 'secureConnect')),
    close: port.close,
  }
}

async function startWebSocket(): Promise<Transport> {
  const accepted = waitingRoom<Duplex>()
  const http = createHttpServer()
  const server = new WebSocketServer({ server: http, perMessageDeflate: false })
  server.on('connection', (socket) => accepted.enter(createWebSocketStream(socket)))
  const port = await listen(http)
  const dial = async () => {
    const socket = new WebSocket(`ws://127.0.0.1:${port.number}`, { perMessageDeflate: false })
    const stream = createWebSocketStream(socket)
    await once(socket, 'open')
    return stream
  }
  return { name: 'WebSocket', open: () => accepted.meet(dial), close: port.close }
}

/** Brings the two ends of a connection together; one is opened at a time, however many ask. */
function waitingRoom<T extends Duplex>() {
  let arrive: (server: T) => void = () => {}
  let last: Promise<unknown> = Promise.resolve()
  const meetNow = async (dial: () => Promise<Duplex>) => {
    const arrived = new Promise<T>((resolve) => {
      arrive = resolve
    })
    const [client, server] = await Promise.all([dial(), arrived])
    // A connection that the gate destroys is an error to its client, and meant to be.
    client.on('error', () => {})
    return { client, server }
  }
  return {
    enter: (server: T) => arrive(server),
    meet: (dial: () => Promise<Duplex>) => {
      const met = last.then(() => meetNow(dial))
      last = met.catch(() => {})
      return met
    },
  }
}

async function dialled<T extends Socket>(socket: T, event: string): Promise<T> {
  await once(socket, event)
  return socket
}

async function listen(server: Server): Promise<{ number: number; close: () => Promise<void> }> {
  const open = new Set<Socket>()
  server.on('connection', (socket: Socket) => {
    open.add(socket)
    socket.on('close', () => open.delete(socket))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const close = async () => {
    const closed = once(server, 'close')
    server.close()
    for (const socket of open) socket.destroy()
    await closed
  }
  return { number: (server.address() as AddressInfo).port, close }
}
