import { once } from 'node:events'
import { statSync } from 'node:fs'
import { appendFile, mkdtemp, rm } from 'node:fs/promises'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Releases } from '@telltale/infra/service'
import { waitFor } from '@telltale/infra/testing/wait'
import { generate, type IPublishPacket, parser } from 'mqtt-packet'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { Book, Marks } from './ledger/book.ts'
import { Load } from './ledger/load.ts'
import { parseOptions } from './ledger/options.ts'
import { allFaults, drawSteps } from './ledger/schedule.ts'

const RECORD_BYTES = 12
const DEVICES = 2
const releases = new Releases()
let folder = ''

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'telltale-ledger-test-'))
  releases.add('folder', () => rm(folder, { recursive: true, force: true }))
})
afterEach(() => releases.run())

/** The far end of the devices: answers as a test tells it. */
async function listen(
  onPublish: (packet: IPublishPacket, socket: Socket, clientId: string) => void,
  { isCompleting = true } = {},
) {
  const sockets = new Set<Socket>()
  const server = createServer((socket) => {
    sockets.add(socket)
    socket.on('error', () => {})
    const reader = parser()
    let clientId = ''
    reader.on('packet', (packet) => {
      if (packet.cmd === 'connect') {
        clientId = packet.clientId
        socket.write(generate({ cmd: 'connack', returnCode: 0, sessionPresent: false }))
      }
      if (packet.cmd === 'publish') onPublish(packet, socket, clientId)
      if (packet.cmd === 'pubrel' && isCompleting)
        socket.write(generate({ cmd: 'pubcomp', messageId: packet.messageId ?? 0 }))
    })
    socket.on('data', (chunk) => reader.parse(chunk))
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  releases.add('server', async () => {
    for (const socket of sockets) socket.destroy()
    await once(server.close(), 'close')
  })
  return (server.address() as AddressInfo).port
}

const answer = ({ qos, messageId = 0 }: IPublishPacket) =>
  qos === 0 ? Buffer.alloc(0) : generate({ cmd: qos === 1 ? 'puback' : 'pubrec', messageId })

async function startLoad(port: number) {
  const sent = await Book.create(join(folder, 'sent'))
  const acked = await Book.create(join(folder, 'acked'))
  const script = { seed: 3, baseMs: Date.now(), strideMs: 10, unreadableEvery: 64 }
  const load = new Load({ script, secrets: Array(DEVICES).fill('secret'), port, rate: 200, sent, acked })
  releases.add('load', async () => {
    await load.stop()
    await Promise.all([sent.close(), acked.close()])
  })
  load.start()
  return load
}

it('R-LEDGER-7: a message is in the book, on disk, before it is on a socket; an acknowledgement is when it is counted', async () => {
  const early: string[] = []
  let received = 0
  const port = await listen((packet, socket) => {
    received++
    if (statSync(join(folder, 'sent')).size < RECORD_BYTES * received) early.push(String(packet.payload))
    socket.write(answer(packet))
  })
  const load = await startLoad(port)
  await waitFor('three hundred messages', () => received >= 300)
  await load.finish(5_000, () => false)
  expect(early).toEqual([])
  expect(load.troubles).toEqual({ lost: 0, outOfOrder: 0, nobodyAsked: 0 })
  // Whatever stood behind the last whole record when the machine stopped.
  await appendFile(join(folder, 'sent'), Buffer.from([1, 2, 3]))
  const [sent, acked] = [await Marks.of(join(folder, 'sent')), await Marks.of(join(folder, 'acked'))]
  expect(sent.count).toBe(received)
  expect(acked.count).toBeGreaterThan(0.8 * received)
  for (let n = 0; n < 8; n++) if (acked.has(0, n)) expect(sent.has(0, n)).toBe(true)
})

it('R-LEDGER-8: what was not answered is sent again in its order, with its packet ids', async () => {
  /** Of each device: what came on its first connection, on its second one, … */
  const seen: Record<string, Map<Socket, IPublishPacket[]>> = { 'ledger-1': new Map(), 'ledger-2': new Map() }
  const port = await listen((packet, socket, clientId) => {
    if (packet.qos === 0) return
    const packets = seen[clientId]?.get(socket) ?? []
    seen[clientId]?.set(socket, [...packets, packet])
    if (packets.length === 8) socket.destroy()
  })
  await startLoad(port)
  const livesOf = (id: string) => [...(seen[id]?.values() ?? [])].map((packets) => packets.slice(0, 8))
  const hasTwo = (id: string) => livesOf(id)[1]?.length === 8
  await waitFor('two lives of each', () => hasTwo('ledger-1') && hasTwo('ledger-2'))
  for (const [id, dup] of [
    ['ledger-1', true],
    // In a new session nothing is a duplicate.
    ['ledger-2', false],
  ] as const) {
    const [first = [], second = []] = livesOf(id)
    const said = ({ messageId, topic, payload, qos }: IPublishPacket) => [
      messageId,
      topic,
      String(payload),
      qos,
    ]
    expect(second.map(said)).toEqual(first.map(said))
    expect(first.every((packet) => !packet.dup)).toBe(true)
    expect(second.every((packet) => packet.dup === dup)).toBe(true)
  }
})

it('R-LEDGER-8: an answer before its turn, and one to nothing, are seen', async () => {
  const held: IPublishPacket[] = []
  let count = 0
  const port = await listen((packet, socket, clientId) => {
    if (packet.qos !== 1 || clientId !== 'ledger-1') return socket.write(answer(packet))
    held.push(packet)
    if (held.length < 2) return
    // The younger one first, and something nobody sent once.
    socket.write(Buffer.concat(held.splice(0).reverse().map(answer)))
    if (count++ === 0) socket.write(generate({ cmd: 'puback', messageId: 60_000 }))
  })
  const load = await startLoad(port)
  await waitFor('both troubles', () => load.troubles.outOfOrder > 2 && load.troubles.nobodyAsked === 1)
  expect(load.offences[0]).toContain('out of order: device 0')
})

it('R-LEDGER-8: exchanges of QoS 2 that never end are counted, for they end up in the way of everything else', async () => {
  const port = await listen((packet, socket) => socket.write(answer(packet)), { isCompleting: false })
  const load = await startLoad(port)
  await waitFor('a full window', () => load.uncompleted > 20)
  await load.finish(200, () => false)
  expect(load.unacknowledged).toBe(0)
  expect(load.uncompleted).toBeGreaterThan(20)
})

it('R-LEDGER-9: a seed draws the same faults in the same order, each as often as the others', () => {
  const draw = (seed: number, count: number) => {
    const steps = drawSteps(allFaults, seed)
    return Array.from({ length: count }, () => steps.next().value)
  }
  expect(draw(5, 200)).toEqual(draw(5, 200))
  expect(draw(5, 20)).not.toEqual(draw(6, 20))
  const times = new Map(allFaults.map(({ name }) => [name, 0]))
  for (const step of draw(5, 500))
    for (const { name } of step?.faults ?? []) times.set(name, (times.get(name) ?? 0) + 1)
  const counts = [...times.values()]
  expect(Math.max(...counts) - Math.min(...counts)).toBeLessThanOrEqual(2)
})

it('R-LEDGER-9: every wrong argument is named at once', () => {
  const argv = ['--minutes', 'x', '--seed', '-1', '--faults', 'all,none', '--devices', '2', '--rate', '501']
  const parsed = parseOptions(argv, {})
  expect(parsed.kind).toBe('wrong')
  const named = ['--minutes x', '--seed -1', '--faults all', '--faults none', '--rate 501']
  if (parsed.kind === 'wrong') for (const name of named) expect(parsed.errors.join('\n')).toContain(name)
  const timed = parseOptions(['--faults', 'time'], {})
  expect(timed).toMatchObject({ kind: 'wrong', errors: [expect.stringContaining('--faults time')] })
  expect(parseOptions(['--faults', 'database,redis', '--minutes', '0.5'], {})).toMatchObject({
    options: { faults: ['database', 'redis'], minutes: 0.5 },
  })
})
