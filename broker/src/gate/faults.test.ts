import { waitFor } from '@telltale/infra/testing/wait'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { CONNACK, Guarded, testLimits, unlimited } from '../../test/guarded.ts'
import { connect, filter, GOOD, packet, publish, subscribe, text } from '../../test/raw-packets.ts'
import { startTransports, type Transport } from '../../test/transports.ts'
import type { FaultCode } from './fault.ts'
import { Gates } from './gates.ts'

let transports: Transport[]
let gates: Gates

beforeAll(async () => {
  gates = new Gates(testLimits())
  transports = await startTransports()
})
afterAll(async () => {
  gates.stop()
  await Promise.all(transports.map(({ close }) => close()))
})

/** Sends one sequence of bytes over a new connection of each kind, and waits until it is over. */
async function outcome(bytes: number[], transport: Transport): Promise<Guarded> {
  const guarded = new Guarded(gates, await transport.open(), unlimited)
  guarded.client.write(Buffer.from(bytes))
  await waitFor(`the end after ${Buffer.from(bytes).toString('hex')}`, () => guarded.isOver)
  return guarded
}

interface Case {
  what: string
  bytes: number[]
  code: FaultCode
  reply?: number[]
}

/** The first packet. */
const atFirst: Case[] = [
  { what: 'PUBLISH', bytes: publish('a'), code: 'not_connect' },
  { what: 'HTTP', bytes: [...Buffer.from('GET / HTTP/1.1\r\n\r\n')], code: 'not_connect' },
  { what: 'CONNECT with header flags', bytes: [0x11, ...GOOD.slice(1)], code: 'not_connect' },
  { what: 'five bytes of length', bytes: [0x10, 0x80, 0x80, 0x80, 0x80, 0x01], code: 'malformed' },
  { what: '4 KiB and a byte, by its header', bytes: [0x10, 0xfe, 0x1f], code: 'oversized' },
  { what: '256 MiB, by its header', bytes: [0x10, 0xff, 0xff, 0xff, 0x7f], code: 'oversized' },
  { what: 'nothing inside', bytes: [0x10, 0], code: 'malformed' },
  {
    what: 'MQTT 5',
    bytes: packet(0x10, ...text('MQTT'), 5, 2, 0, 60, 0, ...text('')),
    code: 'mqtt5',
    reply: [0x20, 3, 0, 0x84, 0],
  },
  {
    what: 'level 3 under the new name',
    bytes: packet(0x10, ...text('MQTT'), 3, 2, 0, 60, ...text('a')),
    code: 'unsupported_version',
    reply: [0x20, 2, 0, 1],
  },
  {
    what: 'level 4 under the old name',
    bytes: packet(0x10, ...text('MQIsdp'), 4, 2, 0, 60, ...text('a')),
    code: 'unsupported_version',
    reply: [0x20, 2, 0, 1],
  },
  {
    what: 'level 6',
    bytes: packet(0x10, ...text('MQTT'), 6, 2, 0, 60, ...text('a')),
    code: 'unsupported_version',
    reply: [0x20, 2, 0, 1],
  },
  {
    what: 'a bridge of 3.1.1',
    bytes: packet(0x10, ...text('MQTT'), 0x84, 2, 0, 60, ...text('a')),
    code: 'unsupported_version',
    reply: [0x20, 2, 0, 1],
  },
  {
    what: 'a bridge of 3.1',
    bytes: packet(0x10, ...text('MQIsdp'), 0x83, 2, 0, 60, ...text('a')),
    code: 'unsupported_version',
    reply: [0x20, 2, 0, 1],
  },
  {
    what: 'another protocol',
    bytes: packet(0x10, ...text('AMQP'), 4, 2, 0, 60, ...text('a')),
    code: 'malformed',
  },
  { what: 'the reserved flag', bytes: connect(0x03, ...text('id')), code: 'malformed' },
  { what: 'a will’s QoS without will', bytes: connect(0x0a, ...text('id')), code: 'malformed' },
  { what: 'a retained will without will', bytes: connect(0x22, ...text('id')), code: 'malformed' },
  {
    what: 'a will of QoS 3',
    bytes: connect(0x1e, ...text('id'), ...text('a'), ...text('')),
    code: 'malformed',
  },
  {
    what: 'a will with a wildcard',
    bytes: connect(0x06, ...text('id'), ...text('a/#'), ...text('')),
    code: 'malformed',
  },
  {
    what: 'a will without topic',
    bytes: connect(0x06, ...text('id'), ...text(''), ...text('')),
    code: 'malformed',
  },
  {
    what: 'a will of 11 levels',
    bytes: connect(0x06, ...text('id'), ...text('/'.repeat(10)), ...text('')),
    code: 'too_many_levels',
  },
  {
    what: 'a password without user name',
    bytes: connect(0x42, ...text('id'), ...text('p')),
    code: 'malformed',
  },
  { what: 'a user name that is missing', bytes: connect(0x82, ...text('id')), code: 'malformed' },
  {
    what: 'a password longer than the packet',
    bytes: connect(0xc2, ...text('id'), ...text('u'), 0, 9, 1),
    code: 'malformed',
  },
  { what: 'bytes at the end', bytes: connect(0x02, ...text('id'), 0), code: 'malformed' },
  { what: 'U+0000 in the client id', bytes: connect(0x02, ...text('a\0b')), code: 'malformed' },
  {
    what: 'a surrogate in the user name',
    bytes: connect(0x82, ...text('id'), ...text([0xed, 0xa0, 0x80])),
    code: 'malformed',
  },
  {
    what: 'a session to keep without client id',
    bytes: connect(0x00, ...text('')),
    code: 'identifier_rejected',
    reply: [0x20, 2, 0, 2],
  },
  {
    what: 'MQTT 3.1 without client id',
    bytes: packet(0x10, ...text('MQIsdp'), 3, 2, 0, 60, ...text('')),
    code: 'identifier_rejected',
    reply: [0x20, 2, 0, 2],
  },
]

const eightFilters = Array.from({ length: 8 }, () => filter('a')).flat()
/** After CONNACK. */
const later: Case[] = [
  { what: 'a second CONNECT', bytes: GOOD, code: 'unexpected_packet' },
  { what: 'CONNACK', bytes: [0x20, 2, 0, 0], code: 'unexpected_packet' },
  { what: 'SUBACK', bytes: [0x90, 3, 0, 1, 0], code: 'unexpected_packet' },
  { what: 'UNSUBACK', bytes: [0xb0, 2, 0, 1], code: 'unexpected_packet' },
  { what: 'PINGRESP', bytes: [0xd0, 0], code: 'unexpected_packet' },
  { what: 'type 0', bytes: [0x00, 0], code: 'malformed' },
  { what: 'type 15', bytes: [0xf0, 0], code: 'malformed' },
  { what: 'five bytes of length', bytes: [0x30, 0xff, 0xff, 0xff, 0xff], code: 'malformed' },
  { what: '256 MiB, by its header', bytes: [0x30, 0xff, 0xff, 0xff, 0x7f], code: 'oversized' },
  { what: 'PUBLISH of QoS 3', bytes: [0x36, 5, 0, 1, 0x61, 0, 1], code: 'malformed' },
  { what: 'PUBLISH of QoS 0 sent again', bytes: [0x38, 3, 0, 1, 0x61], code: 'malformed' },
  { what: 'PUBLISH with id 0', bytes: [0x32, 5, 0, 1, 0x61, 0, 0], code: 'malformed' },
  { what: 'PUBLISH of QoS 1 without id', bytes: [0x32, 4, 0, 1, 0x61, 0], code: 'malformed' },
  { what: 'PUBLISH without topic', bytes: [0x30, 3, 0, 0, 0x61], code: 'malformed' },
  { what: 'PUBLISH of two bytes', bytes: [0x30, 2, 0, 0], code: 'malformed' },
  { what: 'PUBLISH with a topic beyond its end', bytes: [0x30, 3, 0, 9, 0x61], code: 'malformed' },
  { what: 'PUBLISH to +', bytes: publish('a/+'), code: 'malformed' },
  { what: 'PUBLISH to #', bytes: publish('a/#'), code: 'malformed' },
  { what: 'PUBLISH with U+0000', bytes: publish('a\0'), code: 'malformed' },
  { what: 'PUBLISH with a surrogate', bytes: publish([0x61, 0xed, 0xbf, 0xbf]), code: 'malformed' },
  { what: 'PUBLISH with an overlong slash', bytes: publish([0xc0, 0xaf]), code: 'malformed' },
  { what: 'PUBLISH with half a character', bytes: publish([0x61, 0xe6, 0xb8]), code: 'malformed' },
  { what: 'PUBLISH of 11 levels', bytes: publish('1/2/3/4/5/6/7/8/9/10/11'), code: 'too_many_levels' },
  { what: 'PUBACK with flags', bytes: [0x42, 2, 0, 1], code: 'malformed' },
  { what: 'PUBACK with id 0', bytes: [0x40, 2, 0, 0], code: 'malformed' },
  { what: 'PUBACK of three bytes', bytes: [0x40, 3, 0, 1, 0], code: 'malformed' },
  { what: 'PUBREC of one byte', bytes: [0x50, 1, 1], code: 'malformed' },
  { what: 'PUBREL without its flag', bytes: [0x60, 2, 0, 1], code: 'malformed' },
  { what: 'PUBCOMP with flags', bytes: [0x71, 2, 0, 1], code: 'malformed' },
  { what: 'PINGREQ with a body', bytes: [0xc0, 1, 0], code: 'malformed' },
  { what: 'DISCONNECT with a body', bytes: [0xe0, 1, 0], code: 'malformed' },
  { what: 'DISCONNECT with flags', bytes: [0xe1, 0], code: 'malformed' },
  {
    what: 'SUBSCRIBE without its flag',
    bytes: [0x80, ...subscribe(...filter('a')).slice(1)],
    code: 'malformed',
  },
  { what: 'SUBSCRIBE with id 0', bytes: packet(0x82, 0, 0, ...filter('a')), code: 'malformed' },
  { what: 'SUBSCRIBE to nothing', bytes: subscribe(), code: 'malformed' },
  { what: 'SUBSCRIBE of QoS 3', bytes: subscribe(...filter('a', 3)), code: 'malformed' },
  { what: 'SUBSCRIBE with reserved bits', bytes: subscribe(...filter('a', 4)), code: 'malformed' },
  { what: 'SUBSCRIBE without QoS', bytes: subscribe(...text('a')), code: 'malformed' },
  { what: 'SUBSCRIBE with half a length', bytes: subscribe(...filter('a'), 0), code: 'malformed' },
  { what: 'SUBSCRIBE beyond its end', bytes: subscribe(0, 9, 0x61, 0), code: 'malformed' },
  { what: 'SUBSCRIBE to an empty filter', bytes: subscribe(...filter('')), code: 'malformed' },
  { what: 'SUBSCRIBE to a#', bytes: subscribe(...filter('a#')), code: 'malformed' },
  { what: 'SUBSCRIBE to #/a', bytes: subscribe(...filter('#/a')), code: 'malformed' },
  { what: 'SUBSCRIBE to a/+b', bytes: subscribe(...filter('a/+b')), code: 'malformed' },
  { what: 'SUBSCRIBE to a+', bytes: subscribe(...filter('a+')), code: 'malformed' },
  { what: 'SUBSCRIBE with U+0000', bytes: subscribe(...filter('\0')), code: 'malformed' },
  { what: 'SUBSCRIBE in ill-formed UTF-8', bytes: subscribe(...filter([0xff])), code: 'malformed' },
  { what: 'SUBSCRIBE of 11 levels', bytes: subscribe(...filter('/'.repeat(10))), code: 'too_many_levels' },
  { what: 'SUBSCRIBE to nine', bytes: subscribe(...eightFilters, ...filter('a')), code: 'too_many_filters' },
  { what: 'UNSUBSCRIBE from nothing', bytes: packet(0xa2, 0, 1), code: 'malformed' },
  { what: 'UNSUBSCRIBE without id', bytes: packet(0xa2, 0), code: 'malformed' },
  { what: 'UNSUBSCRIBE from a wrong filter', bytes: packet(0xa2, 0, 1, ...text('#a')), code: 'malformed' },
  {
    what: 'UNSUBSCRIBE beyond its end',
    bytes: packet(0xa2, 0, 1, ...text('a'), 0, 2, 0x61),
    code: 'malformed',
  },
]

describe('what no client may send', () => {
  it('M-GATE-5 a wrong first packet is refused, with the answer its protocol has for that', async () => {
    for (const transport of transports)
      for (const { what, bytes, code, reply = [] } of atFirst) {
        const guarded = await outcome(bytes, transport)
        expect(
          guarded.faults.map((fault) => fault.code),
          `${transport.name}: ${what}`,
        ).toEqual([code])
        expect([...guarded.answer], what).toEqual(reply)
        expect(guarded.passed, what).toEqual([])
      }
  })

  it('M-GATE-6 a refusal arrives although more was sent behind the CONNECT', async () => {
    const mqtt5 = packet(0x10, ...text('MQTT'), 5, 2, 0, 60, 0, ...text(''))
    // It closes when the client has it, and needs no deadline for that.
    const patient = new Gates(testLimits({ flushMs: 60_000 }))
    for (const transport of transports) {
      const guarded = new Guarded(patient, await transport.open(), unlimited)
      for (const piece of [mqtt5, ...Array<Buffer>(20).fill(Buffer.alloc(10_000))]) await guarded.send(piece)
      await waitFor(`both ends, ${transport.name}`, () => guarded.isOver && guarded.server.destroyed)
      expect([...guarded.answer], transport.name).toEqual([0x20, 3, 0, 0x84, 0])
    }
    patient.stop()
  })

  it('M-GATE-7 a wrong packet later closes the connection, and nothing behind it is passed on', async () => {
    for (const transport of transports)
      for (const { what, bytes, code } of later) {
        const guarded = await outcome([...GOOD, ...bytes, ...publish('behind')], transport)
        expect(guarded.faults, `${transport.name}: ${what}`).toMatchObject([{ code, clientId: 'id' }])
        expect(
          guarded.packets.map(({ cmd }) => cmd),
          what,
        ).toEqual(['connect'])
        expect(guarded.answer.equals(CONNACK) || guarded.answer.length === 0, what).toBe(true)
      }
  })
})
