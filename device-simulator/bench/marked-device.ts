/** A device whose messages carry their number and the moment they were sent, on a clock all processes share. */
import type { Socket } from 'node:net'
import { topics } from '@telltale/broker/contract'
import { generate } from 'mqtt-packet'
import { signIn } from './connection.ts'
import type { Credential } from './generator.ts'
import { PubackScanner } from './puback-scanner.ts'

/** CLOCK_MONOTONIC: the same in every process of this machine, as `performance.now()` is not. */
export const monotonicUs = () => Number(process.hrtime.bigint() / 1_000n)

export interface Mark {
  deviceId: string
  /** 1 for the device's first message since it signed in. */
  n: number
  sentUs: number
}

/** Of the data of a reading's event; undefined when it is another's. */
export function readMark(data: string): Mark | undefined {
  const { deviceId, values } = JSON.parse(data) as { deviceId: string; values: Partial<Mark> }
  const { n, sentUs } = values
  return n === undefined || sentUs === undefined ? undefined : { deviceId, n, sentUs }
}

const PACKET_ID_MAX = 65_535

export class MarkedDevice {
  readonly id: string
  sent = 0
  acked = 0
  private readonly socket: Socket
  private readonly onAck: (n: number, atUs: number) => void
  private lastTsMs = 0

  private constructor(id: string, socket: Socket, onAck: (n: number, atUs: number) => void) {
    this.id = id
    this.socket = socket
    this.onAck = onAck
    const scanner = new PubackScanner()
    socket.on('error', () => {})
    socket.on('data', (chunk) => {
      const atUs = monotonicUs()
      scanner.scan(chunk, () => this.onAck(++this.acked, atUs))
    })
  }

  /** PUBACKs come in the order of the messages: the n-th one is the n-th message's. */
  static async open(
    port: number,
    { id, secret }: Credential,
    onAck: (n: number, atUs: number) => void = () => {},
  ): Promise<MarkedDevice> {
    const socket = await signIn({ host: '127.0.0.1', port, deviceId: id, secret })
    return new MarkedDevice(id, socket, onAck)
  }

  get inFlight(): number {
    return this.sent - this.acked
  }

  send(): void {
    const n = ++this.sent
    // A series has one reading a millisecond: of two the second would be the first one again.
    this.lastTsMs = Math.max(Date.now(), this.lastTsMs + 1)
    const payload = JSON.stringify({ ts: this.lastTsMs, values: { n, sentUs: monotonicUs() } })
    const messageId = ((n - 1) % PACKET_ID_MAX) + 1
    const topic = topics.telemetry(this.id)
    this.socket.write(
      generate({ cmd: 'publish', topic, payload, qos: 1, messageId, dup: false, retain: false }),
    )
  }

  leave(): void {
    this.socket.end(generate({ cmd: 'disconnect' }))
  }
}
