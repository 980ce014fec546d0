/** Packets as bytes, for what no encoder would agree to write. */

/** A fixed header with its remaining length, and a body. */
export function rawPacket(firstByte: number, ...body: Uint8Array[]): Buffer {
  const rest = Buffer.concat(body)
  return Buffer.concat([Buffer.from([firstByte, ...remainingLength(rest.length)]), rest])
}

/** MQTT 3.1.1, section 2.2.3: seven bits a byte, the lowest first. */
export function remainingLength(length: number): number[] {
  const low = length % 128
  const high = Math.floor(length / 128)
  return high > 0 ? [low | 0x80, ...remainingLength(high)] : [low]
}

export function uint16(value: number): Buffer {
  return Buffer.from([value >> 8, value & 0xff])
}

/** A field with its length in front: text, or bytes that are none. */
export function field(content: string | Uint8Array): Buffer {
  const bytes = Buffer.from(content)
  return Buffer.concat([uint16(bytes.length), bytes])
}

export interface RawConnect {
  protocolName?: string
  level?: number
  flags?: number
  keepaliveSeconds?: number
  /** Client id, will topic, will message, user name, password: as many as the flags ask for. */
  fields: (string | Uint8Array)[]
}

export function rawConnect({
  protocolName = 'MQTT',
  level = 4,
  flags = connectFlags.userName | connectFlags.password | connectFlags.cleanSession,
  keepaliveSeconds = 60,
  fields,
}: RawConnect): Buffer {
  const header = [field(protocolName), Buffer.from([level, flags]), uint16(keepaliveSeconds)]
  return rawPacket(0x10, ...header, ...fields.map(field))
}

/** MQTT 3.1.1, figure 3.4. */
export const connectFlags = {
  userName: 0x80,
  password: 0x40,
  willRetain: 0x20,
  willQos: 0x18,
  will: 0x04,
  cleanSession: 0x02,
  reserved: 0x01,
} as const

/** Byte sequences that are no UTF-8 by RFC 3629, with what is wrong with each. */
export const illFormedUtf8: [fault: string, bytes: Buffer][] = [
  ['a lone continuation byte', Buffer.from([0x80])],
  ['a sequence cut short', Buffer.from([0xc3])],
  ['a three-byte sequence cut short', Buffer.from([0xe2, 0x82])],
  ['an overlong slash', Buffer.from([0xc0, 0xaf])],
  ['an overlong NUL', Buffer.from([0xc0, 0x80])],
  ['a surrogate', Buffer.from([0xed, 0xa0, 0x80])],
  ['a code point above U+10FFFF', Buffer.from([0xf4, 0x90, 0x80, 0x80])],
  ['0xFF', Buffer.from([0xff])],
]
