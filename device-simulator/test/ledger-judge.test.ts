import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { SpoolState } from '@telltale/broker/contract'
import type { Site } from '@telltale/infra/testing/product'
import { expect, it } from 'vitest'
import { judge } from './ledger/judge.ts'
import { Lives } from './ledger/lives.ts'
import { PROGRAMS } from './ledger/programs.ts'
import type { Findings } from './ledger/run.ts'
import { Said } from './ledger/said.ts'
import { allFaults, stretchFrom } from './ledger/schedule.ts'
import { crashesIn, untilReady } from './ledger/settle.ts'

const MIB = 1024 * 1024
const HOUR_S = 3_600

interface Run {
  seconds?: number
  /** Of the broker; its process is another one from there on. */
  restartEveryS?: (atS: number) => number
  leakBytes?: number
  leakDescriptors?: number
}

/** A look a second: the broker takes 150 MiB at its start, and more and less within a minute. */
function livesOf({ seconds = HOUR_S, restartEveryS, leakBytes = 0, leakDescriptors = 0 }: Run): Lives {
  const lives = new Lives()
  let [pid, bornS] = [1, 0]
  for (let atS = 0; atS < seconds; atS++) {
    if (restartEveryS && atS - bornS >= restartEveryS(atS)) [pid, bornS] = [pid + 1, atS]
    const ageS = atS - bornS
    const rssBytes = (150 + (atS % 60)) * MIB + leakBytes * ageS
    const descriptors = 230 + leakDescriptors * ageS
    const common = { atMs: atS * 1_000, peakBytes: rssBytes, rssBytes }
    lives.take({
      program: 'broker',
      pid,
      ...common,
      descriptors,
      connections: atS % 5 === 0 ? 12 : undefined,
    })
    lives.take({
      program: 'api',
      pid: 0,
      ...common,
      rssBytes: 90 * MIB,
      descriptors: 40,
      connections: undefined,
    })
  }
  return lives
}

const recovered = { firstMs: 100, mostMs: 1_000, allMs: 3_000, pauseMs: 0 }
const fault = {
  name: 'a fault',
  atMs: 0,
  tookMs: 0,
  recovery: recovered,
  directMs: 900,
  readyMs: 300,
  lost: 0,
  failure: undefined,
}

/** Of a run in which all is well but what is given. */
function brokenOf(part: Partial<Findings>): string[] {
  const findings = {
    ...{
      loadMs: HOUR_S * 1_000,
      lives: livesOf({}),
      happened: [fault],
      stops: [],
      unexpected: [],
      astray: [],
    },
    comparison: { missing: 0, twice: 0, neverSent: 0, wronglyRejected: 0 },
    ...{ outOfOrder: 0, nobodyAsked: 0, unacknowledged: 0, uncompleted: 0 },
    ...part,
  } as unknown as Findings
  return judge(findings)
    .filter(({ holds }) => !holds)
    .map(({ what, found }) => `${what}: ${found}`)
}

it('R-LEDGER-11: what grows within one life of a process is seen, also where restarts hide it until its last half', () => {
  expect(brokenOf({})).toEqual([])
  const restartEveryS = (atS: number) => (atS < 0.5 * HOUR_S ? 180 : HOUR_S)
  expect(brokenOf({ lives: livesOf({ restartEveryS }) })).toEqual([])
  const leaking = livesOf({ restartEveryS, leakBytes: MIB / 10, leakDescriptors: 0.05 })
  const [memory, descriptors, ...others] = brokenOf({ lives: leaking })
  expect(memory).toMatch(
    /^growth of the broker within one life: memory .*: \d+ MiB, then \d+ MiB, \d+ minutes later$/,
  )
  expect(descriptors).toMatch(/^growth of the broker within one life: file descriptors/)
  expect(others).toEqual([])
  // What would meet its limit within three hours, and what is no more than an hour's room.
  const slowly = brokenOf({ lives: livesOf({ restartEveryS, leakBytes: (1.75 * MIB) / 60 }) })
  expect(slowly).toHaveLength(1)
  expect(slowly[0]).toMatch(
    /^growth of the broker within one life: memory \(\d+ MiB; less than \d+ MiB an hour is/,
  )
  expect(brokenOf({ lives: livesOf({ restartEveryS, leakBytes: (0.5 * MIB) / 60 }) })).toEqual([])
  // Nothing can be said, which is not the same as nothing was found.
  const short = livesOf({ restartEveryS: () => 180 })
  expect(brokenOf({ lives: short })[0]).toMatch(/no life long enough$/)
  expect(brokenOf({ lives: short, loadMs: 60_000 })).toEqual([])
  expect(brokenOf({ lives: new Lives(), loadMs: 60_000 })).toEqual(
    PROGRAMS.map((program) => `memory of the ${program}, largest (512 MB): never seen`),
  )
})

it('R-LEDGER-11: a run of two days is judged as one of a minute', () => {
  expect(brokenOf({ lives: livesOf({ seconds: 48 * HOUR_S }), happened: Array(50_000).fill(fault) })).toEqual(
    [],
  )
})

it('R-LEDGER-12: one lucky device is no recovery, nor is an acknowledgement while the database is not used', () => {
  const of = (part: object) => brokenOf({ happened: [fault, { ...fault, ...part }] })
  expect(of({ recovery: { ...recovered, mostMs: undefined } })).toEqual([
    'slowest after a fault until nine of ten devices are acknowledged again (10 s): never',
  ])
  expect(of({ recovery: { ...recovered, mostMs: 10_100 } })).toHaveLength(1)
  expect(of({ recovery: { ...recovered, allMs: undefined } })).toEqual([
    'slowest after a fault until every device is acknowledged again (30 s): never',
  ])
  expect(of({ directMs: 10_100 })).toEqual([
    'slowest after a fault until messages go straight to the database again (10 s): 10.1 s',
  ])
  expect(of({ readyMs: undefined })).toEqual([
    'slowest after a fault until the API is ready again (10 s): never',
  ])
  expect(brokenOf({ astray: ['70.0 s: taking, 5 messages wait'] })).toHaveLength(1)
  expect(brokenOf({ uncompleted: 1 })).toEqual(['exchanges of QoS 2 that never ended: 1'])
})

it('R-LEDGER-11: the last half of a long run leaves the programs alive', () => {
  expect(stretchFrom(HOUR_S * 1_000)).toBe(0.5 * HOUR_S * 1_000)
  expect(stretchFrom(20 * 60_000)).toBe(Number.POSITIVE_INFINITY)
  const deadly = allFaults.filter(({ name }) => /(kill -9|SIGTERM) of .*(broker|API|product)/.test(name))
  expect(allFaults.filter(({ endsProgram }) => endsProgram)).toEqual(deadly)
})

it('R-LEDGER-12: a word from before the broker lost its patience is undone by the next; the next fault hides nothing', async () => {
  let nowMs = 0
  const said = new Said({ site: {} as Site, nowMs: () => nowMs, graceMs: 10_000 })
  const hear = (atMs: number, state: SpoolState['state'], messages = 0) => {
    nowMs = atMs
    const others = {
      bytes: 0,
      bytesMax: 1,
      words: 0,
      oldestAt: null,
      spooledTotal: 0,
      replayedTotal: 0,
      damagedBytes: 0,
    }
    said.note({ state, messages, ...others })
  }
  const directMs = () => said.untilDirect(0, AbortSignal.abort())
  said.ended()
  hear(300, 'empty')
  expect(await directMs()).toBe(300)
  hear(2_000, 'taking', 5)
  expect(await directMs()).toBeUndefined()
  hear(9_000, 'replaying', 5)
  expect(await directMs()).toBe(9_000)
  // Long after a fault it is an offence of its own, and no word about its recovery.
  hear(11_000, 'taking', 6)
  expect(await directMs()).toBe(9_000)
  hear(12_000, 'empty')
  said.begin()
  expect(said.astray).toEqual(['11.0 s: taking, 6 messages wait'])
  hear(13_000, 'full', 9)
  said.ended()
  hear(14_000, 'taking', 7)
  said.begin()
  expect(said.astray.slice(1)).toEqual(['14.0 s: taking, 7 messages wait, and the next fault begins'])
})

it('R-LEDGER-12: the API is ready when it says so, and not while it says the contrary or nothing', async () => {
  const { signal } = new AbortController()
  let asked = 0
  const server = createServer((_request, response) => {
    response.writeHead(++asked < 3 ? 503 : 200).end('{}')
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const dashboard = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  expect(await untilReady({ dashboard }, 10_000, signal)).toBeGreaterThan(0)
  expect(asked).toBe(3)
  server.closeAllConnections()
  await once(server.close(), 'close')
  expect(await untilReady({ dashboard }, 300, signal)).toBeUndefined()
})

it('R-LEDGER-13: a crash is known by what Node prints of it, and nothing a fault of ours explains is one', () => {
  const crashes = [
    "      throw er; // Unhandled 'error' event",
    'Node.js v20.19.0',
    'FATAL ERROR: Reached heap limit Allocation failed - JavaScript heap out of memory',
    'AggregateError: not everything could be released',
    'telltale: unexpected error',
  ]
  const usual = [
    'the broker ended (signal SIGKILL); starting it again',
    'telltale: the database does not answer',
    '{"level":40,"err":{"type":"AggregateError","stack":"AggregateError [ECONNREFUSED]: \\n    at internalConnect"}}',
    '{"level":40,"err":{"type":"AggregateError","stack":"AggregateError: not every job of TimescaleDB could be run"}}',
  ]
  expect(crashesIn([...usual, ...crashes].join('\n'))).toEqual(crashes)
})
