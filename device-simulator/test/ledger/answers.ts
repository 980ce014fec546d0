/**
 * Cuts what a broker answers a publisher into packets, however TCP delivered it: two or four bytes each. A general
 * parser would cost the generator more than sending does, and it shares the machine with what it loads.
 */

export const CONNACK = 0x20
export const PUBACK = 0x40
export const PUBREC = 0x50
export const PUBCOMP = 0x70
const PINGRESP = 0xd0

const REMAINING_LENGTH: Readonly<Record<number, number>> = {
  [CONNACK]: 2,
  [PUBACK]: 2,
  [PUBREC]: 2,
  [PUBCOMP]: 2,
  [PINGRESP]: 0,
}

export class Answers {
  /** A packet that a chunk's end cut off. */
  #head: Buffer = Buffer.alloc(0)

  /**
   * `id` is the packet id; of a CONNACK its flags and return code.
   * @throws Error when anything arrives that a publisher is not sent
   */
  scan(chunk: Buffer, onAnswer: (type: number, id: number) => void): void {
    const bytes = this.#head.length > 0 ? Buffer.concat([this.#head, chunk]) : chunk
    let at = 0
    while (at + 2 <= bytes.length) {
      const type = bytes[at] as number
      const length = REMAINING_LENGTH[type]
      if (length === undefined || bytes[at + 1] !== length)
        throw new Error(`not an answer to a publisher: ${bytes.subarray(at, at + 4).toString('hex')}`)
      if (at + 2 + length > bytes.length) break
      onAnswer(type, length === 2 ? bytes.readUInt16BE(at + 2) : 0)
      at += 2 + length
    }
    this.#head = Buffer.from(bytes.subarray(at))
  }
}
