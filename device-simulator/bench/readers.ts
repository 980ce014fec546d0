/**
 * Cost per subscriber must be constant in the number of others: what one more event costs the API, and a message the
 * broker, with ten, a hundred and a thousand readers of the device, and with ten among a thousand who watch another.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { Releases } from '@telltale/infra/service'
import { ask } from './asking.ts'
import type { CrowdCheck, CrowdCount, CrowdLatency } from './crowd.ts'
import type { Credential } from './generator.ts'
import { untilStreams } from './idle-readers.ts'
import { type Crowd, gather, type LiveProduct, registerMarked, startLive } from './live-stack.ts'
import { MarkedDevice } from './marked-device.ts'
import { median } from './p1-ingest.ts'
import { sendEvenly } from './pace.ts'
import type { Database } from './servers.ts'

/** Watched by all that are counted. */
const DEVICE = 'swept-1'
/** Watched by one. */
const LONELY = 'swept-2'
/** Watched by the others, and silent. */
const SILENT = 'swept-3'
export const READER_MESSAGES_PER_SECOND = 100
/** Of each device in its turn; so short that what drifts does so under both. */
const TURN_MS = 1_000
/** After it, for what is on its way. */
const REST_MS = 150
/** Pairs of turns before those that count. */
const WARM_UP_TURNS = 2
/** Pairs of turns for each second of the other parts' spans. */
const TURNS_PER_SECOND = 2

export interface ReadersPoint {
  readers: number
  /** Readers of the silent device. */
  others: number
}

const FACTORS = [1, 10, 100]

/** @param scale of the full sizes, for trying out */
export function readersPlan(scale: number): ReadersPoint[] {
  const counts = FACTORS.map((factor) => Math.max(2, Math.ceil(10 * factor * scale)))
  const [fewest = 0] = counts
  const others = Math.max(...counts) - fewest
  return [...counts.map((readers) => ({ readers, others: 0 })), { readers: fewest, others }]
}

/** All turns of one device. */
export interface Turns {
  messages: number
  /** At its readers. */
  events: number
  apiUs: number
  brokerUs: number
}

export interface ReadersRun {
  watched: Turns
  /** Of the device that one reader watches: what a message costs whoever watches, and one event. */
  lonely: Turns
  latencyP50Ms: number
  latencyP99Ms: number
}

export interface ReadersCost extends ReadersPoint {
  eventsPerSecond: number
  /** CPU of the API for one event more. */
  apiUsPerEvent: number
  /** All of its CPU ÷ events. */
  apiUsPerEventInAll: number
  brokerUsPerMessage: number
  /** A message of the device that all watch ÷ one of the device that one watches. */
  brokerRatio: number
  latencyP50Ms: number
  latencyP99Ms: number
}

export interface ReadersResult {
  /** Medians of the rounds. */
  costs: ReadersCost[]
  violations: string[]
}

interface Plan {
  pairs: number
  seconds: number
  scale: number
  releases: Releases
  log(line: string): void
}

export async function runReaders(database: Database, plan: Plan): Promise<ReadersResult> {
  const live = await startLive(database, plan.releases)
  const credentials = await registerMarked(database, [DEVICE, LONELY, SILENT])
  const points = readersPlan(plan.scale)
  // Not measured: with many readers the programs compile sooner what is measured.
  const [warmUp] = points.toSorted((a, b) => b.readers - a.readers)
  if (warmUp) await measure(live, { point: warmUp, credentials, plan: { ...plan, seconds: 1 } })
  const rounds: ReadersRun[][] = []
  const violations: string[] = []
  for (let round = 1; round <= plan.pairs; round++) {
    const runs: ReadersRun[] = []
    const order = [...points.keys()]
    for (const place of round % 2 === 1 ? order : order.reverse()) {
      const point = points[place] as ReadersPoint
      const { run, faults } = await measure(live, { point, credentials, plan })
      runs[place] = run
      violations.push(...faults.map((fault) => `${point.readers} + ${point.others} readers: ${fault}`))
      const us = costOf(run).toFixed(1)
      plan.log(`readers round ${round}, ${point.readers} + ${point.others}: ${us} µs an event`)
    }
    rounds.push(runs)
  }
  return { costs: costsOf(points, rounds), violations }
}

async function measure(
  live: LiveProduct,
  { point, credentials, plan }: { point: ReadersPoint; credentials: readonly Credential[]; plan: Plan },
): Promise<{ run: ReadersRun; faults: string[] }> {
  const own = new Releases()
  plan.releases.add('readers', () => own.run())
  try {
    const { readers, others } = point
    const crowd = await gather(live, { readers, selections: [DEVICE] }, own)
    const one = await gather(live, { readers: 1, selections: [LONELY], firstAddress: readers }, own)
    const faults = [...crowd.violations, ...one.violations]
    if (others > 0) {
      const silent = { readers: others, selections: [SILENT], firstAddress: readers + 1 }
      faults.push(...(await gather(live, silent, own)).violations)
    }
    const [watched, lonely] = await openDevices(live, credentials, own)
    if (!watched || !lonely) throw new Error('no devices')
    await takeTurns(live, { watched, lonely, crowd, one, turns: WARM_UP_TURNS })
    await ask(crowd.process, 'reset')
    const turns = TURNS_PER_SECOND * plan.seconds
    const taken = await takeTurns(live, { watched, lonely, crowd, one, turns })
    const { latencyP50Ms, latencyP99Ms } = await ask<CrowdLatency>(crowd.process, 'latency')
    faults.push(...faultsOf(await ask<CrowdCheck>(crowd.process, 'check')))
    const missing = taken.watched.messages * readers - taken.watched.events
    if (missing !== 0) faults.push(`${missing} events missing`)
    return { run: { ...taken, latencyP50Ms, latencyP99Ms }, faults }
  } finally {
    await own.run()
    await untilStreams(live, 0)
  }
}

async function openDevices(
  live: LiveProduct,
  credentials: readonly Credential[],
  own: Releases,
): Promise<MarkedDevice[]> {
  const devices: MarkedDevice[] = []
  for (const credential of credentials.filter(({ id }) => id !== SILENT)) {
    const device = await MarkedDevice.open(live.broker.port, credential)
    own.add('a device', () => device.leave())
    devices.push(device)
  }
  return devices
}

interface Turning {
  watched: MarkedDevice
  lonely: MarkedDevice
  crowd: Crowd
  one: Crowd
  turns: number
}

async function takeTurns(
  live: LiveProduct,
  { watched, lonely, crowd, one, turns }: Turning,
): Promise<Pick<ReadersRun, 'watched' | 'lonely'>> {
  const all: Turns[] = []
  const single: Turns[] = []
  for (let n = 0; n < turns; n++) {
    all.push(await takeTurn(live, watched, crowd))
    single.push(await takeTurn(live, lonely, one))
  }
  return { watched: sumOf(all), lonely: sumOf(single) }
}

async function takeTurn(live: LiveProduct, device: MarkedDevice, { process }: Crowd): Promise<Turns> {
  const eventsBefore = (await ask<CrowdCount>(process, 'count')).events
  const sentBefore = device.sent
  const from = await cpuSoFar(live)
  const stop = sendEvenly(READER_MESSAGES_PER_SECOND, () => device.send())
  await sleep(TURN_MS)
  stop()
  await sleep(REST_MS)
  const to = await cpuSoFar(live)
  return {
    messages: device.sent - sentBefore,
    events: (await ask<CrowdCount>(process, 'count')).events - eventsBefore,
    apiUs: to.apiUs - from.apiUs,
    brokerUs: to.brokerUs - from.brokerUs,
  }
}

async function cpuSoFar({ api, broker }: LiveProduct): Promise<{ apiUs: number; brokerUs: number }> {
  const used = async (program: LiveProduct['api']['program']) => {
    const { user, system } = await ask<NodeJS.CpuUsage>(program.process, 'cpu')
    return user + system
  }
  return { apiUs: await used(api.program), brokerUs: await used(broker.program) }
}

function sumOf(turns: readonly Turns[]): Turns {
  const total = (of: keyof Turns) => turns.reduce((sum, turn) => sum + turn[of], 0)
  return {
    messages: total('messages'),
    events: total('events'),
    apiUs: total('apiUs'),
    brokerUs: total('brokerUs'),
  }
}

function faultsOf({ outOfOrder, resyncs, closed }: CrowdCheck): string[] {
  return [
    ...(outOfOrder > 0 ? [`${outOfOrder} events out of order, or conflated`] : []),
    ...(resyncs > 0 ? [`${resyncs} resyncs`] : []),
    ...(closed > 0 ? [`${closed} streams ended`] : []),
  ]
}

/** A message to many costs what a message to one costs, and its further events. */
function costOf({ watched, lonely }: ReadersRun): number {
  const toOneUs = (lonely.apiUs / lonely.messages) * watched.messages
  return (watched.apiUs - toOneUs) / (watched.events - watched.messages)
}

export function costsOf(
  points: readonly ReadersPoint[],
  rounds: readonly (readonly ReadersRun[])[],
): ReadersCost[] {
  const perMessage = ({ brokerUs, messages }: Turns) => brokerUs / messages
  return points.map((point, place) => {
    const of = (value: (run: ReadersRun) => number) =>
      median(rounds.map((runs) => value(runs[place] as ReadersRun))) ?? Number.NaN
    return {
      ...point,
      eventsPerSecond: of(({ watched }) => (watched.events / watched.messages) * READER_MESSAGES_PER_SECOND),
      apiUsPerEvent: of(costOf),
      apiUsPerEventInAll: of(({ watched }) => watched.apiUs / watched.events),
      brokerUsPerMessage: of(({ watched }) => perMessage(watched)),
      brokerRatio: of(({ watched, lonely }) => perMessage(watched) / perMessage(lonely)),
      latencyP50Ms: of(({ latencyP50Ms }) => latencyP50Ms),
      latencyP99Ms: of(({ latencyP99Ms }) => latencyP99Ms),
    }
  })
}
