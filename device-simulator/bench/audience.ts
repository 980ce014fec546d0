/** People who look while devices send: dashboards as a browser runs them, and queries nobody should ask. */
import { topics } from '@telltale/broker/contract'
import { connectAsync, type MqttClient } from 'mqtt'
import type { Credential } from './generator.ts'
import { type ApiAccess, get, type Latency, latencyOf, open, repeatUntil } from './requests.ts'

/** What they got. */
export interface Seen {
  latency: Latency
  /** How many answers of each kind: `200`, or status and code of the problem. */
  answers: Record<string, number>
  /** Server-sent events; absent where nobody listened. */
  events?: number
}

export interface Audience {
  leave(): Promise<Seen>
}

class Notes {
  private readonly tookMs: number[] = []
  private readonly answers: Record<string, number> = {}

  async ask(api: ApiAccess, path: string, ended: AbortSignal): Promise<void> {
    const { status, problem, tookMs } = await get(api, path, ended)
    this.tookMs.push(tookMs)
    const kind = problem === undefined ? String(status) : `${status} ${problem}`
    this.answers[kind] = (this.answers[kind] ?? 0) + 1
  }

  sum(): Seen {
    return { latency: latencyOf(this.tookMs), answers: this.answers }
  }
}

/** A problem says what is wrong with the request, or that the server is busy; anything else is a fault. */
export function faults(answers: Record<string, number>): string[] {
  return Object.keys(answers).filter((kind) => kind !== '200' && !/^(4\d\d|503) \w/.test(kind))
}

const DASHBOARDS = 10
const CHARTS_EVERY_MS = 1_000
const LATEST_EVERY_MS = 5_000
const LATEST_DEVICES = 50
/** What the fleet must have at least. */
export const WATCHED_DEVICES = DASHBOARDS * LATEST_DEVICES
const CHART_RANGES = ['1h', '1d', '7d', '365d']
const CHART_POINTS = 800

export interface Scene {
  api: ApiAccess
  broker: { url: string }
  /** Has a year of `metric` at 1 Hz, and goes on sending it. */
  device: Credential
  metric: string
  /** All others are called this and a number from 1. */
  fleetPrefix: string
}

/** Ten dashboards: four charts a second, the newest values of fifty devices every five, one live stream each. */
export async function openDashboards(scene: Scene): Promise<Audience> {
  const { api, device, metric, fleetPrefix } = scene
  const ended = new AbortController()
  const { signal } = ended
  const notes = new Notes()
  let events = 0
  const stopDevice = await startDevice(scene)
  const chartPath = (range: string) =>
    `/devices/${device.id}/readings?metrics=${metric}&from=now-${range}&maxPoints=${CHART_POINTS}`
  const work = everybody(DASHBOARDS, async (n) => {
    const ids = Array.from(
      { length: LATEST_DEVICES },
      (_, i) => `${fleetPrefix}${n * LATEST_DEVICES + i + 1}`,
    )
    const askCharts = () => Promise.all(CHART_RANGES.map((range) => notes.ask(api, chartPath(range), signal)))
    await Promise.all([
      repeatUntil(signal, CHARTS_EVERY_MS, askCharts),
      repeatUntil(signal, LATEST_EVERY_MS, () => notes.ask(api, `/latest?devices=${ids.join(',')}`, signal)),
      listen(scene, signal, () => events++),
    ])
  })
  return {
    leave: async () => {
      ended.abort()
      await work
      await stopDevice()
      return { ...notes.sum(), events }
    },
  }
}

/** One failure is told when they leave, not before: nobody waits for it until then. */
function everybody(count: number, one: (n: number) => Promise<unknown>): Promise<unknown> {
  const work = Promise.all(Array.from({ length: count }, (_, n) => one(n)))
  work.catch(() => {})
  return work
}

/** Counts the events of the device's live stream. */
async function listen({ api, device }: Scene, ended: AbortSignal, onEvent: () => void): Promise<void> {
  try {
    const response = await open(api, `/events?devices=*,${device.id}`, ended)
    if (response.status !== 200 || !response.body)
      throw new Error(`the live stream answered ${response.status}`)
    const text = response.body.pipeThrough(new TextDecoderStream())
    for await (const chunk of text) for (const _ of chunk.matchAll(/^event: reading$/gm)) onEvent()
  } catch (error) {
    if (!ended.aborted) throw error
  }
}

const DEVICE_EVERY_MS = 1_000

/** The watched device itself, once a second: without it nothing would be live. */
async function startDevice({ broker, device, metric }: Scene): Promise<() => Promise<void>> {
  const client: MqttClient = await connectAsync(broker.url, {
    clientId: device.id,
    username: device.id,
    password: device.secret,
  })
  const send = () => client.publish(topics.telemetry(device.id), JSON.stringify({ [metric]: 20 }), { qos: 1 })
  const timer = setInterval(send, DEVICE_EVERY_MS)
  return async () => {
    clearInterval(timer)
    await client.endAsync()
  }
}

/** Ten years, in ways from harmless to as narrow as the API allows, and narrower. */
const TEN_YEAR_QUERIES = [
  'bucket=auto&maxPoints=800',
  'bucket=raw&maxPoints=10000',
  'bucket=1h&maxPoints=10000',
  // 876,000 buckets out of whole minutes.
  'bucket=6m&maxPoints=10000',
  // Refused: no rollup fills these buckets.
  'bucket=361s&maxPoints=10000',
  'bucket=10s&maxPoints=10000',
]
export const TEN_YEAR_READERS = 2 * TEN_YEAR_QUERIES.length
/** A refused query is answered at once; its reader is a person or a script, not a flood. */
const ASK_EVERY_MS = 250

/** A dozen readers, each asking for ten years again and again. */
export function openTenYearReaders({ api, device, metric }: Scene): Audience {
  const ended = new AbortController()
  const notes = new Notes()
  const ask = (n: number) => {
    const query = TEN_YEAR_QUERIES[n % TEN_YEAR_QUERIES.length]
    const path = `/devices/${device.id}/readings?metrics=${metric}&from=now-3650d&${query}`
    return repeatUntil(ended.signal, ASK_EVERY_MS, () => notes.ask(api, path, ended.signal))
  }
  const work = everybody(TEN_YEAR_READERS, ask)
  return {
    leave: async () => {
      ended.abort()
      await work
      return notes.sum()
    },
  }
}
