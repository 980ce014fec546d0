/** One connection of the load generator: a raw socket that keeps `window` QoS 1 messages in flight. */
import type { Socket } from 'node:net'
import { generate } from 'mqtt-packet'
import { signIn } from './connection.ts'
import { PubackScanner } from './puback-scanner.ts'
import { PublishTemplate } from './publish-template.ts'

const PACKET_ID_MAX = 65_535
/** Every n-th latency is kept; the clock is read once a write and once a read, not once a message. */
const SAMPLE_EVERY = 8

export interface PublisherPlan {
  host: string
  port: number
  deviceId: string
  secret: string | undefined
  window: number
  startTsMs: number
  onLatency(latencyMs: number): void
}

export class Publisher {
  acked = 0
  outOfOrder = 0
  private readonly plan: PublisherPlan
  private readonly scanner = new PubackScanner()
  private readonly template: PublishTemplate
  /** When the message in each place of the window was sent. */
  private readonly sentAtMs: Float64Array
  private socket: Socket | undefined
  private sent = 0
  private stopping = false
  private failure: Error | undefined
  private onceDrained: (() => void) | undefined

  constructor(plan: PublisherPlan) {
    this.plan = plan
    this.template = new PublishTemplate(plan.deviceId, plan.startTsMs)
    this.sentAtMs = new Float64Array(plan.window)
  }

  get inFlight(): number {
    return this.sent - this.acked
  }

  /** Resolves at CONNACK 0. */
  async connect(): Promise<void> {
    const socket = await signIn(this.plan)
    this.socket = socket
    socket.on('data', (chunk) => this.take(chunk))
    socket.on('error', (error) => this.fail(error))
    socket.on('close', () => this.fail(new Error('the broker closed the connection')))
  }

  start(): void {
    this.send(this.plan.window)
  }

  /** Sends nothing more; resolves when every message is acknowledged, rejects when the connection broke. */
  async drain(): Promise<void> {
    this.stopping = true
    if (this.inFlight > 0 && !this.failure) {
      await new Promise<void>((resolve) => {
        this.onceDrained = resolve
      })
    }
    if (this.failure) throw new Error(`${this.plan.deviceId}: ${this.failure.message}`)
  }

  end(): void {
    this.socket?.removeAllListeners('close')
    this.socket?.end(generate({ cmd: 'disconnect' }))
  }

  private take(chunk: Buffer): void {
    const nowMs = performance.now()
    const before = this.acked
    try {
      this.scanner.scan(chunk, (packetId) => this.settle(packetId, nowMs))
    } catch (error) {
      this.socket?.destroy()
      return this.fail(error as Error)
    }
    if (!this.stopping) this.send(this.acked - before)
    else if (this.inFlight === 0) this.onceDrained?.()
  }

  private settle(packetId: number, nowMs: number): void {
    // [MQTT-4.6.0-2]: PUBACKs come in the order of the PUBLISH packets.
    if (packetId !== packetIdOf(this.acked)) this.outOfOrder++
    if (this.acked % SAMPLE_EVERY === 0) {
      this.plan.onLatency(nowMs - (this.sentAtMs[this.acked % this.plan.window] as number))
    }
    this.acked++
  }

  private send(count: number): void {
    if (count === 0) return
    const { bytes } = this.template
    const batch = Buffer.allocUnsafe(count * bytes.length)
    const nowMs = performance.now()
    for (let i = 0; i < count; i++) {
      this.template.stamp(packetIdOf(this.sent))
      bytes.copy(batch, i * bytes.length)
      this.sentAtMs[this.sent % this.plan.window] = nowMs
      this.sent++
    }
    this.socket?.write(batch)
  }

  private fail(error: Error): void {
    this.failure ??= error
    this.onceDrained?.()
  }
}

function packetIdOf(sequence: number): number {
  return (sequence % PACKET_ID_MAX) + 1
}
