import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net'

/** MQTT 3.1.1 §2.2.1. */
const SUBSCRIBE = 8
const UNSUBSCRIBE = 10
const PUBLISH = 3

/** Between the API and its broker: passes every byte on, and counts the packets in them. */
export class PacketTap {
  /** Topics of what the broker sent to the API, one for each packet. */
  readonly published: string[] = []
  /** Filters the API asked for, and took back. */
  readonly subscribed: string[] = []
  readonly unsubscribed: string[] = []
  #server: Server | undefined
  readonly #sockets = new Set<Socket>()

  async start(brokerPort: number): Promise<number> {
    const server = createServer((fromApi) => {
      const toBroker = connect(brokerPort, '127.0.0.1')
      this.#pass(fromApi, toBroker)
      this.#pass(toBroker, fromApi)
    })
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    this.#server = server
    return (server.address() as AddressInfo).port
  }

  stop(): void {
    for (const socket of this.#sockets) socket.destroy()
    this.#server?.close()
  }

  #pass(from: Socket, to: Socket): void {
    this.#sockets.add(from)
    let rest: Buffer = Buffer.alloc(0)
    from.on('data', (chunk) => {
      rest = this.#read(Buffer.concat([rest, chunk]))
      to.write(chunk)
    })
    from.on('close', () => to.destroy())
    from.on('error', () => {})
  }

  /** Whole packets are noted; what is left of the last one is given back. */
  #read(bytes: Buffer): Buffer {
    const header = headerOf(bytes)
    if (!header || bytes.length < header.end) return bytes
    this.#note(bytes.readUInt8(0) >> 4, bytes.subarray(header.start, header.end))
    return this.#read(bytes.subarray(header.end))
  }

  #note(type: number, body: Buffer): void {
    if (type === PUBLISH) this.published.push(textAt(body, 0))
    if (type === SUBSCRIBE) this.subscribed.push(...filtersOf(body, 1))
    if (type === UNSUBSCRIBE) this.unsubscribed.push(...filtersOf(body, 0))
  }
}

function headerOf(bytes: Buffer): { start: number; end: number } | undefined {
  let length = 0
  for (let i = 1; i < bytes.length; i++) {
    const digit = bytes.readUInt8(i)
    length += (digit & 127) * 128 ** (i - 1)
    if (digit < 128) return { start: i + 1, end: i + 1 + length }
  }
  return undefined
}

function textAt(body: Buffer, at: number): string {
  return body.toString('utf8', at + 2, at + 2 + body.readUInt16BE(at))
}

/** After the packet id: filters, each followed by `extra` bytes. */
function filtersOf(body: Buffer, extra: number): string[] {
  const filters: string[] = []
  for (let at = 2; at < body.length; at += 2 + body.readUInt16BE(at) + extra) filters.push(textAt(body, at))
  return filters
}
