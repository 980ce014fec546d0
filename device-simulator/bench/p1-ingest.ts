/**
 * P1: durable QoS 1 ingest with everything on, as a share of a mosquitto that stores nothing. Same generator, same
 * machine, runs alternating in pairs; after each run of ours the database must hold what was acknowledged.
 */
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import type { Pool } from '@telltale/infra/storage/pool'
import type { LoadResult } from './generator.ts'
import { type CpuUse, LOAD_DEVICE_PREFIX, type Target } from './stack.ts'

const GENERATOR = fileURLToPath(new URL('./generate.js', import.meta.url))

export interface Shape {
  connections: number
  window: number
}

/** P1's first shape: what all other parts load a broker with. */
export const FIFTY_BY_FIFTY: Shape = { connections: 50, window: 50 }

export const SHAPES: readonly Shape[] = [FIFTY_BY_FIFTY, { connections: 500, window: 5 }]

/** Behind now, so that a device sending more than one message a millisecond stays inside the ts window. */
const START_BEFORE_NOW_MS = 120_000
const WARM_UP_SECONDS = 2

/** What ran beside the bench: a busy machine makes the ratios worthless. */
export const OTHERS = 'others'

export interface Run extends LoadResult {
  target: string
  /** Cores used by each program, averaged over the measured span. */
  cores: Record<string, number>
  /** Readings the database gained; absent for a broker that stores nothing. */
  storedReadings: number | undefined
}

export interface IngestStack {
  telltale: Target
  /** Absent when it is not installed. */
  mosquitto: Target | undefined
  pool: Pool
}

/** Shared by all runs on a database: a device never sends a ts twice. */
export interface Clock {
  lastTsMs: number
}

export interface Pair {
  telltale: Run
  mosquitto: Run | undefined
  /** Ours ÷ mosquitto's messages a second. */
  ratio: number | undefined
}

export interface ShapeResult {
  shape: Shape
  pairs: Pair[]
  medianRatio: number | undefined
}

export async function runP1(
  stack: IngestStack,
  plan: { pairs: number; seconds: number; log(line: string): void },
): Promise<ShapeResult[]> {
  const clock: Clock = { lastTsMs: 0 }
  const results: ShapeResult[] = []
  for (const shape of SHAPES) {
    const pairs: Pair[] = []
    for (let n = 1; n <= plan.pairs; n++) {
      const pair = await runPair(stack, { shape, seconds: plan.seconds, clock })
      pairs.push(pair)
      plan.log(`P1 ${shape.connections} × ${shape.window} pair ${n}: ${sayPair(pair)}`)
    }
    results.push({ shape, pairs, medianRatio: median(pairs.map(({ ratio }) => ratio)) })
  }
  return results
}

export interface RunPlan {
  shape: Shape
  seconds: number
  clock: Clock
}

async function runPair(stack: IngestStack, plan: RunPlan): Promise<Pair> {
  const telltale = await runTelltale(stack, plan)
  const mosquitto = stack.mosquitto && {
    ...(await runLoad(stack.mosquitto, plan)),
    storedReadings: undefined,
  }
  return {
    telltale,
    mosquitto,
    ratio: mosquitto && telltale.messagesPerSecond / mosquitto.messagesPerSecond,
  }
}

/** One run of ours, and what the database gained by it. */
export async function runTelltale(
  { telltale, pool }: Pick<IngestStack, 'telltale' | 'pool'>,
  plan: RunPlan,
): Promise<Run> {
  const { startTsMs, ...load } = await runLoad(telltale, plan)
  const storedReadings = await countReadings(pool, startTsMs)
  // What this run left to write must not slow the next one's turn.
  await pool.query('CHECKPOINT')
  return { ...load, storedReadings }
}

async function runLoad(
  target: Target,
  plan: RunPlan,
): Promise<Omit<Run, 'storedReadings'> & { startTsMs: number }> {
  const startTsMs = Math.max(Date.now() - START_BEFORE_NOW_MS, plan.clock.lastTsMs + 1)
  const options = {
    ports: target.ports.join(','),
    connections: plan.shape.connections,
    window: plan.shape.window,
    seconds: plan.seconds,
    'warm-up': WARM_UP_SECONDS,
    'start-ts': startTsMs,
    ...(target.credentialsFile === undefined ? {} : { credentials: target.credentialsFile }),
  }
  const flags = Object.entries(options).flatMap(([name, value]) => [`--${name}`, String(value)])
  const { load, cpuStart, cpuEnd } = await runGenerator(flags, target)
  plan.clock.lastTsMs = Math.max(plan.clock.lastTsMs, load.lastTsMs)
  return { ...load, target: target.name, cores: coresOf(load, cpuStart, cpuEnd), startTsMs }
}

function coresOf(load: LoadResult, from: CpuUse, to: CpuUse): Record<string, number> {
  return coresBetween(from, to, { seconds: load.measuredMs / 1_000, generatorSeconds: load.cpuSeconds })
}

/** Averages over a span; the generator's CPU as it says itself, unless it stands among the programs. */
export function coresBetween(
  from: CpuUse,
  to: CpuUse,
  { seconds, generatorSeconds }: { seconds: number; generatorSeconds?: number },
): Record<string, number> {
  const names = Object.keys(to.programs)
  const ours = names.map((name): [string, number] => [
    name,
    ((to.programs[name] ?? 0) - (from.programs[name] ?? 0)) / seconds,
  ])
  const generator = generatorSeconds === undefined ? {} : { generator: generatorSeconds / seconds }
  const cores: Record<string, number> = { ...Object.fromEntries(ours), ...generator }
  const sum = Object.values(cores).reduce((total, used) => total + used, 0)
  return { ...cores, [OTHERS]: Math.max(0, (to.machine - from.machine) / seconds - sum) }
}

async function runGenerator(
  flags: string[],
  target: Target,
): Promise<{ load: LoadResult; cpuStart: CpuUse; cpuEnd: CpuUse }> {
  const child = fork(GENERATOR, flags, { stdio: ['ignore', 'pipe', 'inherit', 'ipc'] })
  const edges: Promise<CpuUse>[] = []
  child.on('message', () => edges.push(target.cpu()))
  const exited = once(child, 'exit')
  const output = child.stdout ? await text(child.stdout) : ''
  const [code] = await exited
  const [cpuStart, cpuEnd] = await Promise.all(edges)
  if (code !== 0 || !cpuStart || !cpuEnd) throw new Error(`the load generator ended with ${code}`)
  return { load: JSON.parse(output) as LoadResult, cpuStart, cpuEnd }
}

/** Of the devices of the load; none of their earlier runs reached as far as `startTsMs`. */
export async function countReadings(pool: Pool, startTsMs: number): Promise<number> {
  const { rows } = await pool.query<{ n: number }>(
    'SELECT count(*) AS n FROM reading JOIN series s ON s.id = series_id WHERE s.device_id LIKE $1 AND time >= $2',
    [`${LOAD_DEVICE_PREFIX}%`, new Date(startTsMs)],
  )
  return rows[0]?.n ?? 0
}

/** What runs of ours must not show; an empty list means the numbers count. */
export function violations(runs: readonly Run[]): string[] {
  return runs.flatMap((run) => {
    const name = `${run.connections} × ${run.window}`
    const acked = run.ackedTotal * run.metricsPerMessage
    const found: string[] = []
    if (run.storedReadings !== acked)
      found.push(`${name}: ${acked} readings acknowledged, ${run.storedReadings} stored`)
    if (run.outOfOrder > 0) found.push(`${name}: ${run.outOfOrder} PUBACKs out of order`)
    return found
  })
}

export function median(values: readonly (number | undefined)[]): number | undefined {
  const sorted = values.filter((value) => value !== undefined).sort((a, b) => a - b)
  const middle = sorted.length / 2
  const low = sorted[Math.ceil(middle) - 1]
  const high = sorted[Math.floor(middle)]
  return low === undefined || high === undefined ? undefined : (low + high) / 2
}

function sayPair({ telltale, mosquitto, ratio }: Pair): string {
  const ours = `telltale ${Math.round(telltale.messagesPerSecond)} msg/s`
  if (!mosquitto || ratio === undefined) return ours
  return `${ours}, mosquitto ${Math.round(mosquitto.messagesPerSecond)} msg/s, ratio ${ratio.toFixed(2)}`
}
