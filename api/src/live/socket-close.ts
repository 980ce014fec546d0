import type { WebSocket } from 'ws'
import { liveLimits } from './limits.ts'

/** 4009 of the contract (replaced) is not used: a user may have several sockets, and none replaces another. */
const closeCodes = {
  restart: 1012,
  notSignedIn: 4001,
  forbidden: 4003,
  noProtocol: 4006,
  tooSlow: 4008,
  rateLimited: 4029,
} as const

/** Says why, once; a peer that does not answer the close in time is cut off. */
export function closeSocket(socket: WebSocket, why: keyof typeof closeCodes, reason: string): void {
  if (socket.readyState !== socket.OPEN) return
  socket.close(closeCodes[why], reason)
  // Paused, it would not see the answer.
  socket.resume()
  const timer = setTimeout(() => socket.terminate(), liveLimits.socket.closeGraceMs).unref()
  socket.on('close', () => clearTimeout(timer))
}
