import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'

/** A TCP proxy in front of a database that loses an answer with its connection: what was asked has been done. */
export class LosingProxy {
  readonly #target: URL
  readonly #sockets = new Set<Socket>()
  readonly #server = createServer((client) => this.#join(client))
  #wanted: string[] = []
  /** Answers lost so far. */
  lost = 0

  private constructor(target: URL) {
    this.#target = target
  }

  static async start(databaseUrl: string): Promise<LosingProxy> {
    const proxy = new LosingProxy(new URL(databaseUrl))
    await once(proxy.#server.listen(0, '127.0.0.1'), 'listening')
    return proxy
  }

  get url(): string {
    const url = new URL(this.#target)
    url.hostname = '127.0.0.1'
    url.port = String((this.#server.address() as AddressInfo).port)
    return url.href
  }

  /** The next answer with this in it; of several, seen on one connection in this order, the one with the last. */
  lose(...wanted: string[]): void {
    this.#wanted = wanted
  }

  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy()
    await once(this.#server.close(), 'close')
  }

  #join(client: Socket): void {
    const upstream = connect(Number(this.#target.port), this.#target.hostname)
    for (const [socket, other] of [
      [client, upstream],
      [upstream, client],
    ] as const) {
      this.#sockets.add(socket)
      socket.on('error', () => {})
      socket.once('close', () => {
        this.#sockets.delete(socket)
        other.destroy()
      })
    }
    client.pipe(upstream)
    let seen = 0
    upstream.on('data', (chunk) => {
      if (chunk.includes(this.#wanted[seen] ?? NOTHING, 0, 'latin1')) seen++
      if (seen === 0 || seen < this.#wanted.length) return client.write(chunk)
      this.#wanted = []
      this.lost++
      return client.destroy()
    })
  }
}

/** No answer has it in it. */
const NOTHING = '\u0001\u0002 nothing \u0003'

/** A value in a row that PostgreSQL sends: its length and its text. */
export function valueInRow(text: string): string {
  return `\0\0\0${String.fromCharCode(text.length)}${text}`
}
