import { connect as connectTcp } from 'node:net'
import type { Duplex } from 'node:stream'
import { generate, type IPublishPacket, type Packet, type PacketCmd, parser, type QoS } from 'mqtt-packet'
import { createWebSocketStream, WebSocket } from 'ws'

const DEADLINE_MS = 5_000

export type PacketOf<C extends PacketCmd> = Extract<Packet, { cmd: C }>
/** An address of a broker; `mqtt` is TCP, `ws` is WebSocket. */
export type BrokerUrl = `mqtt://${string}` | `ws://${string}`

/** A filter, with a QoS of its own or without. */
export type Subscription = string | readonly [filter: string, qos: QoS]

export interface PublishOptions {
  qos?: QoS
  retain?: boolean
  dup?: boolean
  messageId?: number
}

/** An MQTT client that sends whatever it is told, and keeps what comes until somebody takes it. */
export class RawClient {
  /** Whether deliveries are acknowledged at once, as an ordinary client would. */
  answers = true
  readonly #stream: Duplex
  readonly #inbox: Packet[] = []
  readonly #chunks: Buffer[] = []
  readonly #looks = new Set<() => void>()
  #isClosed = false
  /** What came and is no packet of MQTT 3.1.1. */
  #fault: Error | undefined
  #lastId = 0

  constructor(stream: Duplex) {
    this.#stream = stream
    const incoming = parser({ protocolVersion: 4 })
    incoming.on('packet', (packet) => this.#arrived(packet))
    incoming.on('error', (error: Error) => {
      this.#fault = error
      this.#lookAgain()
    })
    stream.on('data', (chunk: Buffer) => {
      this.#chunks.push(chunk)
      incoming.parse(chunk)
    })
    // A reset is one way to close a connection.
    stream.on('error', () => stream.destroy())
    // A WebSocket that the other side closed is still half open as a stream.
    stream.on('end', () => stream.destroy())
    stream.on('close', () => {
      this.#isClosed = true
      this.#lookAgain()
    })
  }

  /** Everything that came, as bytes. */
  get bytes(): Buffer {
    return Buffer.concat(this.#chunks)
  }

  /** What came and was not taken. */
  get inbox(): readonly Packet[] {
    return this.#inbox
  }

  get isClosed(): boolean {
    return this.#isClosed
  }

  /** In one write, as one chunk. */
  send(...packets: Packet[]): void {
    this.sendBytes(...packets.map((packet) => generate(packet)))
  }

  sendBytes(...parts: Uint8Array[]): void {
    if (this.#stream.writable) this.#stream.write(Buffer.concat(parts))
  }

  /** The next packet, whatever it is. */
  nextPacket(): Promise<Packet> {
    return this.#until('the next packet', () => this.#inbox.shift())
  }

  /** The next packet, which must be of this kind. */
  async next<C extends PacketCmd>(cmd: C): Promise<PacketOf<C>> {
    const packet = await this.nextPacket()
    if (packet.cmd !== cmd) throw new Error(`expected ${cmd}, got ${JSON.stringify(packet)}`)
    return packet as PacketOf<C>
  }

  /** The first packet of this kind, whatever came before it. */
  take<C extends PacketCmd>(
    cmd: C,
    isIt: (packet: PacketOf<C>) => boolean = () => true,
  ): Promise<PacketOf<C>> {
    return this.#until(cmd, () => {
      const index = this.#inbox.findIndex((packet) => packet.cmd === cmd && isIt(packet as PacketOf<C>))
      return index < 0 ? undefined : (this.#inbox.splice(index, 1)[0] as PacketOf<C>)
    })
  }

  /** Waits until the broker closes the connection; resolves with what came before and was not taken. */
  async closed(deadlineMs = DEADLINE_MS): Promise<Packet[]> {
    await this.#until('the connection to be closed', () => this.#isClosed || undefined, deadlineMs)
    return this.#inbox.splice(0)
  }

  nextId(): number {
    this.#lastId = (this.#lastId % 65_535) + 1
    return this.#lastId
  }

  /** Resolves when the broker has taken the message over; of QoS 0, at once. */
  async publish(topic: string, payload: string | Buffer, options: PublishOptions = {}): Promise<void> {
    const packet = publishPacket(topic, payload, { messageId: this.nextId(), ...options })
    const { messageId, qos } = packet
    this.send(packet)
    if (qos === 1) await this.take('puback', (ack) => ack.messageId === messageId)
    if (qos !== 2) return
    await this.take('pubrec', (ack) => ack.messageId === messageId)
    this.send(pubrel(messageId))
    await this.take('pubcomp', (ack) => ack.messageId === messageId)
  }

  /** Resolves with the return codes. */
  async subscribe(filters: string | readonly Subscription[], qos: QoS = 0): Promise<number[]> {
    const messageId = this.nextId()
    const wanted = typeof filters === 'string' ? [filters] : filters
    const subscriptions = wanted.map((one) =>
      typeof one === 'string' ? { topic: one, qos } : { topic: one[0], qos: one[1] },
    )
    this.send({ cmd: 'subscribe', messageId, subscriptions })
    return (await this.take('suback', (ack) => ack.messageId === messageId)).granted as number[]
  }

  async unsubscribe(...unsubscriptions: string[]): Promise<void> {
    const messageId = this.nextId()
    this.send({ cmd: 'unsubscribe', messageId, unsubscriptions })
    await this.take('unsuback', (ack) => ack.messageId === messageId)
  }

  async ping(): Promise<void> {
    this.send({ cmd: 'pingreq' })
    await this.take('pingresp')
  }

  /** DISCONNECT, and the broker closes. */
  async disconnect(): Promise<void> {
    this.send({ cmd: 'disconnect' })
    await this.closed()
  }

  /** Ends the connection without a word. */
  drop(): void {
    this.#stream.destroy()
  }

  #arrived(packet: Packet): void {
    if (this.answers && this.#answer(packet)) return
    this.#inbox.push(packet)
    this.#lookAgain()
  }

  /** @returns whether nobody else needs to see it */
  #answer(packet: Packet): boolean {
    if (packet.cmd === 'pubrel') {
      this.send({ cmd: 'pubcomp', messageId: packet.messageId ?? 0 })
      return true
    }
    if (packet.cmd !== 'publish' || packet.qos === 0) return false
    this.send({ cmd: packet.qos === 1 ? 'puback' : 'pubrec', messageId: packet.messageId ?? 0 })
    return false
  }

  #lookAgain(): void {
    for (const look of this.#looks) look()
  }

  #until<T>(what: string, ask: () => T | undefined, deadlineMs = DEADLINE_MS): Promise<T> {
    return new Promise((resolve, reject) => {
      const end = (settle: () => void) => {
        clearTimeout(timer)
        this.#looks.delete(look)
        settle()
      }
      const fail = (why: string) =>
        end(() => reject(new Error(`${why} waiting for ${what}; there is ${JSON.stringify(this.#inbox)}`)))
      const look = () => {
        const answer = ask()
        if (answer !== undefined) end(() => resolve(answer))
        else if (this.#fault) fail(`malformed answer (${this.#fault.message})`)
        else if (this.#isClosed) fail('connection closed')
      }
      const timer = setTimeout(() => fail(`${deadlineMs} ms`), deadlineMs)
      this.#looks.add(look)
      look()
    })
  }
}

/** Resolves when the transport stands; CONNECT is not sent. */
export async function openRawClient(url: BrokerUrl): Promise<RawClient> {
  const { protocol, hostname, port } = new URL(url)
  if (protocol === 'ws:') {
    const socket = new WebSocket(url, 'mqtt')
    const client = new RawClient(createWebSocketStream(socket))
    await new Promise((resolve, reject) => socket.once('open', resolve).once('error', reject))
    return client
  }
  const socket = connectTcp(Number(port), hostname)
  socket.setNoDelay(true)
  await new Promise((resolve, reject) => socket.once('connect', resolve).once('error', reject))
  return new RawClient(socket)
}

export function publishPacket(
  topic: string,
  payload: string | Buffer,
  { qos = 0, retain = false, dup = false, messageId = 1 }: PublishOptions = {},
): IPublishPacket & { messageId: number } {
  return { cmd: 'publish', topic, payload, qos, retain, dup, messageId }
}

export function pubrel(messageId: number): Packet {
  // Not in its types, but without it mqtt-packet would leave the reserved bits at zero.
  return { cmd: 'pubrel', messageId, qos: 1 } as Packet
}
