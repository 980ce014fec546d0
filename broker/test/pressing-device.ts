import { connect, type Socket } from 'node:net'
import { generate, type Packet, parser } from 'mqtt-packet'
import { topics } from '../src/contract/index.ts'

export interface PressingOptions {
  port: number
  username: string
  password: string
  /** The time of its first reading; each next one a millisecond more. */
  firstMs: number
  will?: { topic: string; payload: Buffer; qos: 1; retain: boolean }
}

/** So many of its messages are on their way at once, always. */
const WINDOW = 50
const RECONNECT_MS = 25

/**
 * A device that sends as fast as it is acknowledged, on a raw socket. It comes back whenever it is cut off, and sends
 * again what was not acknowledged, as MQTT asks for; what it sent and what was acknowledged it knows for good.
 */
export class PressingDevice {
  readonly #options: PressingOptions
  readonly acknowledged = new Set<number>()
  /** CONNACKs that were no welcome. */
  readonly refusals: number[] = []
  /** When it was let in, by `performance.now()`. */
  readonly welcomes: number[] = []
  sentCount = 0
  #socket: Socket | undefined
  #isConnected = false
  #isOver = false
  #isPressing = false
  /** Of message `n`, by its packet id. */
  readonly #waiting = new Map<number, number>()

  constructor(options: PressingOptions) {
    this.#options = options
  }

  get deviceId(): string {
    return this.#options.username
  }

  get isConnected(): boolean {
    return this.#isConnected
  }

  /** Connects, and again whenever it is cut off. */
  start(): void {
    const { port, username, password, will } = this.#options
    const socket = connect({ port, host: '127.0.0.1', noDelay: true })
    this.#socket = socket
    const packets = parser({ protocolVersion: 4 })
    packets.on('packet', (packet: Packet) => this.#receive(packet))
    socket.on('error', () => {})
    socket.on('data', (chunk) => packets.parse(chunk))
    socket.on('close', () => {
      this.#isConnected = false
      if (!this.#isOver) setTimeout(() => this.#isOver || this.start(), RECONNECT_MS)
    })
    socket.write(
      generate({
        ...{ cmd: 'connect', protocolId: 'MQTT', protocolVersion: 4, clean: true, keepalive: 60 },
        ...{ clientId: 'pressing', username, password: Buffer.from(password), ...(will && { will }) },
      } as Packet),
    )
  }

  /** From now on, as fast as it may. */
  press(): void {
    this.#isPressing = true
    if (this.#isConnected) this.#fill()
  }

  /** Nothing new from now on; what is unacknowledged is still sent again after a reconnect. */
  rest(): void {
    this.#isPressing = false
  }

  get isSettled(): boolean {
    return this.#waiting.size === 0
  }

  /** Without a word. */
  stop(): void {
    this.#isOver = true
    this.#socket?.destroy()
  }

  #receive(packet: Packet): void {
    if (packet.cmd === 'connack') {
      if (packet.returnCode !== 0) return void this.refusals.push(packet.returnCode as number)
      this.#isConnected = true
      this.welcomes.push(performance.now())
      for (const [id, n] of this.#waiting) this.#write(id, n, true)
      this.#fill()
    } else if (packet.cmd === 'puback') {
      const id = packet.messageId as number
      const n = this.#waiting.get(id)
      if (n === undefined) throw new Error(`PUBACK for ${id}, which was not sent`)
      this.#waiting.delete(id)
      this.acknowledged.add(this.#options.firstMs + n)
      this.#fill()
    }
  }

  #fill(): void {
    while (this.#isPressing && this.#waiting.size < WINDOW) {
      const n = this.sentCount++
      const id = (n % 65_535) + 1
      this.#waiting.set(id, n)
      this.#write(id, n, false)
    }
  }

  #write(messageId: number, n: number, dup: boolean): void {
    const { username, firstMs } = this.#options
    const payload = `{"ts":${firstMs + n},"values":{"n":${n}}}`
    const topic = topics.telemetry(username)
    this.#socket?.write(generate({ cmd: 'publish', topic, payload, qos: 1, messageId, dup, retain: false }))
  }
}
