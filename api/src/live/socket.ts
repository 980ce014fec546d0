import websocket from '@fastify/websocket'
import type { FastifyRequest } from 'fastify'
import type { WebSocket } from 'ws'
import type { Api, Deps } from '../deps.ts'
import { SESSION_COOKIE } from '../session/authenticate.ts'
import { identify } from '../session/identify.ts'
import { checkOrigin } from '../session/origin.ts'
import { liveLimits } from './limits.ts'
import type { Place } from './places.ts'
import { closeSocket } from './socket-close.ts'
import { SocketSession } from './socket-session.ts'

const PROTOCOL = 'telltale.v1'

/** `GET /socket`: the upgrade, and who may have it. What is said then is in socket-session.ts. */
export async function socketRoutes(app: Api, deps: Deps): Promise<void> {
  const sockets = new Set<WebSocket>()
  await app.register(websocket, {
    options: {
      maxPayload: liveLimits.socket.frameBytesMax,
      perMessageDeflate: false,
      // A browser hides the close code of a refused handshake: any first offer is accepted, then closed with 4006.
      handleProtocols: (offered) =>
        offered.has(PROTOCOL) ? PROTOCOL : (offered.values().next().value ?? false),
    },
    errorHandler: (error, socket) => {
      deps.log.debug({ err: error }, 'socket')
      socket.terminate()
    },
    preClose: (done) => {
      for (const socket of sockets) closeSocket(socket, 'restart', 'restarting')
      done()
    },
  })
  app.get(
    '/socket',
    { websocket: true, config: { role: 'public', isStream: true }, schema: { hide: true } },
    async (socket, request) => {
      sockets.add(socket)
      socket.on('close', () => sockets.delete(socket))
      await accept(deps, socket, request)
    },
  )
}

async function accept(deps: Deps, socket: WebSocket, request: FastifyRequest): Promise<void> {
  const place = takePlace(deps, socket, request)
  if (!place) return closeSocket(socket, 'rateLimited', 'too many streams')
  if (socket.protocol !== PROTOCOL) return closeSocket(socket, 'noProtocol', `offer ${PROTOCOL}`)
  const origin = checkOrigin(request.headers)
  if (origin === 'foreign') return closeSocket(socket, 'forbidden', 'wrong origin')
  const { authorization } = request.headers
  const cookie = request.cookies[SESSION_COOKIE]
  // A browser always says its Origin: a cookie without one is not from our page.
  if (cookie && !authorization && origin === 'none') return closeSocket(socket, 'forbidden', 'origin missing')
  const session = new SocketSession(deps, socket, { ip: request.ip, place })
  if (!authorization && !cookie) return session.expectAuth()
  // Frames that come meanwhile wait in the socket.
  socket.pause()
  const principal = await identify(deps, { authorization, cookie })
  socket.resume()
  if (!principal) return closeSocket(socket, 'notSignedIn', 'not signed in')
  session.start(principal)
}

/** Whoever it is: one that is refused takes its place until it is gone. */
function takePlace({ places }: Deps, socket: WebSocket, { ip }: FastifyRequest): Place | undefined {
  try {
    const place = places.take(ip)
    socket.on('close', () => place.release())
    return place
  } catch {
    return undefined
  }
}
