import { waitFor } from '@telltale/infra/testing/wait'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { Guarded, testLimits, unlimited } from '../../test/guarded.ts'
import { connect, filter, GOOD, packet, publish, subscribe, text } from '../../test/raw-packets.ts'
import { startTransports, type Transport } from '../../test/transports.ts'
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

const eightFilters = Array.from({ length: 8 }, () => filter('a')).flat()

describe('the edges', () => {
  it('M-GATE-8 what is allowed at the edges passes', async () => {
    const [tcp] = transports as [Transport]
    const guarded = new Guarded(gates, await tcp.open(), unlimited)
    const edges = [
      publish('1/2/3/4/5/6/7/8/9/10'),
      publish([0xef, 0xbb, 0xbf]),
      publish('\u0001\ufffe'),
      publish('/'),
      [0x3a, 5, 0, 1, 0x61, 0xff, 0xff],
      // A length in more bytes than needed: not forbidden in MQTT 3.1.1.
      [0x30, 0x83, 0x00, 0, 1, 0x61],
      subscribe(...eightFilters),
      subscribe(...filter('#'), ...filter('+'), ...filter('/+/#', 2), ...filter('+/a/+', 1)),
      packet(0xa2, 0, 1, ...Array.from({ length: 9 }, () => text('a')).flat()),
      [0xe0, 0],
    ]
    await guarded.send(connect(0x02, ...text('')), ...edges)
    await waitFor('all of them', () => guarded.packets.length === 1 + edges.length)
    expect(guarded.faults).toEqual([])
    const longId = new Guarded(gates, await tcp.open(), unlimited)
    await longId.send(packet(0x10, ...text('MQIsdp'), 3, 2, 0, 60, ...text('more than 23 characters')))
    await waitFor('a long client id of MQTT 3.1', () => longId.packets.length === 1)
    guarded.client.destroy()
    longId.client.destroy()
  })

  it('M-GATE-9 the largest packet passes, one byte more is refused by its header', async () => {
    const { packetBytesMax } = testLimits()
    const sized = (size: number) => {
      const length = size - 4
      const head = [0x30, (length & 0x7f) | 0x80, ((length >> 7) & 0x7f) | 0x80, length >> 14, 0, 1, 0x61]
      return Buffer.concat([Buffer.from(head), Buffer.alloc(size - head.length)])
    }
    for (const transport of transports) {
      const guarded = new Guarded(gates, await transport.open(), unlimited)
      await guarded.send(GOOD, sized(packetBytesMax))
      await waitFor('the largest', () => guarded.packets.length === 2)
      await guarded.send(sized(packetBytesMax + 1).subarray(0, 4))
      await waitFor('the end', () => guarded.isOver)
      expect(guarded.faults).toMatchObject([{ code: 'oversized' }])
    }
  })
})
