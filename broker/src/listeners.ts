import { createServer as createHttpServer } from 'node:http'
import { createServer, type Server, type Socket } from 'node:net'
import { portInUse, type Releases, StartError } from '@telltale/infra/service'
import { createWebSocketStream, WebSocketServer } from 'ws'
import type { Broker } from './broker.ts'
import { payloadLimits } from './contract/index.ts'

/** MQTT over WebSocket, section 6 of MQTT 3.1.1: path, subprotocol, binary frames only. */
const WS_PATH = '/mqtt'
const WS_SUBPROTOCOL = 'mqtt'
/** A packet, its topic and header, with room to spare; frames need not align with packets. */
const WS_FRAME_BYTES_MAX = 4 * payloadLimits.payloadBytesMax

export async function listenTcp(
  broker: Broker,
  address: { host: string; port: number },
  releases: Releases,
): Promise<void> {
  const server = createServer((socket: Socket) => {
    // Small packets both ways: waiting to fill a segment would only add latency.
    socket.setNoDelay(true)
    broker.handle(socket)
  })
  await listen(server, address, 'TELLTALE_MQTT_PORT')
  releases.add('MQTT listener', () => stopAccepting(server))
}

export async function listenWebSocket(
  broker: Broker,
  address: { host: string; port: number },
  releases: Releases,
): Promise<void> {
  const http = createHttpServer((_request, response) => {
    response.writeHead(426, { 'content-type': 'text/plain' })
    response.end(`MQTT over WebSocket lives at ${WS_PATH}, subprotocol ${WS_SUBPROTOCOL}\n`)
  })
  const server = new WebSocketServer({
    server: http,
    path: WS_PATH,
    maxPayload: WS_FRAME_BYTES_MAX,
    perMessageDeflate: false,
    handleProtocols: (offered) => (offered.has(WS_SUBPROTOCOL) ? WS_SUBPROTOCOL : false),
  })
  server.on('connection', (socket, request) => {
    // Also of sockets we are closing: a malformed frame would otherwise end the process.
    socket.on('error', () => socket.terminate())
    if (socket.protocol !== WS_SUBPROTOCOL) return socket.close(1002, 'subprotocol mqtt expected')
    socket.on('message', (_data, isBinary) => {
      // [MQTT-6.0.0-1]
      if (!isBinary) socket.close(1003, 'binary frames only')
    })
    const stream = createWebSocketStream(socket)
    const connection = Object.assign(stream, { remoteAddress: request.socket.remoteAddress })
    broker.handle(connection, request)
  })
  await listen(http, address, 'TELLTALE_MQTT_WS_PORT')
  releases.add('MQTT WebSocket listener', () => stopAccepting(http))
}

async function listen(
  server: Server,
  { host, port }: { host: string; port: number },
  variable: string,
): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'EADDRINUSE') reject(portInUse(port, variable))
      else reject(new StartError(`cannot listen on ${host}:${port}: ${error.message}`))
    })
    server.listen(port, host, () => {
      server.removeAllListeners('error')
      // After the start: a failed accept (out of file descriptors) must not end the process.
      server.on('error', () => {})
      resolve()
    })
  })
}

/** No new connections; the live ones are the broker's to close. */
function stopAccepting(server: Server): void {
  server.close()
}
