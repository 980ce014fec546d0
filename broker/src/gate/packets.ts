import { Fault, oversized } from './fault.ts'
import { checkFirstByte, type Header, readHeader, types } from './header.ts'
import { checkTopicFilter, checkTopicName } from './text.ts'

export interface PacketLimits {
  /** The whole packet, header included. */
  packetBytesMax: number
  topicLevelsMax: number
  filtersPerSubscribeMax: number
}

/** Filters of one UNSUBSCRIBE for each that a SUBSCRIBE may have: dropping all at once is common. */
const UNSUBSCRIBE_FACTOR = 8

/** What a walk over received bytes found. One object serves all walks. */
export interface Walk {
  /** End of the last whole, checked packet. */
  end: number
  packets: number
  messages: number
  /** Bytes that the packet begun at `end` has as a whole, as far as its header tells; 0 when none is begun. */
  needed: number
  /** The last packet was DISCONNECT: nothing behind it counts. */
  isOver: boolean
}

const header: Header = { type: 0, flags: 0, bodyAt: 0, end: 0 }

/**
 * Walks over whole packets, until the bytes end, or as many packets or bytes as allowed are passed (one at least).
 * @throws Fault at the first byte that MQTT or a limit forbids; the packets before it are not passed on either
 */
export function walkPackets(
  bytes: Buffer,
  walk: Walk,
  { limits, packetsMax, bytesMax }: { limits: PacketLimits; packetsMax: number; bytesMax: number },
): void {
  walk.end = 0
  walk.packets = 0
  walk.messages = 0
  walk.needed = 0
  walk.isOver = false
  while (walk.end < bytes.length && walk.packets < packetsMax && walk.end < bytesMax) {
    const isWhole = checkPacket(bytes, walk, limits)
    if (!isWhole) return
    walk.end = header.end
    walk.packets++
    if (header.type === types.publish) walk.messages++
    if (header.type === types.disconnect) {
      walk.isOver = true
      return
    }
  }
}

/** @returns whether the packet at `walk.end` is whole */
function checkPacket(bytes: Buffer, walk: Walk, limits: PacketLimits): boolean {
  const at = walk.end
  checkFirstByte(bytes[at] as number)
  if (!readHeader(bytes, at, header)) {
    walk.needed = bytes.length - at + 1
    return false
  }
  checkLength(header.end - header.bodyAt)
  const size = header.end - at
  if (size > limits.packetBytesMax) throw oversized('bytes of a packet', size, limits.packetBytesMax)
  if (header.end > bytes.length) {
    walk.needed = size
    return false
  }
  checkBody(bytes, limits)
  return true
}

/** Packets whose length the protocol fixes are refused before their body has come. */
function checkLength(length: number): void {
  switch (header.type) {
    case types.publish:
      // A topic's length and one character.
      if (length < 3) throw new Fault('malformed', 'a message without topic')
      return
    case types.puback:
    case types.pubrec:
    case types.pubrel:
    case types.pubcomp:
      if (length !== 2) throw new Fault('malformed', `an acknowledgement of ${length} bytes`)
      return
    case types.pingreq:
    case types.disconnect:
      if (length !== 0) throw new Fault('malformed', `a packet that has no body came with ${length} bytes`)
  }
}

function checkBody(bytes: Buffer, limits: PacketLimits): void {
  switch (header.type) {
    case types.publish:
      return checkPublish(bytes, limits)
    case types.subscribe:
    case types.unsubscribe:
      return checkFilters(bytes, limits)
    case types.pingreq:
    case types.disconnect:
      return
    default:
      checkPacketId(bytes, header.bodyAt)
  }
}

function checkPublish(bytes: Buffer, limits: PacketLimits): void {
  const topicAt = header.bodyAt + 2
  const topicEnd = topicAt + uint16(bytes, header.bodyAt)
  if (topicEnd > header.end) throw new Fault('malformed', 'a topic reaches beyond its packet')
  checkTopicName(bytes, topicAt, topicEnd, limits.topicLevelsMax)
  // The bits of the QoS
  if ((header.flags & 6) !== 0) checkPacketId(bytes, topicEnd)
}

/** [MQTT-3.8.3-3], [MQTT-3.8.3-4], [MQTT-3.10.3-2] */
function checkFilters(bytes: Buffer, limits: PacketLimits): void {
  checkPacketId(bytes, header.bodyAt)
  const isSubscribe = header.type === types.subscribe
  const max = limits.filtersPerSubscribeMax * (isSubscribe ? 1 : UNSUBSCRIBE_FACTOR)
  let count = 0
  for (let at = header.bodyAt + 2; at < header.end; count++) {
    if (count === max) throw new Fault('too_many_filters', `a packet with more than ${max} topic filters`)
    const filterAt = at + 2
    const filterEnd = filterAt <= header.end ? filterAt + uint16(bytes, at) : header.end + 1
    at = filterEnd + (isSubscribe ? 1 : 0)
    if (at > header.end) throw new Fault('malformed', 'a topic filter reaches beyond its packet')
    checkTopicFilter(bytes, filterAt, filterEnd, limits.topicLevelsMax)
    if (isSubscribe && (bytes[filterEnd] as number) > 2)
      throw new Fault('malformed', 'a subscription to a QoS there is not')
  }
  if (count === 0) throw new Fault('malformed', 'a packet without topic filters')
}

/** [MQTT-2.3.1-1] */
function checkPacketId(bytes: Buffer, at: number): void {
  if (at + 2 > header.end) throw new Fault('malformed', 'a packet without its id')
  if (uint16(bytes, at) === 0) throw new Fault('malformed', 'a packet with the id 0')
}

function uint16(bytes: Buffer, at: number): number {
  return ((bytes[at] as number) << 8) | (bytes[at + 1] as number)
}
