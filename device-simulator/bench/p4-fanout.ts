/**
 * P4: one API process to a thousand readers: the offered rate is raised until events stay behind or go missing (slow
 * readers are conflated), and what an idle reader costs in memory.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { Releases } from '@telltale/infra/service'
import { waitFor } from '@telltale/infra/testing/wait'
import { ask } from './asking.ts'
import type { CrowdCheck, CrowdCount, CrowdLatency } from './crowd.ts'
import type { Credential } from './generator.ts'
import { type IdleReaders, untilStreams, weighReaders } from './idle-readers.ts'
import { type Crowd, gather, type LiveProduct, registerMarked, startLive } from './live-stack.ts'
import { MarkedDevice, monotonicUs } from './marked-device.ts'
import { coresBetween, median } from './p1-ingest.ts'
import { sendEvenly } from './pace.ts'
import type { Database } from './servers.ts'
import { cpuOf } from './stack.ts'

const READERS = 1_000
/** Events a second at all readers together. 210: of 200 offered, a few are always still on their way. */
const LADDER = [50, 100, 150, 210, 250, 300, 400, 500, 650, 800].map((thousand) => thousand * 1_000)
const WARM_UP_MS = 1_000
/** Of what was offered in the measured span; the rest may be on its way. */
const DELIVERED_SHARE_MIN = 0.98
/** Later than this an event is not live: queues only hide what is too much. */
const LATE_MS = 1_000
const ARRIVAL_DEADLINE_MS = 20_000
/** What is conflated never comes as it was sent: after so long without any more, nothing will. */
const SILENCE_MS = 1_500
const PREFIX = 'fan-'

export interface FanShape {
  name: string
  devices: number
  /** Of each reader, next to each other. */
  devicesOfReader: number
}

export const FAN_SHAPES: readonly FanShape[] = [
  { name: 'all watch the same device', devices: 1, devicesOfReader: 1 },
  { name: 'each watches ten devices of a hundred', devices: 100, devicesOfReader: 10 },
]

export interface FanStep {
  offeredPerSecond: number
  deliveredPerSecond: number
  messagesPerSecond: number
  /** Events that a reader should have got and did not; conflated ones are among them. */
  missing: number
  latencyP50Ms: number
  latencyP99Ms: number
  cores: Record<string, number>
}

export interface FanRound {
  /** Until the first rate that could not be sustained, tried twice. */
  steps: FanStep[]
  /** Delivered events a second of the highest step that was; 0 when none was. */
  sustained: number
}

export interface FanResult {
  readers: number
  shapes: { shape: FanShape; rounds: FanRound[]; medianSustained: number }[]
  idle: IdleReaders[]
  violations: string[]
}

interface Plan {
  pairs: number
  seconds: number
  /** Of the full number of readers. */
  scale: number
  releases: Releases
  log(line: string): void
}

export async function runP4(database: Database, plan: Plan): Promise<FanResult> {
  const live = await startLive(database, plan.releases)
  const readers = Math.ceil(READERS * plan.scale)
  const devicesMax = Math.max(...FAN_SHAPES.map(({ devices }) => devices))
  const ids = Array.from({ length: devicesMax }, (_, i) => `${PREFIX}${i + 1}`)
  const credentials = await registerMarked(database, ids)
  const violations: string[] = []
  const { idle, faults } = await weighReaders(live, plan)
  violations.push(...faults)
  const shapes: FanResult['shapes'] = []
  for (const shape of FAN_SHAPES) {
    const rounds: FanRound[] = []
    for (let round = 1; round <= plan.pairs; round++) {
      const done = await climb(live, { shape, credentials, readers, plan, violations })
      rounds.push(done)
      plan.log(`P4 round ${round}, ${shape.name}: ${Math.round(done.sustained)} events/s sustained`)
    }
    const medianSustained = median(rounds.map(({ sustained }) => sustained)) ?? 0
    shapes.push({ shape, rounds, medianSustained })
  }
  return { readers, shapes, idle, violations }
}

/** Step by step up to the first rate that is too high. */
async function climb(
  live: LiveProduct,
  {
    shape,
    credentials,
    readers,
    plan,
    violations,
  }: { shape: FanShape; credentials: Credential[]; readers: number; plan: Plan; violations: string[] },
): Promise<FanRound> {
  const own = new Releases()
  plan.releases.add('readers', () => own.run())
  try {
    const devices: MarkedDevice[] = []
    for (const credential of credentials.slice(0, shape.devices)) {
      const device = await MarkedDevice.open(live.broker.port, credential)
      own.add('a device', () => device.leave())
      devices.push(device)
    }
    const selections = selectionsOf(
      shape,
      devices.map(({ id }) => id),
    )
    const crowd = await gather(live, { readers, selections }, own)
    violations.push(...crowd.violations)
    const steps: FanStep[] = []
    let sustained = 0
    for (const offered of LADDER) {
      const stepping = { shape, crowd, devices, readers, offered, seconds: plan.seconds }
      let step = await takeStep(live, stepping)
      steps.push(step.measured)
      // Once more: one pause of the machine is not the API's limit.
      if (!isSustained(step.measured)) {
        step = await takeStep(live, stepping)
        steps.push(step.measured)
      }
      if (!isSustained(step.measured)) break
      violations.push(...step.faults.map((fault) => `${shape.name}, ${offered} events/s: ${fault}`))
      const { offeredPerSecond, deliveredPerSecond } = step.measured
      // What was late when the span began arrives in it as well.
      sustained = Math.min(offeredPerSecond, deliveredPerSecond)
    }
    return { steps, sustained }
  } finally {
    await own.run()
    await untilStreams(live, 0)
  }
}

/** Reader n takes the n-th: neighbours share no more devices than they must. */
export function selectionsOf({ devices, devicesOfReader }: FanShape, ids: readonly string[]): string[] {
  return Array.from({ length: devices }, (_, first) =>
    Array.from({ length: devicesOfReader }, (_, i) => ids[(first + i) % devices]).join(','),
  )
}

export function isSustained(step: FanStep): boolean {
  const { offeredPerSecond, deliveredPerSecond, missing, latencyP99Ms } = step
  const isInTime = deliveredPerSecond >= DELIVERED_SHARE_MIN * offeredPerSecond && latencyP99Ms <= LATE_MS
  return missing === 0 && isInTime
}

interface Stepping {
  shape: FanShape
  crowd: Crowd
  devices: MarkedDevice[]
  readers: number
  /** Events a second at all readers together. */
  offered: number
  seconds: number
}

async function takeStep(
  live: LiveProduct,
  { shape, crowd, devices, readers, offered, seconds }: Stepping,
): Promise<{ measured: FanStep; faults: string[] }> {
  const { devicesOfReader } = shape
  /** Of readers that get a message, on average: every device has as many, or one more. */
  const readersOfDevice = (readers * devicesOfReader) / shape.devices
  const crowdProcess = crowd.process
  await ask(crowdProcess, 'reset')
  const sentBefore = devices.map(({ sent }) => sent)
  let sent = 0
  const stop = sendEvenly(offered / readersOfDevice, () => devices[sent++ % devices.length]?.send())
  await sleep(WARM_UP_MS)
  const cpu = cpuOf(live.database, {
    broker: live.broker.program.process,
    api: live.api.program.process,
    readers: crowdProcess,
    devices: process,
  })
  await ask(crowdProcess, 'latency')
  const cpuFrom = await cpu()
  const from = await takeMark(crowdProcess, sent)
  await sleep(seconds * 1_000)
  const to = await takeMark(crowdProcess, sent)
  const spanSeconds = (to.sentAtUs - from.sentAtUs) / 1e6
  const cores = coresBetween(cpuFrom, await cpu(), { seconds: spanSeconds })
  const latency = await ask<CrowdLatency>(crowdProcess, 'latency')
  stop()
  const sentOf = devices.map((device, i) => device.sent - (sentBefore[i] ?? 0))
  const expected = expectedOf(shape, sentOf, readers)
  const { check, missing } = await untilArrived(crowdProcess, expected)
  const inFlight = devices.reduce((total, device) => total + device.inFlight, 0)
  return {
    measured: {
      offeredPerSecond: ((to.sent - from.sent) * readersOfDevice) / spanSeconds,
      deliveredPerSecond: (to.events - from.events) / ((to.atUs - from.atUs) / 1e6),
      messagesPerSecond: (to.sent - from.sent) / spanSeconds,
      missing,
      latencyP50Ms: latency.latencyP50Ms,
      latencyP99Ms: latency.latencyP99Ms,
      cores,
    },
    faults: [
      ...(inFlight > 0 ? [`${inFlight} messages were never acknowledged`] : []),
      ...(check.outOfOrder > 0 ? [`${check.outOfOrder} events out of order`] : []),
      ...(check.resyncs > 0 ? [`${check.resyncs} resyncs`] : []),
      ...(check.closed > 0 ? [`${check.closed} streams ended`] : []),
    ],
  }
}

/** What was sent and what has arrived, each with its own moment: a crowd that is busy answers late. */
async function takeMark(crowd: Crowd['process'], sent: number) {
  const sentAtUs = monotonicUs()
  return { sent, sentAtUs, ...(await ask<CrowdCount>(crowd, 'count')) }
}

/** Reader by reader, from what each device sent. */
export function expectedOf(shape: FanShape, sentOf: readonly number[], readers: number): number[] {
  return Array.from({ length: readers }, (_, place) => {
    const first = place % shape.devices
    const own = Array.from({ length: shape.devicesOfReader }, (_, i) => sentOf[(first + i) % shape.devices])
    return own.reduce<number>((total, sent) => total + (sent ?? 0), 0)
  })
}

/** Waits for the last event as long as more arrive. */
async function untilArrived(
  crowd: Crowd['process'],
  expected: readonly number[],
): Promise<{ check: CrowdCheck; missing: number }> {
  const wanted = expected.reduce((total, events) => total + events, 0)
  let last = { events: -1, atUs: 0 }
  const isOver = async () => {
    const now = await ask<CrowdCount>(crowd, 'count')
    if (now.events > last.events) last = now
    return now.events >= wanted || now.atUs - last.atUs > SILENCE_MS * 1_000
  }
  await waitFor('the last events', isOver, ARRIVAL_DEADLINE_MS).catch(() => {})
  const check = await ask<CrowdCheck>(crowd, 'check')
  const missing = expected.reduce(
    (total, events, place) => total + Math.abs(events - (check.eventsOfReaders[place] ?? 0)),
    0,
  )
  return { check, missing }
}
