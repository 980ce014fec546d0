import type { QueuedMessage, Will } from './store.ts'

/** The stored form: flags (QoS in the low bits, then retain), length of the topic in 16 bits, topic, payload. */
const HEADER_BYTES = 3
const QOS_MASK = 0b011
const RETAIN_FLAG = 0b100

/** What a queued message counts for in the bound of its queue, in every store. */
export function storedBytes(message: QueuedMessage): number {
  return HEADER_BYTES + Buffer.byteLength(message.topic) + message.payload.length
}

export function encodeMessage(message: Will): Buffer {
  const topicBytes = Buffer.byteLength(message.topic)
  const encoded = Buffer.allocUnsafe(HEADER_BYTES + topicBytes + message.payload.length)
  encoded[0] = message.qos | (message.retain ? RETAIN_FLAG : 0)
  encoded.writeUInt16BE(topicBytes, 1)
  encoded.write(message.topic, HEADER_BYTES)
  message.payload.copy(encoded, HEADER_BYTES + topicBytes)
  return encoded
}

export function decodeMessage(encoded: Buffer): Will {
  const flags = encoded[0] ?? 0
  const topicEnd = HEADER_BYTES + encoded.readUInt16BE(1)
  return {
    topic: encoded.toString('utf8', HEADER_BYTES, topicEnd),
    payload: encoded.subarray(topicEnd),
    qos: (flags & QOS_MASK) as 0 | 1 | 2,
    retain: (flags & RETAIN_FLAG) !== 0,
  }
}

export function decodeQueued(encoded: Buffer): QueuedMessage {
  const message = decodeMessage(encoded)
  return { ...message, qos: message.qos === 2 ? 2 : 1 }
}

/** One message for several targets: encoded once for each QoS. */
export function encodedByQos(message: QueuedMessage): (qos: 1 | 2) => Buffer {
  const encoded = new Map<number, Buffer>()
  return (targetQos) => {
    const qos = lowerQos(targetQos, message.qos)
    const known = encoded.get(qos) ?? encodeMessage({ ...message, qos })
    encoded.set(qos, known)
    return known
  }
}

export function lowerQos(one: 1 | 2, other: 1 | 2): 1 | 2 {
  return one === 2 && other === 2 ? 2 : 1
}
