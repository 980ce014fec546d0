/**
 * Keys of the embedded store. One letter says the kind; sessions go by their number; numbers are big-endian, so that
 * the order of keys is the order of entries.
 */
export const kinds = {
  session: 0x73,
  queue: 0x71,
  inFlight: 0x66,
  received: 0x69,
  retained: 0x72,
  will: 0x77,
} as const

const ID_BYTES = 6

export function sessionKey(session: number): Buffer {
  const key = Buffer.alloc(5)
  key[0] = kinds.session
  key.writeUInt32BE(session, 1)
  return key
}

/** The size is part of it, so that starting reads the keys of a queue only. */
export function queueKey(session: number, { id, size }: { id: number; size: number }): Buffer {
  const key = Buffer.alloc(15)
  key[0] = kinds.queue
  key.writeUInt32BE(session, 1)
  key.writeUIntBE(id, 5, ID_BYTES)
  key.writeUInt32BE(size, 11)
  return key
}

export function parseQueueKey(key: Buffer): { session: number; id: number; size: number } {
  return { session: key.readUInt32BE(1), id: key.readUIntBE(5, ID_BYTES), size: key.readUInt32BE(11) }
}

export function inFlightKey(session: number, id: number): Buffer {
  const key = Buffer.alloc(11)
  key[0] = kinds.inFlight
  key.writeUInt32BE(session, 1)
  key.writeUIntBE(id, 5, ID_BYTES)
  return key
}

export function parseInFlightKey(key: Buffer): { session: number; id: number } {
  return { session: key.readUInt32BE(1), id: key.readUIntBE(5, ID_BYTES) }
}

export function inFlightValue({ packetId, isReleased }: { packetId: number; isReleased: boolean }): Buffer {
  return Buffer.of(packetId >> 8, packetId & 0xff, isReleased ? 1 : 0)
}

export function parseInFlightValue(value: Buffer): { packetId: number; isReleased: boolean } {
  return { packetId: value.readUInt16BE(0), isReleased: value[2] === 1 }
}

export function receivedKey(session: number, packetId: number): Buffer {
  const key = Buffer.alloc(7)
  key[0] = kinds.received
  key.writeUInt32BE(session, 1)
  key.writeUInt16BE(packetId, 5)
  return key
}

export function parseReceivedKey(key: Buffer): { session: number; packetId: number } {
  return { session: key.readUInt32BE(1), packetId: key.readUInt16BE(5) }
}

export function retainedKey(topic: string): Buffer {
  return Buffer.concat([Buffer.of(kinds.retained), Buffer.from(topic)])
}

export function willKey(brokerId: string, clientId: string): Buffer {
  return Buffer.concat([Buffer.of(kinds.will), Buffer.from(JSON.stringify([brokerId, clientId]))])
}

export function parseWillKey(key: Buffer): [brokerId: string, clientId: string] {
  return JSON.parse(key.toString('utf8', 1))
}

/** All keys of one kind. */
export function rangeOf(kind: number): { gte: Buffer; lt: Buffer } {
  return { gte: Buffer.of(kind), lt: Buffer.of(kind + 1) }
}
