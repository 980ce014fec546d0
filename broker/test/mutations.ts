import { type Identity, randomConnect, randomInt, randomPackets } from './packets.ts'

type Random = () => number

/** What one client sends, in the pieces it writes. The seed alone decides it. */
export interface FuzzSession {
  /** Whether the CONNECT was left as it is, with credentials that are right. */
  isKnown: boolean
  pieces: Buffer[]
}

const PACKETS_MAX = 30
const MUTATIONS_MAX = 6
/** Bytes that parsers stumble over: zero, signs, the continuation bit, the longest. */
const AWKWARD = [0x00, 0x01, 0x7f, 0x80, 0xc0, 0xed, 0xfe, 0xff]

/** One change of one or two packets of the list, in place. */
type Mutation = (random: Random, packets: Buffer[]) => void

const mutations: Mutation[] = [
  function flipBits(random, packets) {
    change(random, packets, (packet) => {
      for (let i = 1 + randomInt(random, 8); i > 0; i--) {
        const at = randomInt(random, packet.length)
        packet[at] = (packet[at] ?? 0) ^ (1 << randomInt(random, 8))
      }
      return packet
    })
  },
  function placeAwkwardByte(random, packets) {
    change(random, packets, (packet) => {
      // More often where headers and lengths are.
      const at = randomInt(random, random() < 0.7 ? Math.min(12, packet.length) : packet.length)
      packet[at] = pick(random, AWKWARD)
      return packet
    })
  },
  function truncate(random, packets) {
    change(random, packets, (packet) => packet.subarray(0, randomInt(random, packet.length)))
  },
  function repeat(random, packets) {
    const packet = pick(random, packets)
    const copies = Array<Buffer>(1 + randomInt(random, 20)).fill(packet)
    packets.splice(randomInt(random, packets.length + 1), 0, ...copies)
  },
  function splice(random, packets) {
    const other = pick(random, packets)
    change(random, packets, (packet) => {
      const from = randomInt(random, other.length)
      const part = other.subarray(from, from + randomInt(random, other.length))
      const at = randomInt(random, packet.length)
      return Buffer.concat([packet.subarray(0, at), part, packet.subarray(at)])
    })
  },
  function changeLength(random, packets) {
    change(random, packets, (packet) => {
      const length = randomInt(random, 5)
      const bytes = Array.from({ length }, () => (random() < 0.5 ? 0x80 : 0) | randomInt(random, 128))
      return Buffer.concat([packet.subarray(0, 1), Buffer.from(bytes), packet.subarray(2)])
    })
  },
  function swap(random, packets) {
    const [a, b] = [randomInt(random, packets.length), randomInt(random, packets.length)]
    const [first, second] = [packets[a], packets[b]]
    if (first && second) [packets[a], packets[b]] = [second, first]
  },
  function insertNoise(random, packets) {
    const noise = Buffer.from(
      Array.from({ length: 1 + randomInt(random, 300) }, () => randomInt(random, 256)),
    )
    packets.splice(randomInt(random, packets.length + 1), 0, noise)
  },
  function insertNonsense(random, packets) {
    const body = Array.from({ length: randomInt(random, 100) }, () => randomInt(random, 256))
    const packet = Buffer.from([randomInt(random, 256), body.length, ...body])
    packets.splice(randomInt(random, packets.length + 1), 0, packet)
  },
]

export function fuzzSession(random: Random, identities: Identity[]): FuzzSession {
  const identity = pick(random, identities)
  const isStranger = random() < 0.1
  const claimed = isStranger ? { ...identity, password: 'guessed' } : identity
  const packets = randomPackets(random, identity, 1 + randomInt(random, PACKETS_MAX))
  const connect = randomConnect(random, claimed)
  // What a broken CONNECT reaches is soon known; most of the code is behind a right one.
  const isKnown = !isStranger && random() < 0.8
  if (!isKnown) packets.unshift(connect)
  for (let i = randomInt(random, MUTATIONS_MAX); i > 0; i--) {
    pick(random, mutations)(random, packets)
    if (packets.length === 0) break
  }
  if (isKnown) packets.unshift(connect)
  return { isKnown, pieces: cut(random, Buffer.concat(packets)) }
}

function change(random: Random, packets: Buffer[], mutate: (packet: Buffer) => Buffer): void {
  const at = randomInt(random, packets.length)
  const packet = packets[at]
  if (packet && packet.length > 0) packets[at] = mutate(Buffer.from(packet))
}

function cut(random: Random, bytes: Buffer): Buffer[] {
  if (random() < 0.4) return [bytes]
  const pieces: Buffer[] = []
  const sizeMax = random() < 0.2 ? 10 : 5_000
  for (let at = 0; at < bytes.length && pieces.length < 200; ) {
    const isLast = pieces.length === 199
    const end = isLast ? bytes.length : at + 1 + randomInt(random, sizeMax)
    pieces.push(bytes.subarray(at, end))
    at = end
  }
  return pieces
}

function pick<T>(random: Random, from: readonly T[]): T {
  return from[randomInt(random, from.length)] as T
}
