/** One connection of a device, from the dial to its end. */
import { connect, type Socket } from 'node:net'
import { Answers, CONNACK } from './answers.ts'
import { DISCONNECT, PINGREQ } from './packets.ts'

export interface LinePlan {
  port: number
  connectPacket: Buffer
  keepaliveMs: number
}

export interface LineEvents {
  onOpen(): void
  onAnswer(type: number, id: number): void
  /** Once, unless it was abandoned. `wasOpen`: not a dial that failed. */
  onEnd(reason: string, wasOpen: boolean): void
}

/** No CONNACK by then: it is given up. Longer than the broker itself waits for the database's answer about a secret. */
const CONNECT_TIMEOUT_MS = 8_000

export class Line {
  isOpen = false
  readonly #socket: Socket
  readonly #plan: LinePlan
  readonly #answers = new Answers()
  readonly #startedMs = performance.now()
  #events: LineEvents | undefined
  #heardMs = this.#startedMs
  #pingedMs: number | undefined
  #spokeMs = this.#startedMs

  constructor(plan: LinePlan, events: LineEvents) {
    this.#plan = plan
    this.#events = events
    this.#socket = connect({ port: plan.port, host: '127.0.0.1', noDelay: true })
    this.#socket.on('error', () => {})
    this.#socket.on('data', (chunk) => this.#hear(chunk))
    this.#socket.once('close', () => this.#end('closed'))
    this.#socket.write(plan.connectPacket)
  }

  /** What the socket holds because nobody reads it. */
  get waitingBytes(): number {
    return this.#socket.writableLength
  }

  write(bytes: Buffer): void {
    this.#spokeMs = performance.now()
    this.#socket.write(bytes)
  }

  /** Looked at about once a second: pings, and gives up what is silent. */
  check(nowMs: number): void {
    const { keepaliveMs } = this.#plan
    if (!this.isOpen) {
      if (nowMs - this.#startedMs > CONNECT_TIMEOUT_MS) this.#giveUp('no CONNACK')
      return
    }
    if (this.#pingedMs !== undefined && this.#heardMs < this.#pingedMs) {
      if (nowMs - this.#pingedMs > keepaliveMs) this.#giveUp('no PINGRESP')
      return
    }
    if (nowMs - Math.min(this.#spokeMs, this.#heardMs) < keepaliveMs / 2) return
    this.#pingedMs = nowMs
    this.write(PINGREQ)
  }

  /** Nothing of it counts any more; it ends when the broker ends it. */
  abandon(): void {
    this.#events = undefined
    this.#socket.setTimeout(CONNECT_TIMEOUT_MS, () => this.#socket.destroy())
  }

  /** Politely. */
  end(): void {
    this.#events = undefined
    this.#socket.end(DISCONNECT)
    this.#socket.setTimeout(CONNECT_TIMEOUT_MS, () => this.#socket.destroy())
  }

  #hear(chunk: Buffer): void {
    if (!this.#events) return
    this.#heardMs = performance.now()
    try {
      this.#answers.scan(chunk, (type, id) => this.#take(type, id))
    } catch (error) {
      this.#giveUp((error as Error).message)
    }
  }

  #take(type: number, id: number): void {
    if (type !== CONNACK) return this.#events?.onAnswer(type, id)
    const returnCode = id & 0xff
    if (returnCode !== 0) return this.#giveUp(`CONNACK ${returnCode}`)
    this.isOpen = true
    this.#events?.onOpen()
  }

  #giveUp(reason: string): void {
    this.#socket.destroy()
    this.#end(reason)
  }

  #end(reason: string): void {
    const { isOpen } = this
    const events = this.#events
    this.#events = undefined
    this.isOpen = false
    events?.onEnd(reason, isOpen)
  }
}
