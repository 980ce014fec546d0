/**
 * P6: charts of a series that was sampled once a second for a year, the newest values of ten thousand devices, and
 * what people who look cost those who send. Through the product's own HTTP API, on the year-long data set.
 */
import type { Releases } from '@telltale/infra/service'
import { DAY_MS, MINUTE_MS, SECOND_MS } from '../src/signals.ts'
import {
  faults,
  openDashboards,
  openTenYearReaders,
  type Scene,
  type Seen,
  WATCHED_DEVICES,
} from './audience.ts'
import { createFleet, loadHistory, thermometer } from './history.ts'
import { type Clock, median, type Run, runTelltale, SHAPES, type Shape, violations } from './p1-ingest.ts'
import { type ApiAccess, type Latency, timeRequests } from './requests.ts'
import type { Database } from './servers.ts'
import { type Settled, settle, timed, untilQuiet } from './settle.ts'
import { newCredential, registerDevices, startProduct, type Target } from './stack.ts'

const YEAR = { prefix: 'year-', devices: 1, metrics: ['temperature'], everyMs: SECOND_MS, days: 365 }
const MINUTES = { prefix: 'minute-', devices: 10, metrics: ['temperature'], everyMs: MINUTE_MS, days: 365 }
const FLEET = {
  prefix: 'fleet-',
  devices: 10_000,
  metrics: ['temperature', 'humidity', 'pressure', 'co2', 'battery'],
  everyMs: 5 * MINUTE_MS,
  days: 15 / (24 * 60),
}
const DEVICE = `${YEAR.prefix}1`
const METRIC = 'temperature'
const LOAD = SHAPES[0] as Shape
const REQUESTS = 30
const CHART_POINTS = 800

export interface Chart {
  range: string
  latency: Latency
  points: number
  source: string
}

export interface Beside {
  who: string
  /** Messages a second with them ÷ without, round by round. */
  ratios: number[]
  medianRatio: number
  /** Of the runs with them. */
  runs: Run[]
  seen: Seen[]
}

export interface ChartsResult {
  readings: { year: number; minutes: number; fleet: number }
  loadSeconds: number
  settled: Settled
  charts: Chart[]
  latest: Latency & { devices: number; metrics: number; bodyBytes: number }
  /** Runs with nobody looking. */
  alone: Run[]
  beside: Beside[]
  violations: string[]
}

interface Plan {
  rounds: number
  seconds: number
  /** Of the data set's full size. */
  scale: number
  releases: Releases
  log(line: string): void
}

export async function runP6(database: Database, plan: Plan): Promise<ChartsResult> {
  const { log } = plan
  const data = await makeData(database, plan)
  log(`P6 data ready: ${JSON.stringify(data.readings)} readings loaded in ${data.loadSeconds.toFixed(0)} s`)
  const settled = await settle(database, log)
  const watched = newCredential(DEVICE)
  await registerDevices(database.pool, [watched])
  const { broker, api, target } = await startProduct(database, { devices: LOAD.connections, ...plan })
  await untilQuiet(database.pool)
  const { charts, problems } = await timeCharts(api, data.readings.year)
  for (const { range, latency } of charts) log(`P6 ${range}: ${latency.p50Ms.toFixed(1)} ms`)
  const latest = await timeLatest(api)
  log(`P6 latest of ${latest.devices} devices: ${latest.p50Ms.toFixed(0)} ms`)
  const scene: Scene = { api, broker, device: watched, metric: METRIC, fleetPrefix: FLEET.prefix }
  const { alone, beside } = await runBeside({ target, database, scene }, plan)
  return {
    ...data,
    settled,
    charts,
    latest,
    alone,
    beside,
    violations: [
      ...problems,
      ...(latest.devices < data.fleetDevices ? [`newest values of ${latest.devices} devices only`] : []),
      ...violations([...alone, ...beside.flatMap(({ runs }) => runs)]),
      ...beside.flatMap(({ who, seen }) =>
        seen.flatMap(({ answers }) => faults(answers).map((kind) => `${who}: answered with ${kind}`)),
      ),
    ],
  }
}

async function makeData(
  database: Database,
  { scale }: Plan,
): Promise<Pick<ChartsResult, 'readings' | 'loadSeconds'> & { fleetDevices: number }> {
  const { pool } = database
  const group = async (part: typeof YEAR) => ({
    seriesIds: await createFleet(pool, part),
    everyMs: part.everyMs,
    sensorOf: thermometer,
  })
  const fleet = { ...FLEET, devices: Math.max(WATCHED_DEVICES, Math.ceil(FLEET.devices * scale)) }
  const groups = [await group(YEAR), await group(MINUTES)]
  const fleetGroup = await group(fleet)
  const nowMs = Date.now()
  let loaded: number[] = []
  const loadSeconds = await timed(async () => {
    const years = await loadHistory(database, { groups, fromMs: nowMs - YEAR.days * scale * DAY_MS })
    loaded = [
      ...years,
      ...(await loadHistory(database, { groups: [fleetGroup], fromMs: nowMs - FLEET.days * DAY_MS })),
    ]
  })
  const [year = 0, minutes = 0, fleetReadings = 0] = loaded
  return { readings: { year, minutes, fleet: fleetReadings }, loadSeconds, fleetDevices: fleet.devices }
}

const RANGES = [
  { range: '1 hour, every reading', query: 'from=now-1h&bucket=raw&maxPoints=10000' },
  { range: '1 day', query: `from=now-1d&bucket=auto&maxPoints=${CHART_POINTS}` },
  { range: '1 week', query: `from=now-7d&bucket=auto&maxPoints=${CHART_POINTS}` },
  { range: '30 days', query: `from=now-30d&bucket=auto&maxPoints=${CHART_POINTS}` },
]
export const YEAR_RANGE = { range: '1 year', query: `from=now-365d&bucket=auto&maxPoints=${CHART_POINTS}` }

/** Of the readings that were loaded, those of the last moments may not be in the answer yet, nor the first ones. */
const COUNT_SHARE_MIN = 0.999

async function timeCharts(
  api: ApiAccess,
  yearReadings: number,
): Promise<{ charts: Chart[]; problems: string[] }> {
  const charts: Chart[] = []
  const problems: string[] = []
  for (const { range, query } of [...RANGES, YEAR_RANGE]) {
    const path = `/devices/${DEVICE}/readings?metrics=${METRIC}&to=now&${query}`
    const { lastBody, ...latency } = await timeRequests(api, REQUESTS, () => path)
    const { series, source } = JSON.parse(lastBody) as {
      series: Record<string, { value?: number[]; count?: number[] }>
      source: string
    }
    const { value = [], count = new Array<number>(value.length).fill(1) } = series[METRIC] ?? {}
    charts.push({ range, latency, points: count.length, source })
    const counted = count.reduce((total, n) => total + n, 0)
    if (range === YEAR_RANGE.range && counted < COUNT_SHARE_MIN * yearReadings)
      problems.push(`${range}: the chart holds ${counted} of ${yearReadings} readings`)
  }
  return { charts, problems }
}

async function timeLatest(api: ApiAccess): Promise<ChartsResult['latest']> {
  const { lastBody, ...latency } = await timeRequests(api, REQUESTS, () => '/latest?devices=*')
  const { items } = JSON.parse(lastBody) as { items: { values: object }[] }
  const metrics = items.reduce((total, { values }) => total + Object.keys(values).length, 0)
  return { ...latency, devices: items.length, metrics, bodyBytes: Buffer.byteLength(lastBody) }
}

const AUDIENCES = [
  { who: 'ten dashboards', open: openDashboards },
  { who: 'a dozen readers of ten years', open: openTenYearReaders },
]

/** In rounds of alone, then with each audience: each ratio is of two runs back to back or nearly so. */
async function runBeside(
  { target, database, scene }: { target: Target; database: Database; scene: Scene },
  { rounds, seconds, log }: Plan,
): Promise<Pick<ChartsResult, 'alone' | 'beside'>> {
  const clock: Clock = { lastTsMs: 0 }
  const run = () => runTelltale({ telltale: target, pool: database.pool }, { shape: LOAD, seconds, clock })
  const alone: Run[] = []
  const beside = AUDIENCES.map(({ who }): Beside => ({ who, ratios: [], medianRatio: 0, runs: [], seen: [] }))
  for (let round = 1; round <= rounds; round++) {
    const without = await run()
    alone.push(without)
    for (const [i, { who, open }] of AUDIENCES.entries()) {
      const audience = await open(scene)
      const withThem = await run()
      const seen = await audience.leave()
      // What they asked last may still be worked on.
      await untilQuiet(database.pool)
      const ratio = withThem.messagesPerSecond / without.messagesPerSecond
      const result = beside[i] as Beside
      result.runs.push(withThem)
      result.seen.push(seen)
      result.ratios.push(ratio)
      log(`P6 round ${round}, ${who}: ratio ${ratio.toFixed(2)}, answers ${JSON.stringify(seen.answers)}`)
    }
  }
  for (const result of beside) result.medianRatio = median(result.ratios) ?? 0
  return { alone, beside }
}
