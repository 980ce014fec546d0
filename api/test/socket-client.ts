import { randomUUID } from 'node:crypto'
import { type ClientOptions, WebSocket } from 'ws'
import type { TestApi } from './harness.ts'

/** A command socket as a test sees it: what came, and with which code it ended. */
export interface Client {
  socket: WebSocket
  // biome-ignore lint/suspicious/noExplicitAny: tests look into frames of every type
  frames: any[]
  code: number | undefined
  send: (frame: unknown) => void
}

export function dialTo(
  api: TestApi,
  options: ClientOptions = {},
  protocols: string[] = ['telltale.v1'],
): Client {
  const socket = new WebSocket(api.url('/socket').replace('http', 'ws'), protocols, options)
  const client: Client = {
    socket,
    frames: [],
    code: undefined,
    send: (frame) => socket.send(typeof frame === 'string' ? frame : JSON.stringify(frame)),
  }
  socket.on('message', (data) => client.frames.push(JSON.parse(data.toString())))
  socket.on('close', (code) => {
    client.code = code
  })
  socket.on('error', () => {})
  return client
}

export const command = (more = {}) => ({
  type: 'command',
  id: randomUUID(),
  deviceId: 'kitchen',
  name: 'set-led',
  params: { on: true },
  ttlMs: 30_000,
  ...more,
})
