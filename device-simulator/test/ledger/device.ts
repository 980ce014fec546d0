/** One device of the ledger: keeps several messages in flight, comes back, and sends again what was not answered. */
import { PUBACK, PUBCOMP, PUBREC } from './answers.ts'
import { InFlight, type Sent } from './in-flight.ts'
import { Line } from './line.ts'
import { deviceIdOf, messageOf, type Qos, qosOf, type Script, topicOf } from './messages.ts'
import { connectPacket, publishPacket, pubrelPacket } from './packets.ts'

export interface DevicePlan {
  device: number
  secret: string
  port: number
  window: number
  script: Script
  random: () => number
  onAcked(device: number, sent: Sent): void
  /** Message `n` goes on a socket once more. */
  onRepeated(device: number, n: number): void
  onTrouble(trouble: Trouble): void
}

/** What the load counts. */
export type Trouble =
  | { is: 'lost'; reason: string }
  | { is: 'out of order' | 'nobody asked'; device: number; packetId: number }

/** So different kinds of devices meet each fault. */
const KEEPALIVES_S = [10, 30, 60] as const
const PERSISTENT_EVERY = 4
const BACKOFF_MS_MIN = 200
const BACKOFF_MS_MAX = 3_000
/** A device does not pile up what the broker does not read. */
const WAITING_BYTES_MAX = 64 * 1024

export class Device {
  readonly #plan: DevicePlan
  readonly #inFlight = new InFlight()
  readonly #isClean: boolean
  readonly #keepaliveS: number
  /** In the book, and not on a socket yet. */
  #prepared: { n: number; qos: Qos; sent: Sent | undefined }[] = []
  #line: Line | undefined
  #attempt = 0
  #redialAtMs = 0
  #isOver = false

  constructor(plan: DevicePlan) {
    this.#plan = plan
    this.#isClean = plan.device % PERSISTENT_EVERY !== 0
    this.#keepaliveS = KEEPALIVES_S[plan.device % KEEPALIVES_S.length] as number
  }

  get isOpen(): boolean {
    return this.#line?.isOpen ?? false
  }

  get unacknowledged(): number {
    return this.#inFlight.unacknowledged
  }

  get uncompleted(): number {
    return this.#inFlight.uncompleted
  }

  /** Takes message `n` on, unless the window is full or nobody reads. @returns whether it is now in the book's hands */
  prepare(n: number, nowMs: number): boolean {
    const { device, window } = this.#plan
    if (this.#inFlight.size >= window || (this.#line?.waitingBytes ?? 0) > WAITING_BYTES_MAX) return false
    const qos = qosOf(device, n)
    if (qos === 0 && !this.isOpen) return false
    const sent = qos === 0 ? undefined : this.#inFlight.add(n, qos, nowMs)
    this.#prepared.push({ n, qos, sent })
    return true
  }

  /** What was prepared is in the book, on disk: now it may be on a socket. */
  flush(): void {
    const prepared = this.#prepared
    if (prepared.length === 0) return
    this.#prepared = []
    if (!this.isOpen) return
    this.#line?.write(Buffer.concat(prepared.map(({ n, sent }) => this.#publish(n, sent))))
  }

  check(nowMs: number): void {
    if (this.#line) return this.#line.check(nowMs)
    if (!this.#isOver && nowMs >= this.#redialAtMs) this.#dial()
  }

  /** Connects once more beside the connection it has: the broker ends the old one. */
  takeOver(): void {
    if (this.#isOver) return
    this.#line?.abandon()
    this.#dial()
  }

  end(): void {
    this.#isOver = true
    this.#line?.end()
  }

  #dial(): void {
    const { device, secret, port } = this.#plan
    const packet = { id: deviceIdOf(device), secret, clean: this.#isClean, keepaliveS: this.#keepaliveS }
    this.#line = new Line(
      { port, connectPacket: connectPacket(packet), keepaliveMs: this.#keepaliveS * 1_000 },
      {
        onOpen: () => this.#resume(),
        onAnswer: (type, id) => this.#answer(type, id),
        onEnd: (reason, wasOpen) => this.#lose(reason, wasOpen),
      },
    )
  }

  /** [MQTT-4.4.0-1]: everything unanswered again, in its order, with its packet ids. */
  #resume(): void {
    this.#attempt = 0
    if (this.#isClean) this.#inFlight.dropReceived()
    // What is not in the book yet follows by itself.
    const unbooked = new Set(this.#prepared.map(({ sent }) => sent))
    const packets = this.#inFlight.all
      .filter((sent) => !unbooked.has(sent))
      .map((sent) => (sent.isReceived ? pubrelPacket(sent.packetId) : this.#publish(sent.n, sent)))
    if (packets.length > 0) this.#line?.write(Buffer.concat(packets))
  }

  #publish(n: number, sent: Sent | undefined): Buffer {
    const { device, script, onRepeated } = this.#plan
    const { metric, payload } = messageOf(script, device, n)
    const isRepeated = sent?.isWritten ?? false
    if (isRepeated) onRepeated(device, n)
    // In a new session nothing is a duplicate.
    const dup = !this.#isClean && isRepeated
    if (sent) sent.isWritten = true
    const head = { packetId: sent?.packetId ?? 0, qos: sent?.qos ?? (0 as const), dup }
    return publishPacket({ topic: topicOf(device, metric), payload }, head)
  }

  #answer(type: number, packetId: number): void {
    if (type === PUBACK) this.#acknowledge(this.#inFlight.takePuback(packetId), packetId)
    if (type === PUBREC) {
      this.#acknowledge(this.#inFlight.takePubrec(packetId), packetId)
      this.#line?.write(pubrelPacket(packetId))
    }
    if (type === PUBCOMP) this.#inFlight.takePubcomp(packetId)
  }

  #acknowledge(taken: { sent: Sent; isInOrder: boolean } | undefined, packetId: number): void {
    const { device, onAcked, onTrouble } = this.#plan
    if (!taken) return onTrouble({ is: 'nobody asked', device, packetId })
    // [MQTT-4.6.0-2], [MQTT-4.6.0-3]: answers come in the order of the messages.
    if (!taken.isInOrder) onTrouble({ is: 'out of order', device, packetId })
    onAcked(device, taken.sent)
  }

  #lose(reason: string, wasOpen: boolean): void {
    this.#line = undefined
    const ceilingMs = Math.min(BACKOFF_MS_MAX, BACKOFF_MS_MIN * 2 ** this.#attempt++)
    this.#redialAtMs = performance.now() + ceilingMs * (0.5 + this.#plan.random() / 2)
    if (wasOpen && !this.#isOver) this.#plan.onTrouble({ is: 'lost', reason })
  }
}
