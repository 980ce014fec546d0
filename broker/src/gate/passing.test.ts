import { Duplex } from 'node:stream'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { random } from '@telltale/infra/testing/random'
import { waitFor } from '@telltale/infra/testing/wait'
import { generate, type Packet, parser } from 'mqtt-packet'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { CONNACK, Guarded, testLimits, unlimited } from '../../test/guarded.ts'
import { type Identity, randomConnect, randomInt, randomPackets } from '../../test/packets.ts'
import { startTransports, type Transport } from '../../test/transports.ts'
import { Gates } from './gates.ts'

const seed = Number(process.env.TELLTALE_TEST_SEED ?? Date.now() % 1_000_000)
const identity: Identity = { username: 'kitchen', password: 'secret', root: 'devices/kitchen' }
let transports: Transport[]
let gates: Gates

beforeAll(async () => {
  console.log(`gate: TELLTALE_TEST_SEED=${seed}`)
  gates = new Gates(testLimits())
  transports = await startTransports()
})
afterAll(async () => {
  gates.stop()
  await Promise.all(transports.map(({ close }) => close()))
})

function parse(bytes: Buffer): Packet[] {
  const packets: Packet[] = []
  const parsing = parser()
  parsing.on('packet', (packet) => packets.push(packet))
  parsing.on('error', (error) => {
    throw error
  })
  parsing.parse(bytes)
  return packets
}

/** Every read gave whole packets: a parser is done with each. */
function expectWhole(guarded: Guarded): void {
  for (const chunk of guarded.passed) expect(parser().parse(chunk)).toBe(0)
}

/** A stream whose bytes arrive exactly as they are cut. */
function openPipe(): { client: Duplex; server: Duplex } {
  const server = new Duplex({ read: () => {}, write: (_chunk, _encoding, done) => done() })
  const client = new Duplex({
    read: () => {},
    write: (chunk, _encoding, done) => {
      server.push(chunk)
      done()
    },
  })
  return { client, server }
}

describe('valid packets', () => {
  it('M-GATE-1 come out as they are, wherever the bytes are cut', async () => {
    const next = random(seed)
    const bytes = Buffer.concat([
      randomConnect(next, identity),
      generate({
        cmd: 'publish',
        topic: 'devices/kitchen/telemetry',
        payload: '1',
        qos: 0,
        dup: false,
        retain: false,
      }),
      generate({
        cmd: 'publish',
        topic: 'a',
        payload: Buffer.alloc(200),
        qos: 1,
        messageId: 1,
        dup: true,
        retain: true,
      }),
      generate({ cmd: 'subscribe', messageId: 2, subscriptions: [{ topic: '+/grün/#', qos: 1 }] }),
      generate({ cmd: 'pingreq' }),
      generate({ cmd: 'disconnect' }),
    ])
    const expected = parse(bytes)
    expect(expected).toHaveLength(6)
    for (let cut = 1; cut < bytes.length; cut++) {
      const guarded = new Guarded(gates, openPipe(), unlimited)
      await guarded.send(bytes.subarray(0, cut), bytes.subarray(cut))
      await waitFor(`a cut at ${cut}`, () => guarded.packets.length === expected.length)
      expect(guarded.packets).toEqual(expected)
      expectWhole(guarded)
      guarded.server.destroy()
    }
    const single = new Guarded(gates, openPipe(), unlimited)
    await single.send(...[...bytes].map((byte) => [byte]))
    expect(single.packets).toEqual(expected)
    single.server.destroy()
  })

  it('M-GATE-2 do so over TCP, TLS and WebSocket, in pieces of any size', async () => {
    for (const transport of transports)
      for (let round = 0; round < 20; round++) {
        const next = random(seed + round)
        const bytes = Buffer.concat([
          randomConnect(next, identity),
          ...randomPackets(next, identity, 1 + randomInt(next, 60)),
        ])
        const guarded = new Guarded(gates, await transport.open(), unlimited)
        await guarded.send(...cut(bytes, next))
        const what = `${transport.name}, seed ${seed + round}: ${bytes.length} bytes`
        await waitFor(what, () => guarded.bytes.length === bytes.length || guarded.faults.length > 0)
        expect(guarded.faults, what).toEqual([])
        expect(guarded.bytes.equals(bytes), what).toBe(true)
        expect(guarded.packets, what).toEqual(parse(bytes))
        expectWhole(guarded)
        await waitFor(`CONNACK, ${what}`, () => guarded.answer.equals(CONNACK))
        guarded.client.destroy()
        await waitFor('the other end', () => guarded.server.destroyed)
      }
    expect(gates.heldBytes).toBe(0)
    expect(gates.size).toBe(0)
  })

  it('M-GATE-3 are passed on as the very chunk they came in', async () => {
    const ends = openPipe()
    const guarded = new Guarded(gates, ends, unlimited)
    await guarded.send(randomConnect(random(seed), identity))
    const chunk = Buffer.concat(randomPackets(random(seed), identity, 20))
    ends.server.push(chunk)
    await nextTurn()
    expect(guarded.passed.at(-1)).toBe(chunk)
    ends.server.destroy()
  })

  it('M-GATE-4 wait for CONNACK, however early they come, and are dropped when it refuses', async () => {
    for (const transport of transports) {
      const connect = randomConnect(random(seed), identity)
      const behind = Buffer.concat(randomPackets(random(seed), identity, 300))
      const guarded = new Guarded(gates, await transport.open())
      guarded.client.write(Buffer.concat([connect, behind]))
      await waitFor('CONNECT', () => guarded.packets.length === 1)
      guarded.client.write(behind)
      // Nudged as aedes would be: nothing comes.
      for (let turn = 0; turn < 20; turn++) {
        await nextTurn()
        guarded.read()
      }
      expect(guarded.bytes.equals(connect)).toBe(true)
      guarded.accept(unlimited)
      await waitFor('the rest', () => guarded.bytes.length === connect.length + 2 * behind.length)
      expect(guarded.bytes.subarray(connect.length)).toEqual(Buffer.concat([behind, behind]))

      const refused = new Guarded(gates, await transport.open())
      refused.client.write(Buffer.concat([connect, behind]))
      await waitFor('CONNECT', () => refused.packets.length === 1)
      refused.gate.close()
      refused.read()
      refused.server.destroy()
      await waitFor('the end', () => refused.isOver)
      expect(refused.bytes.equals(connect)).toBe(true)
      guarded.server.destroy()
    }
    await waitFor('all gates', () => gates.size === 0)
    expect(gates.heldBytes).toBe(0)
  })
})

function cut(bytes: Buffer, next: () => number): Buffer[] {
  const pieces: Buffer[] = []
  const sizeMax = 1 + randomInt(next, 3_000)
  for (let at = 0; at < bytes.length; ) {
    const size = 1 + randomInt(next, sizeMax)
    pieces.push(bytes.subarray(at, at + size))
    at += size
  }
  return pieces
}
