/**
 * P3: from a device's publish to the event at the browser's side, alone and with five thousand messages a second of
 * others; and how much of it is the commit, which the PUBACK of the same message tells. Device and reader are one
 * process, on one clock.
 */
import type { IncomingMessage } from 'node:http'
import type { Releases } from '@telltale/infra/service'
import { random } from '@telltale/infra/testing/random'
import { waitFor } from '@telltale/infra/testing/wait'
import { EventParser, requestStream } from './live-events.ts'
import {
  type LiveProduct,
  LOAD_DEVICES,
  type Load,
  registerMarked,
  startLive,
  startLoad,
} from './live-stack.ts'
import { MarkedDevice, monotonicUs, readMark } from './marked-device.ts'
import { coresBetween } from './p1-ingest.ts'
import { sendAtRandom } from './pace.ts'
import type { Database } from './servers.ts'
import { cpuOf, LOAD_DEVICE_PREFIX, makeDevices } from './stack.ts'
import type { SteadyPhase } from './steady.ts'

const DEVICE = 'live-1'
/** Who was watched stays subscribed for a minute: the load that nobody watches comes from others. */
const WATCHED_PREFIX = `${LOAD_DEVICE_PREFIX}watched-`
const MESSAGE_EVERY_MS = 20
/** Of a run, in spans of the other parts: a 99th percentile needs a thousand messages. */
const SPANS = 4
/** Before it: connections, subscriptions and compiled code are not what is measured. */
const WARM_UP_SECONDS = 1
const SEED = 3
const ARRIVAL_DEADLINE_MS = 10_000

export interface LiveSide {
  name: string
  isLoaded: boolean
  /** Devices of the load that the reader watches as well. */
  alsoWatched: number
}

export const LIVE_SIDES: readonly LiveSide[] = [
  { name: 'alone', isLoaded: false, alsoWatched: 0 },
  { name: 'with 5,000 msg/s', isLoaded: true, alsoWatched: 0 },
  { name: 'with 5,000 msg/s, watching 100 of their devices too', isLoaded: true, alsoWatched: 100 },
]

export interface Spread {
  p50Ms: number
  p90Ms: number
  p99Ms: number
  maxMs: number
}

export interface LiveRun {
  messages: number
  event: Spread
  puback: Spread
  /** Median of event ÷ PUBACK, message by message. */
  eventToPuback: number
  /** Events of other devices that the same reader got and parsed. */
  otherEvents: number
  beside: SteadyPhase | undefined
  cores: Record<string, number>
}

export interface LiveResult {
  /** Round by round, a run of each side. */
  rounds: LiveRun[][]
  violations: string[]
}

interface Plan {
  pairs: number
  seconds: number
  releases: Releases
  log(line: string): void
}

export async function runP3(database: Database, plan: Plan): Promise<LiveResult> {
  const live = await startLive(database, plan.releases)
  const group = { prefix: WATCHED_PREFIX, devices: LOAD_DEVICES, releases: plan.releases }
  const watchedFile = await makeDevices(database, group)
  const [credential] = await registerMarked(database, [DEVICE])
  if (!credential) throw new Error('no device')
  const next = random(SEED)
  const violations: string[] = []
  const rounds: LiveRun[][] = []
  for (let round = 1; round <= plan.pairs; round++) {
    const runs: LiveRun[] = []
    const order = [...LIVE_SIDES.keys()]
    for (const place of round % 2 === 1 ? order : order.reverse()) {
      const side = LIVE_SIDES[place] as LiveSide
      const scene = await Scene.open(
        { ...live, ...(side.alsoWatched > 0 && { credentialsFile: watchedFile }) },
        side,
        plan.releases,
      )
      const device = await MarkedDevice.open(live.broker.port, credential, (n, atUs) => {
        scene.ackedUs[n] = atUs
      })
      const run = await scene.run(device, { seconds: SPANS * plan.seconds, next })
      violations.push(...run.violations.map((violation) => `${side.name}: ${violation}`))
      runs[place] = run.measured
      const { event, puback } = run.measured
      plan.log(
        `P3 round ${round}, ${side.name}: event p50 ${event.p50Ms.toFixed(1)} ms, p99 ${event.p99Ms.toFixed(1)} ms; ` +
          `PUBACK p50 ${puback.p50Ms.toFixed(1)} ms`,
      )
    }
    rounds.push(runs)
  }
  return { rounds, violations }
}

/** One run: a stream, a device, and perhaps others. By number of the message, as the device counts. */
class Scene {
  readonly sentUs: number[] = []
  readonly ackedUs: number[] = []
  readonly seenUs: number[] = []
  private readonly live: LiveProduct
  private readonly load: Load | undefined
  private stream: IncomingMessage | undefined
  private otherEvents = 0
  private repeated = 0
  private resyncs = 0

  private constructor(live: LiveProduct, load: Load | undefined) {
    this.live = live
    this.load = load
  }

  static async open(live: LiveProduct, side: LiveSide, releases: Releases): Promise<Scene> {
    const load = side.isLoaded ? await startLoad(live, releases) : undefined
    const scene = new Scene(live, load)
    const others = Array.from({ length: side.alsoWatched }, (_, i) => `${WATCHED_PREFIX}${i + 1}`)
    await scene.watch([DEVICE, ...others])
    return scene
  }

  async run(
    device: MarkedDevice,
    { seconds, next }: { seconds: number; next: () => number },
  ): Promise<{ measured: LiveRun; violations: string[] }> {
    const pace = { everyMs: MESSAGE_EVERY_MS, next }
    await sendAtRandom({ ...pace, seconds: WARM_UP_SECONDS }, () => device.send())
    const first = device.sent + 1
    const otherEventsBefore = this.otherEvents
    const cpu = this.cpu()
    const from = await cpu()
    const startMs = performance.now()
    await sendAtRandom({ ...pace, seconds }, () => device.send())
    const spanSeconds = (performance.now() - startMs) / 1_000
    const cores = coresBetween(from, await cpu(), { seconds: spanSeconds })
    const otherEvents = this.otherEvents - otherEventsBefore
    await this.untilArrived(device)
    const ended = await this.load?.end()
    this.stream?.destroy()
    device.leave()
    const measured = { ...this.measure(first, device.sent), otherEvents, beside: ended?.beside, cores }
    return { measured, violations: [...this.faults(device), ...(ended?.violations ?? [])] }
  }

  /** Resolves at `hello`: from then on the stream misses nothing. */
  private async watch(devices: readonly string[]): Promise<void> {
    const parser = new EventParser()
    const { url, token } = this.live.api
    const stream = await requestStream({ url, token, devices: devices.join(',') })
    this.stream = stream
    let isOpen = false
    stream.on('error', () => {})
    stream.on('data', (chunk: Buffer) => {
      // When the bytes are there; what the parser needs for the events before is the reader's own time.
      const atUs = monotonicUs()
      parser.take(chunk, ({ type, data }) => {
        if (type === 'hello') isOpen = true
        else if (type === 'resync') this.resyncs++
        else if (type === 'reading') this.see(data, atUs)
      })
    })
    await waitFor('hello', () => isOpen)
  }

  private see(data: string, atUs: number): void {
    const mark = readMark(data)
    if (!mark) {
      this.otherEvents++
      return
    }
    if (this.seenUs[mark.n] !== undefined) this.repeated++
    this.seenUs[mark.n] = atUs
    this.sentUs[mark.n] = mark.sentUs
  }

  private cpu() {
    const { database, broker, api } = this.live
    return cpuOf(database, {
      broker: broker.program.process,
      api: api.program.process,
      ...(this.load && { load: this.load.process }),
      'reader and device': process,
    })
  }

  /** What does not arrive counts as missing. */
  private async untilArrived(device: MarkedDevice): Promise<void> {
    const isThere = () => device.inFlight === 0 && this.seenUs[device.sent] !== undefined
    await waitFor('the last event', isThere, ARRIVAL_DEADLINE_MS).catch(() => {})
  }

  private measure(first: number, last: number) {
    const numbers = Array.from({ length: last - first + 1 }, (_, i) => first + i).filter(
      (n) => this.seenUs[n] !== undefined && this.ackedUs[n] !== undefined,
    )
    const took = (atUs: number[]) =>
      numbers.map((n) => ((atUs[n] as number) - (this.sentUs[n] as number)) / 1_000)
    const events = took(this.seenUs)
    const pubacks = took(this.ackedUs)
    const ratios = events.map((eventMs, i) => eventMs / (pubacks[i] as number))
    return {
      messages: numbers.length,
      event: spread(events),
      puback: spread(pubacks),
      eventToPuback: spread(ratios).p50Ms,
    }
  }

  private faults(device: MarkedDevice): string[] {
    const missing = Array.from({ length: device.sent }, (_, i) => i + 1).filter((n) => !this.seenUs[n]).length
    return [
      ...(device.inFlight > 0 ? [`${device.inFlight} messages were never acknowledged`] : []),
      ...(missing > 0 ? [`${missing} events missing`] : []),
      ...(this.repeated > 0 ? [`${this.repeated} events came twice`] : []),
      ...(this.resyncs > 0 ? [`${this.resyncs} resyncs`] : []),
    ]
  }
}

/** Of values that were measured, none in between. */
export function spread(values: readonly number[]): Spread {
  const sorted = [...values].sort((a, b) => a - b)
  const at = (share: number) => sorted[Math.ceil(share * sorted.length) - 1] ?? Number.NaN
  return { p50Ms: at(0.5), p90Ms: at(0.9), p99Ms: at(0.99), maxMs: at(1) }
}
