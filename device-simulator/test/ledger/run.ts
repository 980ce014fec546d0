/** One run of the ledger, from an empty database to what was found. */
import { existsSync } from 'node:fs'
import { cp, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { Releases } from '@telltale/infra/service'
import { type Engine, openEngine } from '@telltale/infra/storage/engine'
import { Book } from './book.ts'
import { type Comparison, compare } from './compare.ts'
import type { Fault } from './fault.ts'
import { judge, type Verdict } from './judge.ts'
import type { Lives } from './lives.ts'
import { Load } from './load.ts'
import type { Script } from './messages.ts'
import { Programs, type Stop } from './programs.ts'
import { Said } from './said.ts'
import { type Happened, RECOVERY_MS_MAX, runSteps, type Step } from './schedule.ts'
import { crashesIn, findCrashes, untilStored } from './settle.ts'
import { Watch } from './watch.ts'
import { logsOf, makeDevices, openStage, type Stage, type World } from './world.ts'

export interface RunPlan {
  seed: number
  durationMs: number
  devices: number
  /** Messages a second of all devices together. */
  rate: number
  faults: readonly Fault[]
  steps: Iterable<Step>
  serverUrl: string | undefined
  withRedis: boolean
  /** For the product, besides its addresses. */
  env?: Record<string, string>
}

export interface Findings {
  plan: RunPlan
  startedAt: string
  loadMs: number
  comparedMs: number
  postgres: string
  engine: Engine['name']
  comparison: Comparison
  happened: Happened[]
  stops: Stop[]
  lives: Lives
  /** Of the generator, at most. */
  generatorBytes: number
  /** What waited on the broker's own disk at most, and what went there though no fault was near. */
  spool: Said['largest']
  astray: readonly string[]
  /** When the load was over: until nothing waited there any more. */
  drainedMs: number
  latency: { p50Ms: number; p99Ms: number }
  /** CPU of the generator while the load ran: seconds. */
  cpuSeconds: number
  lost: number
  reasons: ReadonlyMap<string, number>
  outOfOrder: number
  nobodyAsked: number
  /** Sent and never acknowledged, however long we waited. */
  unacknowledged: number
  /** Exchanges of QoS 2 that never ended. */
  uncompleted: number
  /** Programs that ended by themselves, and crashes in their logs. */
  unexpected: string[]
  answers: readonly string[]
}

export interface Outcome {
  findings: Findings
  verdicts: Verdict[]
  /** What is left for whoever looks into it; undefined when all promises hold. */
  keptFolder: string | undefined
}

/** Room for rejected messages that come twice; a device's oldest ones go when it has more than 1,000. */
const UNREADABLE_MAX = 250
const UNREADABLE_EVERY_MIN = 64
export const STRIDE_MS_MIN = 4
const CONNECTED_WITHIN_MS = 30_000
const ACKNOWLEDGED_WITHIN_MS = 60_000

/** @throws Error when the run could not be done, or was interrupted */
export async function runLedger(
  plan: RunPlan,
  { say, signal }: { say: (line: string) => void; signal: AbortSignal },
): Promise<Outcome> {
  const releases = new Releases()
  const folder = await mkdtemp(join(tmpdir(), 'telltale-ledger-'))
  let isKept = false
  releases.add('folder of the ledger', () => isKept || rm(folder, { recursive: true, force: true }))
  let run: Run | undefined
  try {
    const stage = await openStage({ ...plan, folder, withCuttingProxy: needsCutting(plan) }, releases)
    run = new Run(plan, { stage, folder, say, signal, releases })
    await run.begin()
    await run.load()
    const findings = await run.end()
    const verdicts = judge(findings)
    isKept = verdicts.some(({ holds }) => !holds)
    if (isKept) await run.keep()
    return { findings, verdicts, keptFolder: isKept ? folder : undefined }
  } catch (error) {
    if (signal.aborted) throw error
    isKept = true
    await run?.keep()
    throw new Error(`the run could not be finished; books, logs and spool are kept in ${folder}`, {
      cause: error,
    })
  } finally {
    await releases.run()
    // The server's own files in there belong to nobody any more.
    if (isKept) await rm(join(folder, 'database'), { recursive: true, force: true })
  }
}

function needsCutting({ faults }: RunPlan): boolean {
  return faults.some(({ needs }) => needs === 'cutting proxy')
}

function scriptOf({ seed, durationMs, devices, rate }: RunPlan): Script {
  const strideMs = Math.max(STRIDE_MS_MIN, Math.floor((devices / rate) * 1_000))
  const messages = durationMs / strideMs
  const unreadableEvery = Math.max(UNREADABLE_EVERY_MIN, Math.ceil(messages / UNREADABLE_MAX))
  return { seed, baseMs: Date.now(), strideMs, unreadableEvery }
}

interface RunDeps {
  stage: Stage
  folder: string
  say: (line: string) => void
  signal: AbortSignal
  releases: Releases
}

class Run {
  readonly #plan: RunPlan
  readonly #deps: RunDeps
  readonly #startedAt = new Date().toISOString()
  #programs: Programs | undefined
  #watch: Watch | undefined
  #load: Load | undefined
  #books: { sent: Book; acked: Book } | undefined
  #script: Script | undefined
  #happened: Happened[] = []
  #loadMs = 0
  #cpuSeconds = 0
  #unacknowledged = 0
  #uncompleted = 0
  #drainedMs = 0
  #said: Said | undefined

  constructor(plan: RunPlan, deps: RunDeps) {
    this.#plan = plan
    this.#deps = deps
  }

  /** Until the product runs and every device is connected. */
  async begin(): Promise<void> {
    const { stage, folder, say, signal, releases } = this.#deps
    const { devices, rate } = this.#plan
    say('starting the product')
    const programs = new Programs(stage.site, stage.start)
    this.#programs = programs
    releases.add('product', () => programs.end())
    await programs.product.block()
    const secrets = await makeDevices(stage.pool, devices)
    this.#books = {
      sent: await Book.create(join(folder, 'sent')),
      acked: await Book.create(join(folder, 'acked')),
    }
    this.#script = scriptOf(this.#plan)
    // Without it nobody can read the books, whatever becomes of this process.
    await writeFile(join(folder, 'script.json'), JSON.stringify(this.#script))
    const load = new Load({ script: this.#script, secrets, port: stage.port, rate, ...this.#books })
    this.#load = load
    releases.add('load', () => load.stop())
    this.#watch = new Watch({ programs, ...stage, nowMs: () => load.nowMs() })
    releases.add('watch', () => this.#watch?.stop())
    this.#said = new Said({ site: stage.site, nowMs: () => load.nowMs(), graceMs: RECOVERY_MS_MAX })
    releases.add('what the broker says', () => this.#said?.stop())
    load.start()
    this.#watch.start()
    await this.#said.start()
    const endMs = performance.now() + CONNECTED_WITHIN_MS
    while (load.open < devices && !signal.aborted) {
      if (performance.now() > endMs) throw new Error(`only ${load.open} of ${devices} devices are connected`)
      await sleep(50)
    }
    say(`${devices} devices are connected`)
  }

  async load(): Promise<void> {
    const { stage, say, signal } = this.#deps
    const load = this.#load as Load
    const [programs, said] = [this.#programs as Programs, this.#said as Said]
    const world: World = { ...stage, programs, load, said, say }
    const cpuBefore = process.cpuUsage()
    const untilMs = load.nowMs() + this.#plan.durationMs
    this.#happened = await runSteps(world, this.#plan.steps, { untilMs, signal })
    const { user, system } = process.cpuUsage(cpuBefore)
    this.#cpuSeconds = (user + system) / 1e6
    this.#loadMs = load.nowMs()
    say('the load is over; waiting for the last acknowledgements')
    const isHopeless = () => signal.aborted || (this.#programs?.lost.length ?? 0) > 0
    await load.finish(ACKNOWLEDGED_WITHIN_MS, isHopeless)
    this.#unacknowledged = load.unacknowledged
    this.#uncompleted = load.uncompleted
    if (signal.aborted) throw new Error('interrupted')
  }

  async end(): Promise<Findings> {
    const { stage, say, signal } = this.#deps
    const { sent, acked } = this.#books as { sent: Book; acked: Book }
    await Promise.all([sent.close(), acked.close()])
    const programs = this.#programs as Programs
    if (programs.lost.length === 0) {
      say('waiting until nothing is in the spool')
      this.#drainedMs = await untilStored(stage.site, signal)
      await this.#said?.stop()
      await programs.stopProduct()
    }
    await this.#watch?.stop()
    say('comparing')
    const startedMs = performance.now()
    const { rows } = await stage.pool.query<{ version: string }>(
      "SELECT current_setting('server_version') AS version",
    )
    const comparison = await compare(stage.pool, {
      script: this.#script as Script,
      devices: this.#plan.devices,
      sentPath: sent.path,
      ackedPath: acked.path,
      repeated: (this.#load as Load).repeated,
    })
    return this.#findings(comparison, {
      comparedMs: performance.now() - startedMs,
      postgres: rows[0]?.version ?? '',
      engine: (await openEngine(stage.pool)).name,
      crashes: await findCrashes(logsOf(stage.site)),
    })
  }

  /** What the product printed and logged, and what still waits on its disk, goes beside the books. */
  async keep(): Promise<void> {
    const { stage, folder } = this.#deps
    for (const name of ['logs', 'spool', 'spool-words']) {
      const kept = join(stage.site.dataDir, name)
      if (existsSync(kept)) await cp(kept, join(folder, name), { recursive: true })
    }
    await writeFile(join(folder, 'output.txt'), this.#programs?.said ?? '')
  }

  #findings(
    comparison: Comparison,
    found: Pick<Findings, 'comparedMs' | 'postgres' | 'engine'> & { crashes: string[] },
  ): Findings {
    const load = this.#load as Load
    const programs = this.#programs as Programs
    const watch = this.#watch as Watch
    const said = this.#said as Said
    const { crashes, ...others } = found
    return {
      ...{ plan: this.#plan, startedAt: this.#startedAt, loadMs: this.#loadMs, comparison, ...others },
      ...{ happened: this.#happened, stops: programs.stops, lives: watch.lives },
      ...{ generatorBytes: watch.generatorBytes, spool: said.largest, astray: said.astray },
      drainedMs: this.#drainedMs,
      latency: { p50Ms: load.latencies.at(0.5), p99Ms: load.latencies.at(0.99) },
      cpuSeconds: this.#cpuSeconds,
      ...load.troubles,
      reasons: load.reasons,
      answers: load.offences,
      unacknowledged: this.#unacknowledged,
      uncompleted: this.#uncompleted,
      unexpected: [...programs.lost, ...watch.unexpected, ...crashes, ...crashesIn(programs.said)],
    }
  }
}
