/** Packets of a publisher as bytes, with nothing between them and the socket. */
import { generate } from 'mqtt-packet'
import type { Qos } from './messages.ts'

export const DISCONNECT = Buffer.from([0xe0, 0])
export const PINGREQ = Buffer.from([0xc0, 0])

const PUBLISH = 0x30
const DUP = 0x08
const TOPIC_LENGTH_BYTES = 2
const PACKET_ID_BYTES = 2

export function connectPacket(plan: {
  id: string
  secret: string
  clean: boolean
  keepaliveS: number
}): Buffer {
  return generate({
    ...{ cmd: 'connect', protocolId: 'MQTT', protocolVersion: 4 },
    ...{ clientId: plan.id, username: plan.id, password: Buffer.from(plan.secret) },
    ...{ clean: plan.clean, keepalive: plan.keepaliveS },
  })
}

export function pubrelPacket(packetId: number): Buffer {
  return Buffer.from([0x62, 2, packetId >> 8, packetId & 0xff])
}

/** `topic` and `payload` are ASCII here. */
export function publishPacket(
  { topic, payload }: { topic: string; payload: string },
  { packetId, qos, dup }: { packetId: number; qos: Qos; dup: boolean },
): Buffer {
  const idBytes = qos > 0 ? PACKET_ID_BYTES : 0
  const length = TOPIC_LENGTH_BYTES + topic.length + idBytes + payload.length
  const headBytes = length < 128 ? 2 : 3
  const bytes = Buffer.allocUnsafe(headBytes + length)
  bytes[0] = PUBLISH | (dup ? DUP : 0) | (qos << 1)
  bytes[1] = headBytes === 2 ? length : (length & 127) | 128
  if (headBytes === 3) bytes[2] = length >> 7
  let at = bytes.writeUInt16BE(topic.length, headBytes)
  at += bytes.write(topic, at, 'latin1')
  if (qos > 0) at = bytes.writeUInt16BE(packetId, at)
  bytes.write(payload, at, 'latin1')
  return bytes
}
