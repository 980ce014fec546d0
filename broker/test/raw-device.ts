import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { generate, type Packet, parser } from 'mqtt-packet'
import { type CommandPayload, filters, parseTopic, type ReplyPayload, topics } from '../src/contract/index.ts'

/** One delivery of a command to a device. */
export interface Delivery extends CommandPayload {
  id: string
  messageId: number
  /** When the device acknowledged it. */
  pubackAtMs: number | undefined
}

type OnDelivery = (delivery: Delivery, device: RawDevice) => void

/** A device that acknowledges and replies only when it is told to: a client library acknowledges by itself. */
export class RawDevice {
  readonly #deviceId: string
  readonly #socket: Socket
  #messageId = 0
  #publishCount = 0
  readonly deliveries: Delivery[] = []
  /** Of its own publishes. */
  readonly acknowledged = new Set<number>()
  #onDelivery: OnDelivery = () => {}

  /** @throws when it is refused or cut off meanwhile */
  static async connect(
    port: number,
    { username, password }: { username: string; password: string },
    onDelivery?: OnDelivery,
  ): Promise<RawDevice> {
    const socket = connect(port, '127.0.0.1')
    socket.on('error', () => {})
    const device = new RawDevice(username, socket)
    if (onDelivery) device.#onDelivery = onDelivery
    await device.#hello(username, password)
    return device
  }

  private constructor(deviceId: string, socket: Socket) {
    this.#deviceId = deviceId
    this.#socket = socket
  }

  get isOpen(): boolean {
    return !this.#socket.destroyed
  }

  puback(delivery: Delivery): void {
    delivery.pubackAtMs ??= Date.now()
    this.#send({ cmd: 'puback', messageId: delivery.messageId })
  }

  /** @returns the packet id, which is in `acknowledged` when the broker has recorded it */
  reply(commandId: string, reply: ReplyPayload): number {
    const messageId = ++this.#messageId
    this.#publishCount++
    const [topic, payload] = [topics.reply(this.#deviceId, commandId), JSON.stringify(reply)]
    this.#send({ cmd: 'publish', topic, payload, qos: 1, messageId, retain: false, dup: false })
    return messageId
  }

  /** Whether the broker has recorded all it said. */
  get isSettled(): boolean {
    return this.acknowledged.size === this.#publishCount
  }

  /** Without a word. */
  cut(): void {
    this.#socket.destroy()
  }

  #send(packet: Packet): void {
    if (this.isOpen) this.#socket.write(generate(packet))
  }

  async #hello(username: string, password: string): Promise<void> {
    await once(this.#socket, 'connect')
    const ready = new Promise<void>((resolve, reject) => {
      this.#socket.once('close', () => reject(new Error(`${username} was cut off`)))
      const packets = parser({ protocolVersion: 4 })
      packets.on('packet', (packet: Packet) => this.#receive(packet, resolve))
      this.#socket.on('data', (chunk) => packets.parse(chunk))
    })
    this.#send({
      ...{ cmd: 'connect', protocolId: 'MQTT', protocolVersion: 4, clean: true, keepalive: 60 },
      ...{ clientId: 'raw', username, password: Buffer.from(password) },
    } as Packet)
    const subscriptions = [{ topic: filters.commands(username), qos: 1 as const }]
    this.#send({ cmd: 'subscribe', messageId: ++this.#messageId, subscriptions })
    await ready
  }

  #receive(packet: Packet, onSubscribed: () => void): void {
    if (packet.cmd === 'suback') return onSubscribed()
    if (packet.cmd === 'puback') this.acknowledged.add(packet.messageId as number)
    if (packet.cmd !== 'publish') return
    const topic = parseTopic(packet.topic)
    if (topic.kind !== 'command') return
    const payload = JSON.parse(packet.payload.toString()) as CommandPayload
    const messageId = packet.messageId as number
    const delivery = { id: topic.commandId, messageId, pubackAtMs: undefined, ...payload }
    this.deliveries.push(delivery)
    this.#onDelivery(delivery, this)
  }
}
