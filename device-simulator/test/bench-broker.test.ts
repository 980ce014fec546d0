import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { generate } from 'mqtt-packet'
import { expect, onTestFinished, test } from 'vitest'
import type { Run } from '../bench/p1-ingest.ts'
import { type ProfileNode, sharesOf } from '../bench/profile.ts'
import { medianRatio, runRounds } from '../bench/rounds.ts'
import { PacketCounter } from '../bench/watcher.ts'

const SUBACK = 9
const PUBLISH = 3

test('packets are counted wherever TCP cuts them', () => {
  const publish = (bytes: number) =>
    generate({
      cmd: 'publish',
      topic: 'devices/a/telemetry',
      payload: Buffer.alloc(bytes, 0x31),
      qos: 0,
      dup: false,
      retain: false,
    })
  const suback = generate({ cmd: 'suback', messageId: 1, granted: [0] })
  // Remaining lengths of one, two and three bytes.
  const stream = Buffer.concat([suback, publish(0), publish(300), publish(20_000), publish(7)])
  for (const step of [1, 2, 3, 5, 1_000, stream.length]) {
    const counter = new PacketCounter()
    for (let at = 0; at < stream.length; at += step) counter.take(stream.subarray(at, at + step))
    expect([counter.counts[SUBACK], counter.counts[PUBLISH]], `cut every ${step} bytes`).toEqual([1, 4])
  }
})

test('every second round runs the other way round, and each run stays with its side', async () => {
  const order: string[] = []
  const side = (name: string, rate: number) => ({
    name,
    run: async () => {
      order.push(name)
      return { messagesPerSecond: rate * order.length } as Run
    },
  })
  const sides = [side('a', 10), side('b', 1)]
  const rounds = await runRounds(sides, { what: 'test', rounds: 2, log: () => {} })
  expect(order).toEqual(['a', 'b', 'b', 'a'])
  expect(rounds.map((runs) => runs.map(({ messagesPerSecond }) => messagesPerSecond))).toEqual([
    [10, 2],
    [40, 3],
  ])
  expect(medianRatio(rounds, 0, 1)).toBeCloseTo((10 / 2 + 40 / 3) / 2)
})

test('what Node does for a function counts as that function, and idle time as nothing', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'telltale-profile-'))
  onTestFinished(() => rm(folder, { recursive: true, force: true }))
  const map = join(folder, 'main.js.map')
  // Line 0 of the bundle is the gate, line 1 is presence.
  const sources = ['../src/gate/gate.ts', '../src/presence.ts']
  await writeFile(map, JSON.stringify({ version: 3, sources, names: [], mappings: 'AAAA;ACAA' }))
  const node = (
    id: number,
    name: string,
    place: [url: string, line: number],
    hits: number,
    children = [0],
  ) => {
    const [url, lineNumber] = place
    const callFrame = { functionName: name, url, lineNumber, columnNumber: 0 }
    return { id, callFrame, hitCount: hits, children: children.filter((child) => child > 0) }
  }
  const bundle = 'file:///repository/broker/dist/main.js'
  const nodes: ProfileNode[] = [
    node(1, '(root)', ['', 0], 0, [2, 3, 4, 8]),
    node(2, '(idle)', ['', 0], 1_000),
    node(3, '(garbage collector)', ['', 0], 10),
    node(4, 'onStreamRead', ['node:internal/stream_base_commons', 3], 20, [5, 7]),
    node(5, 'check', [bundle, 0], 30, [6]),
    node(6, 'toString', ['', 0], 10),
    node(7, 'seen', [bundle, 1], 20),
    node(8, 'emit', ['file:///repository/node_modules/.pnpm/aedes@1/node_modules/aedes/aedes.js', 9], 10),
  ]
  const { shares, files } = await sharesOf({ nodes }, map)
  const seen = Object.fromEntries(Object.entries(shares).filter(([, share]) => share > 0))
  expect(seen).toEqual({
    gate: 0.4,
    presence: 0.2,
    'MQTT library': 0.1,
    'Node.js: sockets and streams': 0.2,
    'garbage collection': 0.1,
  })
  expect(files['broker/src/gate/gate.ts']).toBe(0.4)
  expect(files['node_modules/aedes/aedes.js']).toBe(0.1)
})
