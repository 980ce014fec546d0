/**
 * P8: from a browser's command frame over the device's reply to the frame that says `succeeded`, one command at a time,
 * alone and with five thousand messages a second of others. Browser and device are one process, on one clock.
 */
import { randomUUID } from 'node:crypto'
import type { Releases } from '@telltale/infra/service'
import { random } from '@telltale/infra/testing/random'
import { waitFor } from '@telltale/infra/testing/wait'
import { startAnsweringDevice } from './answering-device.ts'
import { type LiveProduct, registerMarked, startLive, startLoad } from './live-stack.ts'
import { coresBetween } from './p1-ingest.ts'
import { type Spread, spread } from './p3-live.ts'
import { sendAtRandom } from './pace.ts'
import type { Database } from './servers.ts'
import { cpuOf } from './stack.ts'
import type { SteadyPhase } from './steady.ts'
import { openTextSocket, type TextSocket } from './web-socket.ts'

const DEVICE = 'commanded-1'
const PROTOCOL = 'telltale.v1'
/** A socket may send twenty a second. */
const COMMAND_EVERY_MS = 80
const WARM_UP_SECONDS = 2
/** Of a run, in spans of the other parts: two hundred commands. */
const SPANS = 4
const SEED = 8
const FINISH_DEADLINE_MS = 10_000
const GREETING_DEADLINE_MS = 10_000

export const COMMAND_SIDES = ['alone', 'with 5,000 msg/s'] as const

/** What is timed of a command, in the order in which it happens. */
export const STEPS = [
  'frame `queued`',
  'frame `sent`',
  'at the device',
  'frame `delivered`',
  'frame `succeeded`',
] as const
export type Step = (typeof STEPS)[number]
export const END: Step = 'frame `succeeded`'
const AT_DEVICE: Step = 'at the device'

/** Milliseconds since the frame was sent; a step that nobody saw is absent. */
type Timeline = Partial<Record<Step, number>>

export interface CommandRun {
  commands: number
  steps: Partial<Record<Step, Spread & { count: number }>>
  beside: SteadyPhase | undefined
  cores: Record<string, number>
}

export interface CommandsResult {
  /** Round by round, a run of each side. */
  rounds: CommandRun[][]
  violations: string[]
}

interface Plan {
  pairs: number
  seconds: number
  releases: Releases
  log(line: string): void
}

export async function runP8(database: Database, plan: Plan): Promise<CommandsResult> {
  const live = await startLive(database, plan.releases)
  const [credential] = await registerMarked(database, [DEVICE])
  if (!credential) throw new Error('no device')
  const browser = new Browser()
  const leave = await startAnsweringDevice(live.broker.port, credential, browser.onDevice)
  plan.releases.add('the commanded device', leave)
  await browser.open(live, plan.releases)
  const next = random(SEED)
  const rounds: CommandRun[][] = []
  const violations: string[] = []
  for (let round = 1; round <= plan.pairs; round++) {
    const runs: CommandRun[] = []
    const order = [...COMMAND_SIDES.keys()]
    for (const place of round % 2 === 1 ? order : order.reverse()) {
      const name = COMMAND_SIDES[place] as string
      const run = await measure(browser, { live, isLoaded: place === 1, next, plan })
      runs[place] = run.measured
      violations.push(...run.violations.map((violation) => `${name}: ${violation}`))
      const { p50Ms = Number.NaN, p99Ms = Number.NaN } = run.measured.steps[END] ?? {}
      plan.log(`P8 round ${round}, ${name}: p50 ${p50Ms.toFixed(1)} ms, p99 ${p99Ms.toFixed(1)} ms`)
    }
    rounds.push(runs)
  }
  return { rounds, violations: [...violations, ...browser.problems] }
}

async function measure(
  browser: Browser,
  { live, isLoaded, next, plan }: { live: LiveProduct; isLoaded: boolean; next: () => number; plan: Plan },
): Promise<{ measured: CommandRun; violations: string[] }> {
  const load = isLoaded ? await startLoad(live, plan.releases) : undefined
  const children = {
    broker: live.broker.program.process,
    api: live.api.program.process,
    ...(load && { load: load.process }),
    'browser and device': process,
  }
  const cpu = cpuOf(live.database, children)
  const pace = { everyMs: COMMAND_EVERY_MS, next }
  await sendAtRandom({ ...pace, seconds: WARM_UP_SECONDS }, () => browser.command())
  const lines: (Timeline | undefined)[] = []
  const from = await cpu()
  const startMs = performance.now()
  const seconds = SPANS * plan.seconds
  await sendAtRandom({ ...pace, seconds }, async () => lines.push(await browser.command()))
  const spanSeconds = (performance.now() - startMs) / 1_000
  const cores = coresBetween(from, await cpu(), { seconds: spanSeconds })
  const ended = await load?.end()
  const finished = lines.filter((line) => line !== undefined)
  const lost = lines.length - finished.length
  return {
    measured: { commands: finished.length, steps: stepsOf(finished), beside: ended?.beside, cores },
    violations: [
      ...(lost > 0 ? [`${lost} commands did not succeed within ${FINISH_DEADLINE_MS / 1_000} s`] : []),
      ...(ended?.violations ?? []),
    ],
  }
}

export function stepsOf(lines: readonly Timeline[]): CommandRun['steps'] {
  return Object.fromEntries(
    STEPS.flatMap((step) => {
      const tookMs = lines.map((line) => line[step]).filter((ms) => ms !== undefined)
      return tookMs.length === 0 ? [] : [[step, { count: tookMs.length, ...spread(tookMs) }]]
    }),
  )
}

interface ServerFrame {
  type: string
  command?: { id: string; status: string }
  problem?: { code?: string }
}

/** The page's side of the socket, one command at a time. */
class Browser {
  readonly problems: string[] = []
  private socket: TextSocket | undefined
  private isGreeted = false
  private current: { id: string; startMs: number; line: Timeline; end: () => void } | undefined

  readonly onDevice = (commandId: string, atMs: number) => this.note(commandId, AT_DEVICE, atMs)

  async open({ api }: LiveProduct, releases: Releases): Promise<void> {
    const socket = await openTextSocket(
      { url: `${api.url}/api/v1/socket`, token: api.token, protocol: PROTOCOL },
      { text: (text) => this.receive(text), end: (why) => this.problems.push(`the socket was ${why}`) },
    )
    this.socket = socket
    releases.add('the socket', () => socket.close())
    await waitFor('hello', () => this.isGreeted, GREETING_DEADLINE_MS)
  }

  /** Resolves when the command has succeeded; undefined when it did not in time. */
  async command(): Promise<Timeline | undefined> {
    const id = randomUUID()
    const frame = { type: 'command', id, deviceId: DEVICE, name: 'set-led', params: { on: true } }
    const text = JSON.stringify(frame)
    let timer: NodeJS.Timeout | undefined
    const line: Timeline = {}
    await new Promise<void>((resolve) => {
      timer = setTimeout(resolve, FINISH_DEADLINE_MS)
      this.current = { id, startMs: performance.now(), line, end: resolve }
      this.socket?.send(text)
    })
    clearTimeout(timer)
    this.current = undefined
    return line[END] === undefined ? undefined : line
  }

  private receive(text: string): void {
    const atMs = performance.now()
    const { type, command, problem } = JSON.parse(text) as ServerFrame
    if (type === 'hello') this.isGreeted = true
    if (type === 'error') this.problems.push(`a frame was refused: ${problem?.code}`)
    if (type === 'ping') this.socket?.send(JSON.stringify({ type: 'pong' }))
    const step = STEPS.find((name) => name === `frame \`${command?.status}\``)
    if (command && step) this.note(command.id, step, atMs)
  }

  private note(commandId: string, step: Step, atMs: number): void {
    const { current } = this
    if (current?.id !== commandId) return
    current.line[step] ??= atMs - current.startMs
    if (step === END) current.end()
  }
}
