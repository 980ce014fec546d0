import { once } from 'node:events'
import { connect } from 'node:net'
import type { Duplex } from 'node:stream'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { random } from '@telltale/infra/testing/random'
import { createWebSocketStream, WebSocket } from 'ws'
import { fuzzSession } from './mutations.ts'
import { type Identity, randomInt } from './packets.ts'

export interface FuzzTarget {
  port: number
  wsPort: number
  identities: Identity[]
  /** Whether it is still there; the run ends when it is not. */
  isAlive: () => boolean
}

export interface FuzzReport {
  sessions: number
  /** By the way they came in. `raw`: the same bytes at the WebSocket port, without its handshake. */
  ways: Record<Way, number>
  /** Sessions that got a CONNACK 0. */
  accepted: number
  /** Sessions that the broker ended. */
  ended: number
  bytes: number
  /** The seeds of the last ones, should one of them have killed it. */
  lastSeeds: number[]
}

type Way = 'tcp' | 'ws' | 'raw'

const CLIENTS = 8
const REMEMBERED = 2 * CLIENTS
/** How long a client that has sent everything stays to see what happens. */
const STAY_MS_MAX = 60
const CONNACK_ACCEPTED = Buffer.from([0x20, 2, 0, 0])
const CONNACK_RESUMED = Buffer.from([0x20, 2, 1, 0])

/** Mutated sessions, several at a time, until the time is over. Session n is decided by `seed + n` alone. */
export async function fuzz(target: FuzzTarget, { seed, seconds }: { seed: number; seconds: number }) {
  const report: FuzzReport = {
    sessions: 0,
    ways: { tcp: 0, ws: 0, raw: 0 },
    accepted: 0,
    ended: 0,
    bytes: 0,
    lastSeeds: [],
  }
  const endMs = performance.now() + 1_000 * seconds
  const client = async () => {
    while (performance.now() < endMs && target.isAlive()) {
      const sessionSeed = seed + report.sessions++
      report.lastSeeds = [...report.lastSeeds.slice(1 - REMEMBERED), sessionSeed]
      await runSession(target, sessionSeed, report)
    }
  }
  await Promise.all(Array.from({ length: CLIENTS }, client))
  return report
}

async function runSession(target: FuzzTarget, seed: number, report: FuzzReport): Promise<void> {
  const next = random(seed)
  const { pieces } = fuzzSession(next, target.identities)
  const way = next() < 0.55 ? 'tcp' : next() < 0.9 ? 'ws' : 'raw'
  const stayMs = randomInt(next, STAY_MS_MAX)
  const [isReader, saysGoodbye] = [next() < 0.9, next() < 0.5]
  const stream = await dial(target, way)
  if (!stream) return
  report.ways[way]++
  const closed = new Promise<'closed'>((resolve) => {
    for (const event of ['close', 'end', 'error']) stream.on(event, () => resolve('closed'))
  })
  if (isReader)
    stream.once('data', (bytes: Buffer) => {
      const start = bytes.subarray(0, 4)
      if (start.equals(CONNACK_ACCEPTED) || start.equals(CONNACK_RESUMED)) report.accepted++
      stream.resume()
    })
  for (const piece of pieces) {
    if (!stream.writable) break
    stream.write(piece)
    report.bytes += piece.length
    await nextTurn()
  }
  if ((await Promise.race([closed, after(stayMs)])) === 'closed') report.ended++
  else if (saysGoodbye) await Promise.race([closed, ended(stream), after(STAY_MS_MAX)])
  stream.destroy()
}

async function dial({ port, wsPort }: FuzzTarget, way: Way): Promise<Duplex | undefined> {
  const stream = way === 'ws' ? dialWebSocket(wsPort) : connect(way === 'tcp' ? port : wsPort, '127.0.0.1')
  stream.on('error', () => {})
  if (way === 'ws') return stream
  return once(stream, 'connect').then(
    () => stream,
    () => undefined,
  )
}

/** Writes wait until it is open. */
function dialWebSocket(port: number): Duplex {
  const socket = new WebSocket(`ws://127.0.0.1:${port}/mqtt`, 'mqtt', { perMessageDeflate: false })
  return createWebSocketStream(socket)
}

function ended(stream: Duplex): Promise<void> {
  return new Promise((resolve) => {
    stream.end(resolve)
  })
}

function after(ms: number): Promise<'stayed'> {
  return new Promise((resolve) => {
    setTimeout(() => resolve('stayed'), ms)
  })
}
