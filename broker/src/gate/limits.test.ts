import { setImmediate as nextTurn } from 'node:timers/promises'
import { waitFor } from '@telltale/infra/testing/wait'
import { generate } from 'mqtt-packet'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { Guarded, testLimits, unlimited } from '../../test/guarded.ts'
import { startTransports, type Transport } from '../../test/transports.ts'
import type { Allowance, GateLimits } from './gate.ts'
import { Gates } from './gates.ts'

let transports: Transport[]
const made: Gates[] = []

beforeAll(async () => {
  transports = await startTransports()
})
afterAll(async () => {
  for (const gates of made) gates.stop()
  await Promise.all(transports.map(({ close }) => close()))
})

function makeGates(changes: Partial<GateLimits>): Gates {
  const gates = new Gates(testLimits(changes))
  made.push(gates)
  return gates
}

const tcp = () => (transports[0] as Transport).open()
const CONNECT = (keepalive: number) =>
  generate({ cmd: 'connect', clientId: 'id', clean: true, keepalive, username: 'kitchen' })
const PING = Buffer.from([0xc0, 0])
/** The first bytes of a message of 60,000. */
const BEGUN = Buffer.from([0x30, 0xe0, 0xd4, 0x03, 0, 1, 0x61])
const message = (payload: Buffer | string) =>
  generate({ cmd: 'publish', topic: 'a', payload, qos: 0, dup: false, retain: false })

// Tests run at once: each waits for deadlines of its own.
describe.concurrent('deadlines', () => {
  it('M-GATE-10 a connection without a whole CONNECT is closed in time, whatever trickles in', async () => {
    const gates = makeGates({ connectTimeoutMs: 600 })
    const endInTime = async (transport: Transport) => {
      const silent = new Guarded(gates, await transport.open(), unlimited)
      const slow = new Guarded(gates, await transport.open(), unlimited)
      const startedMs = performance.now()
      const bytes = CONNECT(60)
      for (let i = 0; !slow.isOver; i++) {
        if (i < bytes.length - 2) slow.client.write(bytes.subarray(i, i + 1))
        const writtenMs = performance.now()
        await waitFor('a little', () => performance.now() - writtenMs > 50 || slow.isOver)
      }
      await waitFor('both ends', () => silent.isOver)
      expect(performance.now() - startedMs, transport.name).toBeGreaterThan(590)
      expect([...silent.faults, ...slow.faults].map(({ code }) => code)).toEqual(['no_connect', 'no_connect'])
      expect(slow.passed).toEqual([])
    }
    await Promise.all(transports.map(endInTime))
  })

  it('M-GATE-11 a packet begun must be finished in time, however much comes meanwhile', async () => {
    const gates = makeGates({ partialTimeoutMs: 600 })
    const guarded = new Guarded(gates, await tcp(), unlimited)
    await guarded.send(CONNECT(60), BEGUN)
    const startedMs = performance.now()
    await waitFor('the end', async () => {
      if (!guarded.isOver) await guarded.send([0])
      return guarded.isOver
    })
    expect(performance.now() - startedMs).toBeGreaterThan(590)
    expect(guarded.faults).toMatchObject([{ code: 'stalled', username: 'kitchen' }])
    expect(gates.heldBytes).toBe(0)
  })

  it('M-GATE-12 silence for 1.5 times the keep-alive closes; none or a longer one counts as the most there is', async () => {
    const gates = makeGates({ keepaliveMaxS: 1 })
    const silent: Promise<void>[] = []
    const staySilent = async (guarded: Guarded, keepalive: number) => {
      await guarded.send(CONNECT(keepalive))
      const startedMs = performance.now()
      await waitFor(`the end of ${keepalive}`, () => guarded.isOver)
      expect(guarded.gate.keepaliveS).toBe(1)
      expect(performance.now() - startedMs).toBeGreaterThan(1_450)
      expect(guarded.faults).toMatchObject([{ code: 'keepalive' }])
    }
    for (const keepalive of [0, 1, 60])
      silent.push(staySilent(new Guarded(gates, await tcp(), unlimited), keepalive))
    const pinging = new Guarded(gates, await tcp(), unlimited)
    await pinging.send(CONNECT(1))
    for (let pings = 0; pings < 3; pings++) {
      await pinging.send(PING)
      await waitFor('the ping', () => pinging.packets.length === 2 + pings)
      const pingedMs = performance.now()
      await waitFor('a second', () => performance.now() - pingedMs > 1_000)
    }
    await Promise.all(silent)
    expect(pinging.faults).toEqual([])
    pinging.client.destroy()
  })

  it('M-GATE-13 bytes that we do not read are not silence', async () => {
    const gates = makeGates({ keepaliveMaxS: 0.5, partialTimeoutMs: 400 })
    const unread = new Guarded(gates, await tcp(), unlimited)
    const behind = new Guarded(gates, await tcp(), unlimited)
    await unread.send(CONNECT(1))
    await behind.send(CONNECT(1))
    await waitFor('both', () => unread.packets.length + behind.packets.length === 2)
    unread.isReading = false
    behind.isBehind = true
    await unread.send(PING)
    await behind.send(BEGUN)
    const startedMs = performance.now()
    await waitFor('three times the limit', () => performance.now() - startedMs > 3_000)
    expect([...unread.faults, ...behind.faults]).toEqual([])
    unread.isReading = true
    unread.read()
    expect(unread.packets.at(-1)?.cmd).toBe('pingreq')
    behind.isBehind = false
    const answeredMs = performance.now()
    await waitFor('its end', () => behind.isOver)
    expect(performance.now() - answeredMs).toBeGreaterThan(390)
    await waitFor('silence that counts', () => unread.isOver)
    expect(unread.faults).toMatchObject([{ code: 'keepalive' }])
    expect(behind.faults).toMatchObject([{ code: 'stalled' }])
  })
})

describe.concurrent('held bytes', () => {
  it('M-GATE-15 of all connections together have a bound; who asks for more is closed, the others go on', async () => {
    const gates = makeGates({ heldBytesMax: 20_000 })
    const held: Guarded[] = []
    for (let i = 0; i < 3; i++) {
      const guarded = new Guarded(gates, await tcp(), unlimited)
      held.push(guarded)
      await guarded.send(CONNECT(60), Buffer.concat([BEGUN, Buffer.alloc(5_000)]))
      await waitFor('its bytes', () => gates.heldBytes >= 5_000 * (i + 1))
      expect(gates.heldBytes).toBeLessThanOrEqual(5_007 * (i + 1))
    }
    const last = new Guarded(gates, await tcp(), unlimited)
    await last.send(CONNECT(60), Buffer.concat([BEGUN, Buffer.alloc(20_000)]))
    await waitFor('the end', () => last.isOver)
    expect(last.faults).toMatchObject([{ code: 'overloaded' }])
    expect(gates.heldBytes).toBeLessThanOrEqual(20_000)
    for (const guarded of held) expect(guarded.faults).toEqual([])
    held[0]?.client.destroy()
    await waitFor('its bytes back', () => gates.heldBytes === 2 * 5_007)
    for (const guarded of held) guarded.client.destroy()
    await waitFor('all of them', () => gates.heldBytes === 0)
  })

  it('M-GATE-16 a declared length costs nothing, a byte at a time no more than twice its bytes', async () => {
    const gates = makeGates({})
    const guarded = new Guarded(gates, await tcp(), unlimited)
    await guarded.send(CONNECT(60), BEGUN)
    await waitFor('the beginning', () => gates.heldBytes > 0)
    expect(gates.heldBytes).toBeLessThanOrEqual(2 * BEGUN.length)
    for (let sent = BEGUN.length + 1; sent < 3_000; sent++) {
      await guarded.send([0])
      expect(gates.heldBytes).toBeLessThanOrEqual(2 * sent)
    }
    guarded.client.destroy()
    await waitFor('nothing held', () => gates.heldBytes === 0)
  })
})

describe.concurrent('rates', () => {
  const allow = (rates: Partial<Allowance>): Allowance => ({ ...unlimited, ...rates })

  it('M-GATE-17 more than the rate is read later, and nothing is lost or closed', async () => {
    const gates = makeGates({ burstSeconds: 1 })
    const allowances = [
      allow({ messagesPerSecond: 100 }),
      allow({ bytesPerSecond: 100 * message('0').length }),
    ]
    const readLater = async (transport: Transport, i: number) => {
      const guarded = new Guarded(gates, await transport.open(), allowances[i])
      await guarded.send(CONNECT(60))
      const startedMs = performance.now()
      const sent = Array.from({ length: 250 }, (_, n) => message(String(n % 10)))
      await guarded.send(Buffer.concat(sent))
      await waitFor('all of them', () => guarded.messages === 250)
      expect(performance.now() - startedMs).toBeGreaterThan(1_300)
      expect(guarded.passed[1]?.length, 'what its burst allows').toBe(100 * message('0').length)
      expect(guarded.bytes.equals(Buffer.concat([CONNECT(60), ...sent])), transport.name).toBe(true)
      expect(guarded.slowed).toMatchObject([{ limit: i === 0 ? 'messages' : 'bytes' }])
      expect(guarded.faults).toEqual([])
      guarded.client.destroy()
    }
    await Promise.all(transports.flatMap((transport) => allowances.map((_, i) => readLater(transport, i))))
  })

  it('M-GATE-18 pings count less than messages, but they count', async () => {
    const gates = makeGates({ burstSeconds: 1 })
    const guarded = new Guarded(gates, await tcp(), allow({ messagesPerSecond: 100 }))
    await guarded.send(CONNECT(60), Buffer.alloc(2 * 500, PING))
    await waitFor('slowing', () => guarded.slowed.length === 1)
    expect(guarded.packets.length).toBeLessThan(500)
    await waitFor('all of them', () => guarded.packets.length === 501)
    guarded.client.destroy()
  })

  it('M-GATE-19 a client far beyond its rate all the time is closed in the end, one that pauses is not', async () => {
    const gates = makeGates({ burstSeconds: 0.1, slowedMaxMs: 1_500 })
    const allowance = allow({ messagesPerSecond: 200 })
    const greedy = new Guarded(gates, await tcp(), allowance)
    const pausing = new Guarded(gates, await tcp(), allowance)
    await greedy.send(CONNECT(60), Buffer.concat(Array.from({ length: 5_000 }, () => message('1'))))
    await pausing.send(CONNECT(60))
    const startedMs = performance.now()
    let sent = 0
    await waitFor('the end', async () => {
      if (pausing.messages === sent) {
        sent += 100
        await pausing.send(Buffer.concat(Array.from({ length: 100 }, () => message('1'))))
      }
      return greedy.isOver && performance.now() - startedMs > 3_000
    })
    expect(greedy.faults).toMatchObject([{ code: 'rate' }])
    expect(greedy.slowed).toHaveLength(1)
    expect(pausing.slowed.length).toBeGreaterThan(0)
    expect(pausing.faults).toEqual([])
    pausing.client.destroy()
  })

  it('M-GATE-20 of many small packets in one chunk each read gives a bounded number', async () => {
    const gates = makeGates({ packetsPerReadMax: 10 })
    const guarded = new Guarded(gates, await tcp(), unlimited)
    await guarded.send(CONNECT(60))
    await waitFor('CONNECT', () => guarded.packets.length === 1)
    guarded.server.push(Buffer.concat(Array.from({ length: 95 }, () => message('1'))))
    await nextTurn()
    expect(guarded.passed.slice(1).map(({ length }) => length / message('1').length)).toEqual([
      ...Array<number>(9).fill(10),
      5,
    ])
    guarded.client.destroy()
  })

  it('M-GATE-21 the platform may subscribe to more filters at once', async () => {
    const guarded = new Guarded(makeGates({}), await tcp(), allow({ filtersPerSubscribeMax: 100 }))
    const subscriptions = Array.from({ length: 100 }, (_, n) => ({ topic: `a/${n}`, qos: 0 as const }))
    await guarded.send(CONNECT(60), generate({ cmd: 'subscribe', messageId: 1, subscriptions }))
    await waitFor('all of them', () => guarded.packets.length === 2)
    guarded.client.destroy()
  })
})

// It holds all others up: not beside them.
it('M-GATE-14 time in which the broker itself stood still is not silence', async () => {
  const gates = makeGates({ keepaliveMaxS: 1 })
  const guarded = new Guarded(gates, await tcp(), unlimited)
  await guarded.send(CONNECT(1), PING)
  await waitFor('the ping', () => guarded.packets.length === 2)
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 2_500)
  // The sweep is due before anything can be read.
  await new Promise((resolve) => setTimeout(resolve, 0))
  expect(guarded.faults).toEqual([])
  await guarded.send(PING)
  await waitFor('the next ping', () => guarded.packets.length === 3)
  guarded.client.destroy()
})
