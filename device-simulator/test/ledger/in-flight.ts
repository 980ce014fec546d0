/** What one device has sent, or is to send, and is not answered yet; oldest first. */
import type { Qos } from './messages.ts'

export interface Sent {
  n: number
  qos: Exclude<Qos, 0>
  packetId: number
  /** Of `performance.now()`; when it was first due. */
  sinceMs: number
  /** Was on a socket before. */
  isWritten: boolean
  /** Its PUBREC has come: acknowledged, but the exchange is not over. */
  isReceived: boolean
}

const PACKET_ID_MAX = 65_535

export class InFlight {
  readonly all: Sent[] = []
  #packetId = 0

  get size(): number {
    return this.all.length
  }

  add(n: number, qos: Exclude<Qos, 0>, sinceMs: number): Sent {
    this.#packetId = (this.#packetId % PACKET_ID_MAX) + 1
    const sent = { n, qos, packetId: this.#packetId, sinceMs, isWritten: false, isReceived: false }
    this.all.push(sent)
    return sent
  }

  /** The one with this packet id, taken out; and whether an older one of its QoS should have been answered first. */
  takePuback(packetId: number): { sent: Sent; isInOrder: boolean } | undefined {
    const place = this.all.findIndex((sent) => sent.qos === 1 && sent.packetId === packetId)
    if (place < 0) return undefined
    const isInOrder = this.all.findIndex((sent) => sent.qos === 1) === place
    return { sent: this.all.splice(place, 1)[0] as Sent, isInOrder }
  }

  /** The one with this packet id, marked as received; as above. Undefined too when it was marked before. */
  takePubrec(packetId: number): { sent: Sent; isInOrder: boolean } | undefined {
    const open = (sent: Sent) => sent.qos === 2 && !sent.isReceived
    const sent = this.all.find((one) => open(one) && one.packetId === packetId)
    if (!sent) return undefined
    const isInOrder = this.all.find(open) === sent
    sent.isReceived = true
    return { sent, isInOrder }
  }

  takePubcomp(packetId: number): void {
    const place = this.all.findIndex((sent) => sent.isReceived && sent.packetId === packetId)
    if (place >= 0) this.all.splice(place, 1)
  }

  /** A new session knows nothing of exchanges half done; what they carried is stored. */
  dropReceived(): void {
    for (let i = this.all.length - 1; i >= 0; i--) if (this.all[i]?.isReceived) this.all.splice(i, 1)
  }

  get unacknowledged(): number {
    return this.all.reduce((sum, sent) => sum + (sent.isReceived ? 0 : 1), 0)
  }

  /** Acknowledged, and their exchanges are not over. */
  get uncompleted(): number {
    return this.all.length - this.unacknowledged
  }
}
