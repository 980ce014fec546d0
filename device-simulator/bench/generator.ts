/** The load: C connections with W messages in flight each, closed loop, measured after a warm-up. */
import { setTimeout as sleep } from 'node:timers/promises'
import { METRICS_PER_MESSAGE } from './publish-template.ts'
import { Publisher } from './publisher.ts'

export interface LoadPlan {
  host: string
  /** Of one broker each; device after device takes the next one. */
  ports: readonly number[]
  connections: number
  window: number
  warmUpSeconds: number
  seconds: number
  /** ts of every device's first message; each next one carries a millisecond more. */
  startTsMs: number
  /** Device ids with their secrets; without it, names of our own and no password. */
  credentials: readonly Credential[] | undefined
}

export interface Credential {
  id: string
  secret: string
}

export interface LoadResult {
  connections: number
  window: number
  metricsPerMessage: number
  measuredMs: number
  messagesPerSecond: number
  latencyP50Ms: number
  latencyP99Ms: number
  /** Of the whole run, warm-up and drain included: what the store must hold. */
  ackedTotal: number
  outOfOrder: number
  /** No message of this run carried a later ts. */
  lastTsMs: number
  /** Of the measured span. */
  cpuSeconds: number
}

/** Connections opened at a time: the measurement is about messages, not about a connect storm. */
const CONNECTS_AT_ONCE = 25
/** A broker that has not acknowledged what is in flight by then has lost it. */
const DRAIN_DEADLINE_MS = 20_000

/** `onEdge` is told when the measured span starts and when it ends. */
export async function generateLoad(
  plan: LoadPlan,
  onEdge: (edge: 'start' | 'end') => void,
): Promise<LoadResult> {
  const latenciesMs: number[] = []
  let measuring = false
  const publishers = createPublishers(plan, (latencyMs) => {
    if (measuring) latenciesMs.push(latencyMs)
  })
  for (let i = 0; i < publishers.length; i += CONNECTS_AT_ONCE) {
    await Promise.all(publishers.slice(i, i + CONNECTS_AT_ONCE).map((publisher) => publisher.connect()))
  }
  for (const publisher of publishers) publisher.start()
  await sleep(plan.warmUpSeconds * 1_000)
  measuring = true
  onEdge('start')
  const span = await measure(publishers, plan.seconds)
  onEdge('end')
  measuring = false
  await drain(publishers)
  for (const publisher of publishers) publisher.end()
  return {
    connections: plan.connections,
    window: plan.window,
    metricsPerMessage: METRICS_PER_MESSAGE,
    ...span,
    ...percentiles(latenciesMs),
    ackedTotal: total(publishers, 'acked'),
    outOfOrder: total(publishers, 'outOfOrder'),
    lastTsMs: plan.startTsMs + Math.max(...publishers.map(({ acked }) => acked)),
  }
}

function createPublishers(plan: LoadPlan, onLatency: (latencyMs: number) => void): Publisher[] {
  const { host, ports, window, startTsMs } = plan
  return Array.from({ length: plan.connections }, (_, i) => {
    const credential = plan.credentials?.[i]
    if (plan.credentials && !credential) throw new Error(`no credential for connection ${i + 1}`)
    const deviceId = credential?.id ?? `bench-${i + 1}`
    const port = ports[i % ports.length] as number
    return new Publisher({ host, port, window, startTsMs, deviceId, secret: credential?.secret, onLatency })
  })
}

async function measure(publishers: readonly Publisher[], seconds: number) {
  const cpuBefore = process.cpuUsage()
  const ackedBefore = total(publishers, 'acked')
  const startMs = performance.now()
  await sleep(seconds * 1_000)
  const measuredMs = performance.now() - startMs
  const acked = total(publishers, 'acked') - ackedBefore
  const { user, system } = process.cpuUsage(cpuBefore)
  return { measuredMs, messagesPerSecond: acked / (measuredMs / 1_000), cpuSeconds: (user + system) / 1e6 }
}

async function drain(publishers: readonly Publisher[]): Promise<void> {
  const late = async () => {
    await sleep(DRAIN_DEADLINE_MS, undefined, { ref: false })
    throw new Error(`${total(publishers, 'inFlight')} messages were never acknowledged`)
  }
  await Promise.race([Promise.all(publishers.map((publisher) => publisher.drain())), late()])
}

function total(publishers: readonly Publisher[], what: 'acked' | 'outOfOrder' | 'inFlight'): number {
  return publishers.reduce((sum, publisher) => sum + publisher[what], 0)
}

export function percentiles(latenciesMs: number[]): Pick<LoadResult, 'latencyP50Ms' | 'latencyP99Ms'> {
  const sorted = Float64Array.from(latenciesMs).sort()
  const at = (share: number) => sorted[Math.floor(share * (sorted.length - 1))] ?? Number.NaN
  return { latencyP50Ms: at(0.5), latencyP99Ms: at(0.99) }
}
