/**
 * Finds PUBACKs (MQTT 3.1.1 §3.4: 0x40 0x02, packet id) in what a socket delivers, however TCP cut it. A general
 * parser would cost the generator more CPU than sending does, and it shares the machine with what it measures.
 */

const PUBACK = 0x40
const REMAINING_LENGTH = 2
const PACKET_BYTES = 4

export class PubackScanner {
  /** Bytes of a packet that a chunk's end cut off; at most three. */
  private readonly head = new Uint8Array(PACKET_BYTES)
  private headBytes = 0

  /** @throws Error when anything but a PUBACK arrives */
  scan(chunk: Uint8Array, onPuback: (packetId: number) => void): void {
    let offset = 0
    while (this.headBytes > 0 && offset < chunk.length) {
      this.head[this.headBytes++] = chunk[offset++] as number
      if (this.headBytes < PACKET_BYTES) continue
      this.headBytes = 0
      onPuback(packetIdAt(this.head, 0))
    }
    while (offset + PACKET_BYTES <= chunk.length) {
      onPuback(packetIdAt(chunk, offset))
      offset += PACKET_BYTES
    }
    while (offset < chunk.length) this.head[this.headBytes++] = chunk[offset++] as number
  }
}

function packetIdAt(bytes: Uint8Array, offset: number): number {
  if (bytes[offset] !== PUBACK || bytes[offset + 1] !== REMAINING_LENGTH) {
    const seen = Buffer.from(bytes.subarray(offset, offset + PACKET_BYTES)).toString('hex')
    throw new Error(`expected a PUBACK, got ${seen}`)
  }
  return ((bytes[offset + 2] as number) << 8) | (bytes[offset + 3] as number)
}
