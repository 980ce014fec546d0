/**
 * P5: ten thousand devices sign in, stay, are cut all at once and come back, while fifty others send; what each phase
 * does to those, and what a connected device costs in memory.
 */
import { type ChildProcess, fork } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import type { Releases } from '@telltale/infra/service'
import type { Pool } from '@telltale/infra/storage/pool'
import { waitFor } from '@telltale/infra/testing/wait'
import { ask } from './asking.ts'
import { coresBetween, countReadings } from './p1-ingest.ts'
import type { Database } from './servers.ts'
import { type CpuUse, cpuOf, makeDevices, makeLoadDevices, PROBE, startBrokerFor } from './stack.ts'
import type { SteadyPhase, SteadyPlan, SteadyTotal } from './steady.ts'
import type { StormPlan, StormResult } from './storm.ts'

const DEVICES = 10_000
export const STEADY_DEVICES = 50
export const STEADY_MESSAGES_PER_SECOND = 1_000
const PREFIX = 'herd-'
/** Each of so many waits for its CONNACK before the next device takes its place. */
export const CONNECTS_AT_ONCE = 200
/** 500 devices each: the broker is measured, not how many connects a second it allows one address. */
export const ADDRESSES = 20
/** For all but the devices: database connections, files, what Node.js itself opens. */
const SPARE_FILES = 500
const WARM_UP_MS = 2_000
const PRESENCE_DEADLINE_MS = 60_000

export interface Memory {
  rssBytes: number
  heapBytes: number
  /** Buffers and what belongs to handles. */
  externalBytes: number
}

export interface Phase {
  /** What the steady devices waited for their PUBACKs. */
  beside: SteadyPhase
  cores: Record<string, number>
}

export interface DevicesResult {
  devices: number
  openFilesMax: number
  quiet: Phase
  storm: Phase & StormResult
  herd: Phase & StormResult
  /** Each connected device's share of what the broker has gained. */
  perDevice: Memory
  violations: string[]
}

interface Plan {
  seconds: number
  /** Of the full number of devices. */
  scale: number
  releases: Releases
  log(line: string): void
}

export async function runP5(database: Database, plan: Plan): Promise<DevicesResult> {
  const { seconds, scale, releases, log } = plan
  const openFilesMax = await readOpenFilesMax()
  const wanted = Math.ceil(DEVICES * scale)
  const devices = Math.min(wanted, openFilesMax - SPARE_FILES)
  const steadyFile = await makeLoadDevices(database, { devices: STEADY_DEVICES, releases })
  const herdFile = await makeDevices(database, { prefix: PREFIX, devices, releases })
  const { broker } = await startBrokerFor(steadyFile, database, { releases, launch: PROBE })
  const startTsMs = Date.now() - WARM_UP_MS
  const { process: brokerProcess } = broker.program
  const steady = await startSteady({ port: broker.port, credentials: steadyFile, startTsMs }, releases)
  const storm = startStorm({ port: broker.port, credentials: herdFile }, releases)
  const during = duringPhase(steady, cpuOf(database, { broker: brokerProcess, storm, steady }))
  const quiet = await during(() => sleep(seconds * 1_000))
  log(`P5 quiet: ${sayPhase(quiet.phase)}`)
  const before = await memoryOf(brokerProcess)
  const first = await during(() => ask<StormResult>(storm, 'connect'))
  log(`P5 storm: ${saySeconds(first.result)}; ${sayPhase(first.phase)}`)
  const openAfterStorm = await untilPresent(database.pool, first.result.connected)
  const after = await memoryOf(brokerProcess)
  const second = await during(() => ask<StormResult>(storm, 'comeBack'))
  log(`P5 herd: ${saySeconds(second.result)}; ${sayPhase(second.phase)}`)
  const openAfterHerd = await untilPresent(database.pool, second.result.connected)
  const total = await ask<SteadyTotal>(steady, 'finish')
  const stored = await countReadings(database.pool, startTsMs)
  await ask(storm, 'leave')
  return {
    devices,
    openFilesMax,
    quiet: quiet.phase,
    storm: { ...first.result, ...first.phase },
    herd: { ...second.result, ...second.phase },
    perDevice: share(before, after, first.result.connected),
    violations: [
      ...(devices < wanted ? [`${devices} devices only: ${openFilesMax} files may be open`] : []),
      ...checkStorm('storm', first.result, { devices, open: openAfterStorm }),
      ...(first.result.refused > 0
        ? [`storm: ${first.result.refused} connects refused (${first.result.refusal})`]
        : []),
      ...checkStorm('herd', second.result, { devices, open: openAfterHerd }),
      ...checkSteady(total, stored),
    ],
  }
}

/** "Max open files  20000  20000  files": Node.js raises what it may use to the second figure when it starts. */
async function readOpenFilesMax(): Promise<number> {
  const limits = await readFile('/proc/self/limits', 'utf8')
  const [, hard = '0'] = /^Max open files\s+\S+\s+(\S+)/m.exec(limits) ?? []
  return hard === 'unlimited' ? Number.MAX_SAFE_INTEGER : Number(hard)
}

async function startSteady(
  plan: Omit<SteadyPlan, 'messagesPerSecond'>,
  releases: Releases,
): Promise<ChildProcess> {
  const full: SteadyPlan = { ...plan, messagesPerSecond: STEADY_MESSAGES_PER_SECOND }
  const child = startChild('steady', full, releases)
  await ask(child, 'ready')
  await sleep(WARM_UP_MS)
  return child
}

/** Does something, and tells how the steady devices fared meanwhile. */
function duringPhase(steady: ChildProcess, cpu: () => Promise<CpuUse>) {
  return async <T>(work: () => Promise<T>): Promise<{ result: T; phase: Phase }> => {
    const from = await cpu()
    const startMs = performance.now()
    await ask(steady, 'begin')
    const result = await work()
    const beside = await ask<SteadyPhase>(steady, 'end')
    const seconds = (performance.now() - startMs) / 1_000
    return { result, phase: { beside, cores: coresBetween(from, await cpu(), { seconds }) } }
  }
}

export function startStorm(plan: Pick<StormPlan, 'port' | 'credentials'>, releases: Releases): ChildProcess {
  const full: StormPlan = { ...plan, connectsAtOnce: CONNECTS_AT_ONCE, addresses: ADDRESSES }
  return startChild('storm', full, releases)
}

export function startChild(name: string, plan: object, releases: Releases): ChildProcess {
  const script = fileURLToPath(new URL(`./${name}.js`, import.meta.url))
  const child = fork(script, [JSON.stringify(plan)])
  releases.add(name, () => child.kill())
  return child
}

export async function memoryOf(broker: ChildProcess): Promise<Memory> {
  const { rss, heapUsed, external } = await ask<NodeJS.MemoryUsage>(broker, 'memory')
  return { rssBytes: rss, heapBytes: heapUsed, externalBytes: external }
}

export function share(before: Memory, after: Memory, devices: number): Memory {
  return {
    rssBytes: (after.rssBytes - before.rssBytes) / devices,
    heapBytes: (after.heapBytes - before.heapBytes) / devices,
    externalBytes: (after.externalBytes - before.externalBytes) / devices,
  }
}

/** Rows of presence are written behind CONNACK; how many of the herd it shows as connected in the end. */
async function untilPresent(pool: Pool, connected: number): Promise<number> {
  const count = async () => {
    const { rows } = await pool.query<{ n: number }>(
      `SELECT count(*) AS n FROM session WHERE device_id LIKE $1 AND disconnected_at IS NULL`,
      [`${PREFIX}%`],
    )
    return rows[0]?.n ?? 0
  }
  const isReached = async () => (await count()) === connected
  await waitFor('the rows of presence', isReached, PRESENCE_DEADLINE_MS).catch(() => {})
  return count()
}

function checkStorm(
  name: string,
  { connected, lost }: StormResult,
  { devices, open }: { devices: number; open: number },
): string[] {
  const found: string[] = []
  if (connected < devices) found.push(`${name}: ${connected} of ${devices} devices connected`)
  if (lost > 0) found.push(`${name}: ${lost} connections were lost before`)
  if (open !== connected) found.push(`${name}: ${connected} devices connected, presence shows ${open}`)
  return found
}

export function checkSteady({ readings, outOfOrder, missing }: SteadyTotal, stored: number): string[] {
  const found: string[] = []
  if (missing > 0) found.push(`${missing} messages were never acknowledged`)
  if (outOfOrder > 0) found.push(`${outOfOrder} PUBACKs out of order`)
  if (stored !== readings) found.push(`${readings} readings acknowledged, ${stored} stored`)
  return found
}

function saySeconds({ connected, seconds, refused }: StormResult): string {
  return `${connected} connected in ${seconds.toFixed(1)} s, ${refused} refused`
}

function sayPhase({ beside: { messages, latencyP99Ms } }: Phase): string {
  return `${messages} PUBACKs of the others, p99 ${latencyP99Ms.toFixed(1)} ms`
}
