import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { waitFor } from '@telltale/infra/testing/wait'
import { expect, onTestFinished, test } from 'vitest'
import { loopbackAddress, MarkChecker } from '../bench/crowd.ts'
import { EventParser, openCountedStream, ReadingCounter, type StreamEvent } from '../bench/live-events.ts'
import { readMark } from '../bench/marked-device.ts'
import { spread } from '../bench/p3-live.ts'
import { expectedOf, type FanStep, isSustained, selectionsOf } from '../bench/p4-fanout.ts'
import { stepsOf } from '../bench/p8-commands.ts'
import { costsOf, type ReadersRun, readersPlan } from '../bench/readers.ts'
import { reportFanout, reportReaders } from '../bench/report-fanout.ts'
import { reportCommands, reportLive } from '../bench/report-live.ts'
import { encodeFrame, type Frame, FrameReader } from '../bench/web-socket.ts'

const TRICKY = '{"deviceId":"ü","values":{"text":"\\nevent: reading\\n"}}'
const STREAM = Buffer.from(
  [
    'retry: 3000\n\n',
    'id: a-0\nevent: hello\ndata: {"stream":"a"}\n\n',
    `id: a-1\nevent: reading\ndata: ${TRICKY}\n\n`,
    'id: a-2\nevent: reading\ndata: {"values":{}}\n\n',
    'id: a-2\nevent: ping\ndata: {}\n\n',
    'id: a-3\nevent: reading\ndata: {}\n\n',
  ].join(''),
)

function cuts(bytes: Buffer): Buffer[][] {
  return [1, 2, 3, 7, 15, 16, 17, 40, bytes.length].map((step) =>
    Array.from({ length: Math.ceil(bytes.length / step) }, (_, i) =>
      bytes.subarray(i * step, (i + 1) * step),
    ),
  )
}

test('events are whole at their blank line, wherever TCP cuts them', () => {
  for (const chunks of cuts(STREAM)) {
    const parser = new EventParser()
    const events: StreamEvent[] = []
    for (const chunk of chunks) parser.take(chunk, (event) => events.push(event))
    expect(events.map(({ type }) => type)).toEqual(['hello', 'reading', 'reading', 'ping', 'reading'])
    expect(events[1]?.data).toBe(TRICKY)
  }
  const parser = new EventParser()
  const seen: string[] = []
  parser.take(STREAM.subarray(0, STREAM.length - 1), ({ type }) => seen.push(type))
  expect(seen).toHaveLength(4)
})

test('the cheap count finds as many readings as the parser, cut anywhere', () => {
  for (const chunks of cuts(STREAM)) {
    const counter = new ReadingCounter()
    for (const chunk of chunks) counter.take(chunk)
    expect(counter.count, `cut into ${chunks.length}`).toBe(3)
  }
  for (let at = 0; at <= STREAM.length; at++) {
    const counter = new ReadingCounter()
    counter.take(STREAM.subarray(0, at))
    counter.take(STREAM.subarray(at))
    expect(counter.count, `cut at ${at}`).toBe(3)
  }
})

test('a counted stream begins at hello, and a refused one says with what', async () => {
  const server = createServer((request, response) => {
    response.writeHead(request.headers.authorization === 'Bearer good' ? 200 : 429)
    response.write(STREAM.subarray(0, 20))
    response.write(STREAM.subarray(20))
  })
  onTestFinished(async () => {
    server.closeAllConnections()
    server.close()
    await once(server, 'close')
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const asked = { url: `http://127.0.0.1:${port}`, devices: 'a', localAddress: '127.1.1.1' }
  const stream = await openCountedStream({ ...asked, token: 'good' }, () => {})
  await waitFor('all readings', () => stream.count === 3)
  const refused = openCountedStream({ ...asked, token: 'bad' }, () => {})
  await expect(refused).rejects.toThrow('answered 429')
})

test('a mark is read from its own events only', () => {
  expect(readMark('{"deviceId":"a","time":1,"values":{"n":7,"sentUs":123}}')).toEqual({
    deviceId: 'a',
    n: 7,
    sentUs: 123,
  })
  expect(readMark('{"deviceId":"a","time":1,"values":{"temperature":20}}')).toBeUndefined()
})

test('a gap, a repetition and a step back are seen, device by device', () => {
  const check = (...numbers: number[]) => {
    const checker = new MarkChecker()
    for (const [place, n] of numbers.entries()) {
      checker.take({ deviceId: 'a', n, sentUs: 0 })
      checker.take({ deviceId: 'b', n: 1 + place, sentUs: 0 })
    }
    return checker.outOfOrder
  }
  expect(check(5, 6, 7)).toBe(0)
  expect([check(5, 7), check(5, 5), check(5, 6, 5)]).toEqual([1, 1, 1])
})

test('addresses of this machine, each once', () => {
  expect([0, 249, 250, 3_000].map(loopbackAddress)).toEqual([
    '127.1.1.1',
    '127.1.1.250',
    '127.1.2.1',
    '127.1.13.1',
  ])
})

// RFC 6455 §5.7.
const HELLO = [0x48, 0x65, 0x6c, 0x6c, 0x6f]

test('a frame of the page is masked as the standard shows', () => {
  const mask = Buffer.from([0x37, 0xfa, 0x21, 0x3d])
  const frame = encodeFrame({ opcode: 1, payload: Buffer.from('Hello') }, mask)
  expect(frame.toString('hex')).toBe('818537fa213d7f9f4d5158')
  const long = encodeFrame({ opcode: 1, payload: Buffer.alloc(300) }, mask)
  expect([...long.subarray(0, 4), long.length]).toEqual([0x81, 0x80 | 126, 300 >> 8, 300 & 0xff, 308])
})

test('frames of the server are read with every way to write their length, wherever TCP cuts them', () => {
  const stream = Buffer.concat([
    Buffer.from([0x81, 0x05, ...HELLO, 0x89, 0x00]),
    Buffer.from([0x81, 126, 0x01, 0x00]),
    Buffer.alloc(256, 0x61),
    Buffer.from([0x81, 127, 0, 0, 0, 0, 0, 1, 0, 0]),
    Buffer.alloc(65_536, 0x62),
    Buffer.from([0x88, 0x02, 0x0f, 0xa1]),
  ])
  const heads = stream.subarray(0, 20)
  const bytewise = Array.from(heads, (_, i) => heads.subarray(i, i + 1))
  for (const step of [31, 1_000, stream.length]) {
    const reader = new FrameReader()
    const frames: Frame[] = []
    for (const byte of bytewise) reader.take(byte, (frame) => frames.push(frame))
    for (let at = heads.length; at < stream.length; at += step)
      reader.take(stream.subarray(at, at + step), (frame) => frames.push(frame))
    expect(frames.map(({ opcode, payload }) => [opcode, payload.length])).toEqual([
      [1, 5],
      [9, 0],
      [1, 256],
      [1, 65_536],
      [8, 2],
    ])
    expect(frames[0]?.payload.toString()).toBe('Hello')
  }
  const take = (bytes: number[]) => () => new FrameReader().take(Buffer.from(bytes), () => {})
  expect(take([0x01, 0x05, ...HELLO])).toThrow('not a whole, plain frame')
  expect(take([0x81, 0x85, 0, 0, 0, 0])).toThrow('not a whole, plain frame')
})

const EACH_TWO_OF_THREE = { name: 'test', devices: 3, devicesOfReader: 2 }

test('readers share the devices evenly, and each expects what its own sent', () => {
  expect(selectionsOf(EACH_TWO_OF_THREE, ['a', 'b', 'c'])).toEqual(['a,b', 'b,c', 'c,a'])
  expect(expectedOf(EACH_TWO_OF_THREE, [1, 10, 100], 4)).toEqual([11, 110, 101, 11])
})

function step(change: Partial<FanStep>): FanStep {
  return {
    offeredPerSecond: 100_000,
    deliveredPerSecond: 99_000,
    messagesPerSecond: 100,
    missing: 0,
    latencyP50Ms: 1,
    latencyP99Ms: 2,
    cores: {},
    ...change,
  }
}

test('a rate is sustained when events neither stay behind, nor come late, nor go missing', () => {
  expect(isSustained(step({}))).toBe(true)
  expect(isSustained(step({ deliveredPerSecond: 97_000 }))).toBe(false)
  expect(isSustained(step({ missing: 1 }))).toBe(false)
  expect(isSustained(step({ latencyP99Ms: 1_001 }))).toBe(false)
})

test('a spread has values that were measured', () => {
  const hundred = Array.from({ length: 100 }, (_, i) => 100 - i)
  expect(spread(hundred)).toEqual({ p50Ms: 50, p90Ms: 90, p99Ms: 99, maxMs: 100 })
})

test('a step that some commands skipped is told of the others', () => {
  const steps = stepsOf([
    { 'frame `queued`': 1, 'frame `succeeded`': 5 },
    { 'frame `queued`': 3, 'frame `delivered`': 4, 'frame `succeeded`': 7 },
  ])
  expect(steps['frame `delivered`']).toMatchObject({ count: 1, p50Ms: 4 })
  expect(steps['frame `succeeded`']).toMatchObject({ count: 2, p50Ms: 5, maxMs: 7 })
  expect(steps['frame `sent`']).toBeUndefined()
})

/** A message costs 100 µs and its first event 5; each further event costs `furtherUs`. */
function run(readers: number, furtherUs: number): ReadersRun {
  const of = (events: number) => ({
    messages: 100,
    events,
    apiUs: 100 * 105 + (events - 100) * furtherUs,
    brokerUs: events === 100 ? 40_000 : 50_000,
  })
  return { watched: of(100 * readers), lonely: of(100), latencyP50Ms: 1, latencyP99Ms: 2 }
}

test("what is done once a message is no reader's cost", () => {
  const points = readersPlan(1)
  expect(points).toEqual([
    { readers: 10, others: 0 },
    { readers: 100, others: 0 },
    { readers: 1_000, others: 0 },
    { readers: 10, others: 990 },
  ])
  const rounds = [5, 4, 6].map((us) => [run(10, us), run(100, us), run(1_000, us), run(10, 2 * us)])
  const costs = costsOf(points, rounds)
  expect(costs.map(({ apiUsPerEvent }) => apiUsPerEvent)).toEqual([5, 5, 5, 10])
  const { verdicts } = reportReaders({ costs, violations: [] })
  expect(verdicts.map(({ measured, isMet }) => [measured, isMet])).toEqual([
    ['1.00', true],
    ['2.00', false],
    ['1.25', true],
  ])
})

test('targets are held against the medians of the rounds', () => {
  const of = (ms: number) => ({ p50Ms: ms, p90Ms: ms, p99Ms: 6 * ms, maxMs: 9 * ms })
  const live = (ms: number) => ({
    messages: 1_000,
    event: of(ms),
    puback: of(ms / 2),
    eventToPuback: 2,
    otherEvents: 0,
    beside: undefined,
    cores: {},
  })
  const rounds = [2, 9, 8].map((ms) => [live(1), live(ms), live(ms)])
  const { verdicts } = reportLive({ rounds, violations: [] })
  expect(verdicts.map(({ measured, isMet }) => [measured, isMet])).toEqual([
    ['8.0 ms', true],
    ['48.0 ms', true],
    ['8.0 ms', true],
    ['48.0 ms', true],
  ])
  const commands = (ms: number) => ({
    commands: 2,
    steps: stepsOf([{ 'frame `succeeded`': ms }]),
    beside: undefined,
    cores: {},
  })
  const answered = reportCommands({ rounds: [[commands(9), commands(11)]], violations: [] })
  expect(answered.verdicts.map(({ isMet }) => isMet)).toEqual([true, false])
})

test('what makes a run of readers worthless is said where its numbers are', () => {
  const memory = { rssBytes: 21_000, heapBytes: 1, externalBytes: 1 }
  const shape = EACH_TWO_OF_THREE
  const { verdicts, text } = reportFanout({
    readers: 1_000,
    shapes: [{ shape, rounds: [{ steps: [step({})], sustained: 99_000 }], medianSustained: 99_000 }],
    idle: [{ readers: 1_000, perReader: memory, openSeconds: 1 }],
    violations: ['a stream ended'],
  })
  expect(verdicts.map(({ measured, isMet }) => [measured, isMet])).toEqual([
    ['99,000', false],
    ['21.0 KB', false],
  ])
  expect(text).toContain('**These runs do not count:**\n- a stream ended')
})
