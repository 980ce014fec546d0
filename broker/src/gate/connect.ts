import { Fault, refusals } from './fault.ts'
import { checkText, checkTopicName } from './text.ts'

/** What a CONNECT claims; nothing of it is proven yet. */
export interface Connect {
  keepaliveS: number
  clientId?: string
  username?: string
}

const flagBits = {
  reserved: 0x01,
  clean: 0x02,
  will: 0x04,
  willQos: 0x18,
  willRetain: 0x20,
  password: 0x40,
  username: 0x80,
} as const
const WILL_QOS_3 = 0x18

/**
 * Checks the body of a CONNECT (MQTT 3.1.1 §3.1, MQTT 3.1 §3.1). Client ids of MQTT 3.1 may be longer than its 23
 * characters: every broker accepts that, and libraries rely on it.
 * @param connect gets what is known, also when the rest is faulty
 * @throws Fault
 */
export function readConnect(body: Buffer, connect: Connect, topicLevelsMax: number): void {
  const fields = new Fields(body)
  const level = readLevel(fields, connect)
  const flags = fields.byte()
  checkFlags(flags)
  connect.keepaliveS = fields.uint16()
  connect.clientId = fields.text()
  if (flags & flagBits.will) {
    fields.topic(topicLevelsMax)
    fields.skip()
  }
  if (flags & flagBits.username) connect.username = fields.text()
  if (flags & flagBits.password) fields.skip()
  fields.expectEnd()
  checkClientId(connect.clientId, level, flags)
}

/** @throws Fault with the answer that a client of another version understands */
function readLevel(fields: Fields, connect: Connect): number {
  const name = fields.text()
  if (name !== 'MQTT' && name !== 'MQIsdp') throw new Fault('malformed', 'the protocol’s name is not MQTT')
  const level = fields.byte()
  if (name === 'MQTT' && level === 5) {
    readNamesOfMqtt5(fields, connect)
    throw new Fault('mqtt5', 'MQTT 5; this server speaks 3.1 and 3.1.1', { reply: refusals.mqtt5 })
  }
  // [MQTT-3.1.2-2]. Bridges set the highest bit, and try again without it when refused.
  if (level !== (name === 'MQTT' ? 4 : 3))
    throw new Fault(
      'unsupported_version',
      `${name} with protocol level ${level}; this server speaks MQTT 3.1 and 3.1.1`,
      { reply: refusals.unsupportedVersion },
    )
  return level
}

/** Who it is, so that the refusal can be found under the device's name (MQTT 5 §3.1). A faulty one stays unknown. */
function readNamesOfMqtt5(fields: Fields, connect: Connect): void {
  try {
    const flags = fields.byte()
    fields.uint16()
    fields.skipProperties()
    connect.clientId = fields.text()
    if (flags & flagBits.will) {
      fields.skipProperties()
      fields.skip()
      fields.skip()
    }
    if (flags & flagBits.username) connect.username = fields.text()
  } catch (error) {
    if (!(error instanceof Fault)) throw error
  }
}

/** [MQTT-3.1.2-3], [MQTT-3.1.2-11] to [MQTT-3.1.2-15], [MQTT-3.1.2-22] */
function checkFlags(flags: number): void {
  if (flags & flagBits.reserved) throw new Fault('malformed', 'the reserved flag of CONNECT is set')
  if (!(flags & flagBits.will) && flags & (flagBits.willQos | flagBits.willRetain))
    throw new Fault('malformed', 'flags of a Last Will without the Last Will')
  if ((flags & flagBits.willQos) === WILL_QOS_3) throw new Fault('malformed', 'a Last Will of QoS 3')
  if (flags & flagBits.password && !(flags & flagBits.username))
    throw new Fault('malformed', 'a password without user name')
}

/** [MQTT-3.1.3-8]; MQTT 3.1 has no empty client ids at all. */
function checkClientId(clientId: string, level: number, flags: number): void {
  if (clientId !== '' || (level === 4 && flags & flagBits.clean)) return
  throw new Fault('identifier_rejected', 'a session to keep needs a client id', {
    reply: refusals.identifierRejected,
  })
}

/** The fields of a body, one after the other. */
class Fields {
  readonly #bytes: Buffer
  #at = 0

  constructor(bytes: Buffer) {
    this.#bytes = bytes
  }

  byte(): number {
    return this.#bytes[this.#take(1)] as number
  }

  uint16(): number {
    return this.#bytes.readUInt16BE(this.#take(2))
  }

  text(): string {
    const { from, to } = this.#field()
    checkText(this.#bytes, from, to)
    return this.#bytes.toString('utf8', from, to)
  }

  topic(levelsMax: number): void {
    const { from, to } = this.#field()
    checkTopicName(this.#bytes, from, to, levelsMax)
  }

  /** A field that may hold any bytes. */
  skip(): void {
    this.#field()
  }

  /** MQTT 5: their length in seven bits a byte, and so many bytes. */
  skipProperties(): void {
    let length = 0
    for (let shift = 0; ; shift += 7) {
      const byte = this.byte()
      length += (byte & 0x7f) * 2 ** shift
      if (byte < 0x80 || shift === 21) break
    }
    this.#take(length)
  }

  expectEnd(): void {
    if (this.#at < this.#bytes.length) throw new Fault('malformed', 'bytes after the end of CONNECT')
  }

  #field(): { from: number; to: number } {
    const length = this.uint16()
    const from = this.#take(length)
    return { from, to: from + length }
  }

  #take(count: number): number {
    const from = this.#at
    this.#at += count
    if (this.#at > this.#bytes.length) throw new Fault('malformed', 'CONNECT ends within a field')
    return from
  }
}
