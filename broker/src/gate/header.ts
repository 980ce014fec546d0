import { Fault } from './fault.ts'

/** MQTT 3.1.1 table 2.1. */
export const types = {
  connect: 1,
  connack: 2,
  publish: 3,
  puback: 4,
  pubrec: 5,
  pubrel: 6,
  pubcomp: 7,
  subscribe: 8,
  suback: 9,
  unsubscribe: 10,
  unsuback: 11,
  pingreq: 12,
  pingresp: 13,
  disconnect: 14,
} as const

const REMAINING_LENGTH_BYTES_MAX = 4
const MORE_FOLLOWS = 0x80

/** One object for all packets: on the path of every message nothing is allocated. */
export interface Header {
  type: number
  /** The low four bits of the first byte. */
  flags: number
  /** Where the body begins, and where the packet ends. */
  bodyAt: number
  end: number
}

/** Reads the fixed header at `at`. @returns whether it is whole; a fault shows as soon as its byte is there */
export function readHeader(bytes: Buffer, at: number, header: Header): boolean {
  const first = bytes[at] as number
  header.type = first >> 4
  header.flags = first & 0x0f
  let length = 0
  let factor = 1
  for (let i = 1; i <= REMAINING_LENGTH_BYTES_MAX; i++) {
    if (at + i >= bytes.length) return false
    const byte = bytes[at + i] as number
    length += (byte & 0x7f) * factor
    if ((byte & MORE_FOLLOWS) === 0) {
      header.bodyAt = at + i + 1
      header.end = header.bodyAt + length
      return true
    }
    factor *= 0x80
  }
  throw new Fault('malformed', 'the remaining length is longer than four bytes')
}

/** What the first byte of a packet after CONNECT may be ([MQTT-2.2.2-1], [MQTT-3.1.0-2], table 2.1). */
export function checkFirstByte(first: number): void {
  const flags = first & 0x0f
  switch (first >> 4) {
    case types.publish:
      return checkPublishFlags(flags)
    case types.puback:
    case types.pubrec:
    case types.pubcomp:
    case types.pingreq:
    case types.disconnect:
      return checkFlags(flags, 0)
    case types.pubrel:
    case types.subscribe:
    case types.unsubscribe:
      return checkFlags(flags, 2)
    case types.connect:
      throw new Fault('unexpected_packet', 'a second CONNECT')
    case types.connack:
    case types.suback:
    case types.unsuback:
    case types.pingresp:
      throw new Fault('unexpected_packet', `a packet of type ${first >> 4}, which only a server sends`)
    default:
      throw new Fault('malformed', `a packet of type ${first >> 4}, which MQTT 3.1.1 does not have`)
  }
}

function checkFlags(flags: number, expected: number): void {
  if (flags !== expected) throw new Fault('malformed', `the reserved flags are ${flags}, not ${expected}`)
}

function checkPublishFlags(flags: number): void {
  const qos = (flags >> 1) & 3
  // [MQTT-3.3.1-4], [MQTT-3.3.1-2]
  if (qos === 3) throw new Fault('malformed', 'a message of QoS 3')
  if (qos === 0 && flags & 8) throw new Fault('malformed', 'a message of QoS 0 marked as sent again')
}
