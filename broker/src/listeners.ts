import { createServer as createHttpServer, type Server as HttpServer } from 'node:http'
import { createServer, type Server, type Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { limits } from '@telltale/infra/limits'
import { portInUse, type Releases, StartError } from '@telltale/infra/service'
import { createWebSocketStream, type WebSocket, WebSocketServer } from 'ws'
import { payloadLimits } from './contract/index.ts'
import type { Peer } from './peer.ts'

/** Who gets the connections: the broker. */
export interface Acceptor {
  accept: (connection: Duplex, peer: Peer) => void
}
export interface Address {
  host: string
  port: number
}

/** MQTT over WebSocket, section 6 of MQTT 3.1.1: path, subprotocol, binary frames only. */
const WS_PATH = '/mqtt'
/** The one that MQTT 3.1.1 registered, and the one that clients for MQTT 3.1 ask for. */
const WS_SUBPROTOCOLS = ['mqtt', 'mqttv3.1']
/** A packet, its topic and header, with room to spare; frames need not align with packets. */
const WS_FRAME_BYTES_MAX = 4 * payloadLimits.payloadBytesMax

export const socketOptions = {
  // Small packets both ways: waiting to fill a segment would only add latency.
  noDelay: true,
  // A client without MQTT keep-alive that lost its power would stay connected for ever.
  keepAlive: true,
  keepAliveInitialDelay: limits.listeners.keepAliveMs,
} as const

export async function listenTcp(broker: Acceptor, address: Address, releases: Releases): Promise<void> {
  const server = createServer(socketOptions, (socket) => {
    ignoreErrors(socket)
    broker.accept(socket, { address: addressOf(socket), listener: 'tcp' })
  })
  await listen(server, address, 'TELLTALE_MQTT_PORT')
  releases.add('MQTT listener', () => stopAccepting(server))
}

export async function listenWebSocket(broker: Acceptor, address: Address, releases: Releases): Promise<void> {
  const http = createUpgradeServer()
  // `Origin` is not checked: no cookie lets a page in, only what its MQTT CONNECT proves itself with.
  const upgrades = new WebSocketServer({
    noServer: true,
    clientTracking: false,
    path: WS_PATH,
    maxPayload: WS_FRAME_BYTES_MAX,
    perMessageDeflate: false,
    // Missing in the types of ws.
    ...{ closeTimeout: limits.listeners.closeTimeoutMs },
    handleProtocols: (offered) => WS_SUBPROTOCOLS.find((protocol) => offered.has(protocol)) ?? false,
  })
  http.on('upgrade', (request, socket, head) => {
    // Read now: of a client that is gone again nothing is known any more.
    const peer: Peer = { address: addressOf(request.socket), listener: 'ws' }
    upgrades.handleUpgrade(request, socket, head, (webSocket) => acceptWebSocket(broker, webSocket, peer))
  })
  await listen(http, address, 'TELLTALE_MQTT_WS_PORT')
  releases.add('MQTT WebSocket listener', () => stopAccepting(http))
}

/** Whatever is no upgrade gets one answer; who asks slowly is cut off: no socket is held without a CONNECT. */
function createUpgradeServer(): HttpServer {
  const { handshakeTimeoutMs, requestCheckMs } = limits.listeners
  const options = {
    ...socketOptions,
    headersTimeout: handshakeTimeoutMs,
    requestTimeout: handshakeTimeoutMs,
    connectionsCheckingInterval: requestCheckMs,
  }
  return createHttpServer(options, (_request, response) => {
    response.writeHead(426, {
      'content-type': 'text/plain',
      connection: 'close, upgrade',
      upgrade: 'websocket',
    })
    response.end(`MQTT over WebSocket lives at ${WS_PATH}, subprotocol ${WS_SUBPROTOCOLS[0]}\n`)
  })
}

function acceptWebSocket(broker: Acceptor, socket: WebSocket, peer: Peer): void {
  // Also of sockets we are closing: a malformed frame would otherwise end the process.
  socket.on('error', () => socket.terminate())
  if (!WS_SUBPROTOCOLS.includes(socket.protocol)) return socket.close(1002, 'subprotocol mqtt expected')
  socket.on('message', (_data, isBinary) => {
    // [MQTT-6.0.0-1]
    if (!isBinary) socket.close(1003, 'binary frames only')
  })
  const stream = createWebSocketStream(socket)
  ignoreErrors(stream)
  broker.accept(stream, peer)
}

/** Without a listener an error would end the process; every error closes its socket, and that is what is acted on. */
export function ignoreErrors(connection: Duplex): void {
  connection.on('error', () => {})
}

/** An IPv4 client of a listener on `::` has the same address as on `0.0.0.0`. Null when it is gone already. */
export function addressOf(socket: Pick<Socket, 'remoteAddress'> | undefined): string | null {
  return socket?.remoteAddress?.replace(/^::ffff:(?=\d+\.)/, '') ?? null
}

export async function listen(server: Server, { host, port }: Address, variable: string): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    const failed = (error: NodeJS.ErrnoException) => {
      if (error.code === 'EADDRINUSE') reject(portInUse(port, variable))
      else reject(new StartError(`cannot listen on ${host}:${port}: ${error.message}`))
    }
    server.once('error', failed)
    server.listen(port, host, () => {
      server.off('error', failed)
      // After the start: a failed accept (out of file descriptors) must not end the process.
      server.on('error', () => {})
      resolve()
    })
  })
}

/** No new connections; the live ones are the broker's to close. */
export function stopAccepting(server: Server): void {
  server.close()
}
