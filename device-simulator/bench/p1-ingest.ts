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
import type { CpuUse, Stack, Target } from './stack.ts'

const GENERATOR = fileURLToPath(new URL('./generate.js', import.meta.url))

export interface Shape {
  connections: number
  window: number
}

export const SHAPES: readonly Shape[] = [
  { connections: 50, window: 50 },
  { connections: 500, window: 5 },
]

/** Behind now, so that a device sending more than one message a millisecond stays inside the ts window. */
const START_BEFORE_NOW_MS = 120_000
const WARM_UP_SECONDS = 2

export interface Cores {
  broker: number
  postgres: number
  generator: number
  /** What ran beside the bench: a busy machine makes the ratios worthless. */
  others: number
}

export interface Run extends LoadResult {
  target: Target['name']
  /** Cores used by each program, averaged over the measured span. */
  cores: Cores
  /** Readings the database gained; absent for a broker that stores nothing. */
  storedReadings: number | undefined
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
  stack: Stack,
  plan: { pairs: number; seconds: number; log(line: string): void },
): Promise<ShapeResult[]> {
  const clock = { lastTsMs: 0 }
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

interface RunPlan {
  shape: Shape
  seconds: number
  /** Shared by all runs: a device never sends a ts twice. */
  clock: { lastTsMs: number }
}

async function runPair(stack: Stack, plan: RunPlan): Promise<Pair> {
  const before = await countReadings(stack.pool)
  const load = await runLoad(stack.telltale, plan)
  const stored = (await countReadings(stack.pool)) - before
  const telltale: Run = { ...load, storedReadings: stored }
  // What this run left to write must not slow the other broker's turn.
  await stack.pool.query('CHECKPOINT')
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

async function runLoad(target: Target, plan: RunPlan): Promise<Omit<Run, 'storedReadings'>> {
  const startTsMs = Math.max(Date.now() - START_BEFORE_NOW_MS, plan.clock.lastTsMs + 1)
  const options = {
    port: target.port,
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
  return { ...load, target: target.name, cores: coresOf(load, cpuStart, cpuEnd) }
}

function coresOf(load: LoadResult, from: CpuUse, to: CpuUse): Cores {
  const seconds = load.measuredMs / 1_000
  const broker = (to.broker - from.broker) / seconds
  const postgres = (to.postgres - from.postgres) / seconds
  const generator = load.cpuSeconds / seconds
  const others = (to.machine - from.machine) / seconds - broker - postgres - generator
  return { broker, postgres, generator, others: Math.max(0, others) }
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

async function countReadings(pool: Pool): Promise<number> {
  const { rows } = await pool.query<{ n: number }>('SELECT count(*) AS n FROM reading')
  return rows[0]?.n ?? 0
}

/** What a run must not show; an empty list means the numbers count. */
export function violations(results: readonly ShapeResult[]): string[] {
  return results.flatMap(({ pairs }) =>
    pairs.flatMap(({ telltale }) => {
      const name = `${telltale.connections} × ${telltale.window}`
      const acked = telltale.ackedTotal * telltale.metricsPerMessage
      const found: string[] = []
      if (telltale.storedReadings !== acked)
        found.push(`${name}: ${acked} readings acknowledged, ${telltale.storedReadings} stored`)
      if (telltale.outOfOrder > 0) found.push(`${name}: ${telltale.outOfOrder} PUBACKs out of order`)
      return found
    }),
  )
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
