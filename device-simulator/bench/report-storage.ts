/** The results of storage, P6, P7 and the sweep, as sections of the page. */
import { TEN_YEAR_READERS } from './audience.ts'
import { coresUsed, listViolations, milliseconds, ratio, table, thousands } from './markdown.ts'
import type { Run } from './p1-ingest.ts'
import { type Beside, type ChartsResult, YEAR_RANGE } from './p6-charts.ts'
import type { BytesResult } from './p7-bytes.ts'
import { AS_ACKNOWLEDGED, sayNoise } from './report.ts'
import type { Latency } from './requests.ts'
import type { Section, Verdict } from './results.ts'
import type { EngineName } from './servers.ts'
import type { Measured, SweepResult } from './sweep.ts'

type Findings = Pick<Section, 'verdicts' | 'text'>

const YEAR_TARGET_MS: Record<EngineName, number> = { plain: 300, timescale: 100 }
const LATEST_TARGET_MS = 150
const BESIDE_TARGET = 0.9
const BYTES_TARGET = 5
/** Ten or a hundred times as much may cost half more before it counts as growing. */
const FLAT_MAX = 1.5

export function reportCharts(result: ChartsResult, engine: EngineName): Findings {
  return {
    verdicts: chartVerdicts(result, engine),
    text: [
      dataSet(result),
      `${result.charts[0]?.latency.count ?? 0} requests one after the other to the HTTP API, answers read to their end.`,
      chartTable(result),
      `Then the load of P1 (50 × 50) in rounds: nobody looks; ten dashboards (each four charts of 1 h to 1 year a
second, the newest values of 50 devices every 5 s, a live stream); ${TEN_YEAR_READERS} readers that ask for ten years
again and again (automatic, raw, hours, the narrowest buckets the API allows, and two widths that it refuses).`,
      besideTable(result),
      ...result.beside.map(sayAnswers),
      result.violations.length > 0 ? listViolations(result.violations) : AS_ACKNOWLEDGED,
      sayNoise([...result.alone, ...result.beside.flatMap(({ runs }) => runs)]),
    ].join('\n\n'),
  }
}

function chartVerdicts({ charts, latest, beside }: ChartsResult, engine: EngineName): Verdict[] {
  const year = charts.find(({ range }) => range === YEAR_RANGE.range)?.latency.p50Ms ?? Number.NaN
  const atMost = (what: string, ms: number, targetMs: number): Verdict => ({
    what,
    target: `≤ ${targetMs} ms`,
    measured: `${milliseconds(ms)} ms`,
    isMet: ms <= targetMs,
  })
  return [
    atMost('a chart of a year at 1 Hz, median', year, YEAR_TARGET_MS[engine]),
    atMost(`newest values of ${thousands(latest.devices)} devices, median`, latest.p50Ms, LATEST_TARGET_MS),
    ...beside.map(({ who, medianRatio }) => ({
      what: `messages with ÷ without ${who}, median`,
      target: `≥ ${BESIDE_TARGET}`,
      measured: ratio(medianRatio),
      isMet: medianRatio >= BESIDE_TARGET,
    })),
  ]
}

function dataSet({ readings, loadSeconds, settled }: ChartsResult): string {
  const total = readings.year + readings.minutes + readings.fleet
  const { compression, bytes } = settled.now
  const perReading = (bytes.readings / total).toFixed(1)
  const compressed = compression
    ? `, compressed in ${settled.compressSeconds.toFixed(0)} s (${compression.chunksCompressed} of ${compression.chunks} chunks)`
    : ''
  return `Data: one series at 1 Hz for a year (${thousands(readings.year)} readings), ten at 1/min for a year
(${thousands(readings.minutes)}), and the last minutes of a large fleet (${thousands(readings.fleet)});
the signal of an outdoor thermometer.
Loaded in ${loadSeconds.toFixed(0)} s, rolled up in ${settled.rollUpSeconds.toFixed(0)} s${compressed}.
On disk ${perReading} bytes a reading, and rollups of ${(bytes.rollups / total).toFixed(1)} bytes a reading.`
}

function chartTable({ charts, latest }: ChartsResult): string {
  const row = (what: string, points: number, source: string, { p50Ms, p95Ms, maxMs }: Latency) => [
    what,
    thousands(points),
    source,
    ...[p50Ms, p95Ms, maxMs].map(milliseconds),
  ]
  return table(
    ['what', 'points', 'from', 'p50 ms', 'p95 ms', 'max ms'],
    [
      ...charts.map(({ range, points, source, latency }) => row(range, points, source, latency)),
      row(`newest values of ${thousands(latest.devices)} devices`, latest.metrics, 'latest', latest),
    ],
  )
}

function besideTable({ alone, beside }: ChartsResult): string {
  const row = (round: number, who: string, run: Run, withThem: number | undefined) => [
    String(round),
    who,
    thousands(run.messagesPerSecond),
    milliseconds(run.latencyP50Ms),
    milliseconds(run.latencyP99Ms),
    coresUsed(run.cores),
    withThem === undefined ? '' : ratio(withThem),
  ]
  const rows = alone.flatMap((run, i) => [
    row(i + 1, 'nobody', run, undefined),
    ...beside.map(({ who, runs, ratios }) => row(i + 1, who, runs[i] as Run, ratios[i])),
  ])
  return table(['round', 'who looks', 'msg/s', 'p50 ms', 'p99 ms', 'cores used', 'ratio'], rows)
}

function sayAnswers({ who, medianRatio, seen }: Beside): string {
  const answers: Record<string, number> = {}
  for (const one of seen)
    for (const [kind, count] of Object.entries(one.answers)) answers[kind] = (answers[kind] ?? 0) + count
  const counts = Object.entries(answers).map(([kind, count]) => `${thousands(count)} × ${kind}`)
  const worst = seen.map(({ latency }) => latency).sort((a, b) => b.p50Ms - a.p50Ms)[0]
  const took = worst
    ? `; in the slowest round p50 ${milliseconds(worst.p50Ms)} ms, p95 ${milliseconds(worst.p95Ms)} ms`
    : ''
  const events = seen.reduce((total, one) => total + (one.events ?? 0), 0)
  const live = events > 0 ? `, ${thousands(events)} live events` : ''
  return `${who}: median ratio **${ratio(medianRatio)}**; answers: ${counts.join(', ')}${took}${live}.`
}

export function reportBytes(results: BytesResult[]): Findings {
  const bytes = (value: number | undefined) => value?.toFixed(2) ?? '–'
  return {
    verdicts: results.flatMap(({ what, compressed, hasTarget }) =>
      compressed === undefined || !hasTarget
        ? []
        : [
            {
              what: `bytes a reading, compressed: ${what}`,
              target: `≤ ${BYTES_TARGET}`,
              measured: bytes(compressed),
              isMet: compressed <= BYTES_TARGET,
            },
          ],
    ),
    text: [
      'Bytes a reading, tables with their indexes and TOAST; each kind of reading in a database of its own.',
      table(
        ['readings', 'number', 'as rows', 'compressed', 'ratio', 'rollups'],
        results.map(({ what, readings, asRows, compressed, rollups }) => [
          what,
          thousands(readings),
          bytes(asRows),
          bytes(compressed),
          compressed === undefined ? '–' : `1 : ${(asRows / compressed).toFixed(1)}`,
          bytes(rollups),
        ]),
      ),
    ].join('\n\n'),
  }
}

/** What is measured at each size. */
const COSTS: { what: string; of(point: Measured): number }[] = [
  { what: 'insert, µs a row', of: ({ insertUsPerRow }) => insertUsPerRow },
  { what: 'latest of 1 device, ms', of: ({ latestOne }) => latestOne.p50Ms },
  { what: 'latest of 50 devices, ms', of: ({ latestFifty }) => latestFifty.p50Ms },
  { what: 'chart of the last day, ms', of: ({ chart }) => chart.p50Ms },
]

export function reportSweep({ devices, history }: SweepResult): Findings {
  const axes = [
    { axis: 'devices', points: devices },
    { axis: 'history', points: history },
  ]
  return {
    verdicts: axes.flatMap(({ axis, points }) => COSTS.map((cost) => growth(axis, points, cost))),
    text: [
      `Five metrics a device, a message every 15 minutes. Inserts: the product's writer, batches of 5,000 rows spread
over all devices, median of 100 after each series got its first row. Reading: median of 100 requests to the HTTP API,
each for other devices. In brackets the ratio to ×1. A batch brings ten rows of each of the 500 series of 100
devices, next to each other in the index; of more series it brings one row each, or not even that.`,
      ...axes.flatMap(({ axis, points }) => [`### ${axis} ×1, ×10, ×100`, sweepTable(points)]),
    ].join('\n\n'),
  }
}

function growth(axis: string, points: Measured[], { what, of }: (typeof COSTS)[number]): Verdict {
  const [first, ...others] = points.map(of)
  const worst = Math.max(...others.map((cost) => cost / (first ?? Number.NaN)))
  return {
    what: `${what}: most times ×1 with more ${axis}`,
    target: `≤ ${FLAT_MAX}`,
    measured: ratio(worst),
    isMet: worst <= FLAT_MAX,
  }
}

function sweepTable(points: Measured[]): string {
  const costs = (point: Measured) =>
    COSTS.map(({ of }) => `${of(point).toFixed(2)} (${ratio(of(point) / of(points[0] as Measured))})`)
  return table(
    ['', 'devices', 'days', 'readings', ...COSTS.map(({ what }) => what), 'WAL, bytes a row'],
    points.map((point) => [
      `×${point.factor}`,
      thousands(point.devices),
      String(Math.round(point.days)),
      thousands(point.readings),
      ...costs(point),
      thousands(point.walBytesPerRow),
    ]),
  )
}
