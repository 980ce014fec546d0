import type { EventEmitter } from 'node:events'
import { createRequire } from 'node:module'
import { waitFor } from '@telltale/infra/testing/wait'

interface Socket extends EventEmitter {
  readonly readyState: number
  send: (text: string) => void
  terminate: () => void
}
type SocketOptions = { headers: Record<string, string>; origin?: string }

/** Node 20 has no WebSocket of its own; the API's is at hand. */
const { WebSocket } = createRequire(new URL('../../api/package.json', import.meta.url))('ws') as {
  WebSocket: new (url: string, protocols: string[], options: SocketOptions) => Socket
}

/** One connection to `GET /socket`: what was heard, and how it ended. */
export class SocketClient {
  // biome-ignore lint/suspicious/noExplicitAny: frames of every type
  readonly frames: any[] = []
  /** Of the close frame; 1006 when there was none. */
  closeCode: number | undefined
  readonly #socket: Socket

  constructor(origin: string, headers: Record<string, string>) {
    const url = `${origin.replace('http', 'ws')}/api/v1/socket`
    this.#socket = new WebSocket(url, ['telltale.v1'], { headers, origin })
    this.#socket.on('message', (data) => this.frames.push(JSON.parse(String(data))))
    this.#socket.on('error', () => {})
    this.#socket.on('close', (code) => {
      this.closeCode = code
    })
  }

  /** @throws when it is closed before its `hello` */
  static async open(origin: string, headers: Record<string, string>): Promise<SocketClient> {
    const client = new SocketClient(origin, headers)
    await waitFor('hello of a socket', () => client.isGreeted || client.closeCode !== undefined)
    if (!client.isGreeted) throw new Error(`closed with ${client.closeCode}`)
    return client
  }

  get isGreeted(): boolean {
    return this.frames[0]?.type === 'hello'
  }

  /** False when it is not open. */
  command(command: { id: string; deviceId: string; name: string; ttlMs?: number }): boolean {
    if (this.#socket.readyState !== 1) return false
    this.#socket.send(JSON.stringify({ type: 'command', ...command }))
    return true
  }

  /** In the order they were heard. */
  statuses(id: string): string[] {
    return this.frames
      .filter(({ type, command }) => type === 'command' && command.id === id)
      .map(({ command }) => command.status)
  }

  close(): void {
    this.#socket.terminate()
  }
}
