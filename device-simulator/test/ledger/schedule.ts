/** Which faults when: drawn from the seed, so that a run can be done again. */
import { setTimeout as sleep } from 'node:timers/promises'
import { random } from '@telltale/infra/testing/random'
import { between, type Fault } from './fault.ts'
import { connectionFaults } from './faults-connections.ts'
import { databaseFaults } from './faults-database.ts'
import { processFaults } from './faults-processes.ts'
import { redisFaults } from './faults-redis.ts'
import type { Recovery } from './latencies.ts'
import { untilReady } from './settle.ts'
import type { World } from './world.ts'

export const allFaults: readonly Fault[] = [
  ...processFaults,
  ...databaseFaults,
  ...redisFaults,
  ...connectionFaults,
]

export interface Happened {
  name: string
  /** Since the run began. */
  atMs: number
  tookMs: number
  recovery: Recovery
  /** From its end until the broker gave what came straight to the database for good; absent: it did not in time. */
  directMs: number | undefined
  /** From its end until the API said that it is ready; absent: it did not in time. */
  readyMs: number | undefined
  /** Connections that ended by themselves, from the beginning of the fault to the recovery. */
  lost: number
  /** It could not be done. */
  failure: string | undefined
}

/** One or two faults at once, after a calm. */
export interface Step {
  calmMs: number
  /** Instead of a calm: since the run began. */
  atMs?: number
  /** It is done even when it is late. */
  isOwed?: boolean
  faults: readonly Fault[]
  /** For the choices of each fault. */
  seeds: readonly number[]
}

/** The promise: recovered within 10 s. Longer than that is waited for, to be told how long it was. */
export const RECOVERY_MS_MAX = 10_000
export const ALL_RECOVERED_MS_MAX = 30_000

/** So long a run ends with a stretch in which programs live on: growth is seen within one life. */
const STRETCH_FROM_MS = 30 * 60_000
const STRETCH_SHARE = 1 / 2

const CALM_MS = [1_000, 12_000] as const
const RESTARTED = 'SIGTERM of the whole product, and a new start'
/** Of the steps are two faults at once. */
const PAIR_SHARE = 0.15

/** Without end: every fault once in a random order, then again in another. */
export function* drawSteps(faults: readonly Fault[], seed: number): Generator<Step> {
  const next = random(seed)
  const draw = (): Fault => {
    if (bag.length === 0) bag = shuffled(faults, next)
    return bag.pop() as Fault
  }
  let bag: Fault[] = []
  while (faults.length > 0) {
    const one = draw()
    const calmMs = between(next, ...CALM_MS)
    const isPair = next() < PAIR_SHARE
    const other = isPair ? draw() : undefined
    const chosen =
      other && other.group !== one.group && !isAlone(one) && !isAlone(other) ? [one, other] : [one]
    if (other && chosen.length === 1) bag.push(other)
    yield { calmMs, faults: chosen, seeds: chosen.map(() => between(next, 1, 2 ** 31 - 1)) }
  }
}

/** A product that starts while its database or Redis is away ends with a sentence, and nobody starts it again here. */
function isAlone({ name }: Fault): boolean {
  return name === RESTARTED
}

/** Rolling restarts at an even pace; every fifth one is of the whole product. */
export function* restartSteps(restarts: number, overMs: number): Generator<Step> {
  const named = (name: string) => allFaults.find((fault) => fault.name === name) as Fault
  const broker = named('SIGTERM of the broker')
  const product = named(RESTARTED)
  for (let i = 1; i <= restarts; i++)
    yield {
      calmMs: 0,
      atMs: (i * overMs) / (restarts + 1),
      isOwed: true,
      faults: [i % 5 === 0 ? product : broker],
      seeds: [i],
    }
}

/** Every fault once, in an order that the seed decides. */
export function* eachOnce(faults: readonly Fault[], seed: number): Generator<Step> {
  const next = random(seed)
  for (const fault of shuffled(faults, next)) {
    const [calmMs, own] = [between(next, 300, 1_000), between(next, 1, 2 ** 31 - 1)]
    yield { calmMs, isOwed: true, faults: [fault], seeds: [own] }
  }
}

/** From when on no fault ends a program. */
export function stretchFrom(durationMs: number): number {
  return durationMs < STRETCH_FROM_MS ? Number.POSITIVE_INFINITY : durationMs * (1 - STRETCH_SHARE)
}

function shuffled<T>(all: readonly T[], next: () => number): T[] {
  const left = [...all]
  for (let i = left.length - 1; i > 0; i--) {
    const j = Math.floor(next() * (i + 1))
    ;[left[i], left[j]] = [left[j] as T, left[i] as T]
  }
  return left
}

/** Goes through the steps until they or the time are over; a fault begun in time is gone through to its end. */
export async function runSteps(
  world: World,
  steps: Iterable<Step>,
  { untilMs, signal }: { untilMs: number; signal: AbortSignal },
): Promise<Happened[]> {
  const happened: Happened[] = []
  const startedMs = world.load.nowMs()
  const stretchMs = startedMs + stretchFrom(untilMs - startedMs)
  for (const step of steps) {
    // Nothing is left that could recover.
    if (world.programs.lost.length > 0) return happened
    const nowMs = world.load.nowMs()
    const beginsMs = step.atMs ?? nowMs + step.calmMs
    if (!step.isOwed && beginsMs >= untilMs) break
    await pause(beginsMs - nowMs, signal)
    if (signal.aborted) return happened
    const isLeftOut = !step.isOwed && beginsMs >= stretchMs && step.faults.some((one) => one.endsProgram)
    if (isLeftOut) continue
    await settleLast(world, happened, signal)
    happened.push(await runStep(world, step, signal))
  }
  await pause(untilMs - world.load.nowMs(), signal)
  await settleLast(world, happened, signal)
  return happened
}

/** What the broker said in the calm after a fault counts too: its patience with the database may have ended there. */
async function settleLast(
  { said }: World,
  happened: readonly Happened[],
  signal: AbortSignal,
): Promise<void> {
  const last = happened.at(-1)
  if (last) last.directMs = await said.untilDirect(ALL_RECOVERED_MS_MAX, signal)
}

async function runStep(world: World, { faults, seeds }: Step, signal: AbortSignal): Promise<Happened> {
  const { load, said } = world
  const name = faults.map((fault) => fault.name).join(' + ')
  const atMs = load.nowMs()
  const { lost } = load.troubles
  world.say(`fault: ${name}`)
  load.recovery.begin()
  said.begin()
  const ended = await Promise.allSettled(
    faults.map((fault, i) => fault.run(world, random(seeds[i] as number))),
  )
  const failed = ended.find((one) => one.status === 'rejected')
  const tookMs = load.nowMs() - atMs
  said.ended()
  const [recovery, directMs, readyMs] = await Promise.all([
    load.recovery.ended(ALL_RECOVERED_MS_MAX, signal),
    said.untilDirect(ALL_RECOVERED_MS_MAX, signal),
    untilReady(world.site, ALL_RECOVERED_MS_MAX, signal),
  ])
  const failure = failed ? String((failed.reason as Error).message ?? failed.reason) : undefined
  world.say(
    `over after ${seconds(tookMs)}; most devices acknowledged after ${seconds(recovery.mostMs)}, ` +
      `all after ${seconds(recovery.allMs)}, straight to the database after ${seconds(directMs)}, API ready after ${seconds(readyMs)}` +
      `${failure === undefined ? '' : `; it could not be done: ${failure}`}`,
  )
  return { name, atMs, tookMs, recovery, directMs, readyMs, lost: load.troubles.lost - lost, failure }
}

async function pause(ms: number, signal: AbortSignal): Promise<void> {
  await sleep(Math.max(0, ms), undefined, { signal }).catch(() => {})
}

export function seconds(ms: number | undefined): string {
  return ms === undefined ? 'never' : `${(ms / 1_000).toFixed(1)} s`
}
