/** The bench's table, for the terminal and for results.md alike. */
import type { Machine } from './machine.ts'
import { median, type Run, type ShapeResult } from './p1-ingest.ts'
import type { RowsResult } from './p2-rows.ts'

const P1_TARGET = 0.6
const P2_TARGET = 1

export interface Report {
  machine: Machine
  date: string
  pairs: number
  seconds: number
  p1: ShapeResult[]
  p2: RowsResult
  violations: string[]
}

export function markdown(report: Report): string {
  return [
    '# Benchmark results',
    'Written by `npm run bench`; do not edit. Ratios are what counts: absolute figures drift between machines.',
    '## Machine and workload',
    table(['what', 'value'], facts(report)),
    '## P1: durable ingest',
    `QoS 1 in a closed loop, five metrics a message, ${report.seconds} s a run after a warm-up of 2 s.
Telltale: authentication, ACL, validation, presence and the unique key on, PUBACK after commit.
mosquitto: anonymous, stores nothing. Each pair ran back to back. Target: median ratio ≥ ${P1_TARGET}.`,
    ...report.p1.map(ingestTable),
    correctness(report.violations),
    noise(report.p1),
    '## P2: rows stored',
    `${thousands(report.p2.rows)} rows of ${report.p2.series} series into the keyed table \`reading\`,
median of alternating rounds, after P1 in the same database.
Target: ratio ≥ ${P2_TARGET} to one bare COPY in the order in which devices send.`,
    rowsTable(report),
    '## What the numbers do not prove',
    LIMITS,
  ].join('\n\n')
}

const LIMITS = `- The load generator shares the machine and takes the cores the table says: on a machine of its own it
  would leave more to every broker.
- Loopback has no loss and no latency; devices here are few, fast and well-behaved, and each run lasts seconds. Nothing
  is said about hours of load, about a table of months, or about thousands of slow connections.
- The closed loop shows throughput at full load. Its latencies are those of full queues, not of a calm system.
- The disk's fsync belongs to this machine; one with slower fsync acknowledges later and batches more.
- mosquitto is a mark for how fast the protocol can be served, not a product that does the same.`

function facts({ machine, date, p1 }: Report): string[][] {
  return [
    ['date', date],
    ['cpu', `${machine.cpu}, ${machine.cores} cores`],
    ['memory', `${machine.memoryGiB} GiB`],
    ['kernel', machine.kernel],
    ['Node.js', machine.node],
    ['PostgreSQL', `${machine.postgres}, embedded, default durability`],
    ['mosquitto', machine.mosquitto],
    [
      'workload',
      p1.map(({ shape }) => `${shape.connections} connections × window ${shape.window}`).join('; '),
    ],
  ]
}

function ingestTable({ shape, pairs, medianRatio }: ShapeResult): string {
  const header = ['pair', 'broker', 'msg/s', 'readings/s', 'p50 ms', 'p99 ms', 'cores used', 'ratio']
  const rows = pairs.flatMap(({ telltale, mosquitto, ratio }, i) => [
    runRow(i + 1, telltale, ratio),
    ...(mosquitto ? [runRow(i + 1, mosquitto, undefined)] : []),
  ])
  const verdict = medianRatio === undefined ? 'not measured (no mosquitto)' : medianRatio.toFixed(2)
  return [
    `### ${shape.connections} connections × window ${shape.window}`,
    table(header, rows),
    `Median ratio: **${verdict}**`,
  ].join('\n\n')
}

function runRow(pair: number, run: Run, ratio: number | undefined): string[] {
  const { broker, postgres, generator, others } = run.cores
  return [
    String(pair),
    run.target,
    thousands(run.messagesPerSecond),
    thousands(run.messagesPerSecond * run.metricsPerMessage),
    run.latencyP50Ms.toFixed(1),
    run.latencyP99Ms.toFixed(1),
    `broker ${broker.toFixed(2)}, postgres ${postgres.toFixed(2)}, generator ${generator.toFixed(2)}, others ${others.toFixed(2)}`,
    ratio === undefined ? '' : ratio.toFixed(2),
  ]
}

function correctness(violations: readonly string[]): string {
  if (violations.length > 0) return ['**These runs do not count:**', ...violations].join('\n- ')
  return 'After every run the database held exactly the readings that were acknowledged, and every PUBACK came in order.'
}

/** Cores that programs outside the bench may use before the ratios stop meaning anything. */
const OTHERS_CORES_MAX = 0.15

function noise(p1: readonly ShapeResult[]): string {
  const runs = p1.flatMap(({ pairs }) => pairs.flatMap(({ telltale, mosquitto }) => [telltale, mosquitto]))
  const worst = Math.max(...runs.map((run) => run?.cores.others ?? 0))
  const used = `Programs outside the bench used at most ${worst.toFixed(2)} cores during a run`
  return worst <= OTHERS_CORES_MAX ? `${used}.` : `**${used}: repeat on a quiet machine.**`
}

function rowsTable({ p1, p2 }: Report): string {
  const share = (rate: number) => (rate / p2.copyArrivalOrder).toFixed(2)
  const ingest = p1.map(({ shape, pairs }): [string, number] => {
    const rates = pairs.map(({ telltale }) => telltale.messagesPerSecond * telltale.metricsPerMessage)
    return [`broker, ${shape.connections} × ${shape.window} (P1)`, median(rates) ?? 0]
  })
  const ways: [string, number][] = [
    ['one bare COPY, rows as devices send them', p2.copyArrivalOrder],
    ['one bare COPY, rows sorted by key', p2.copyKeyOrder],
    ["the product's writer, called directly", p2.writer],
    ...ingest,
  ]
  return table(
    ['way', 'rows/s', 'ratio'],
    ways.map(([way, rate]) => [way, thousands(rate), share(rate)]),
  )
}

function table(header: string[], rows: string[][]): string {
  const line = (cells: string[]) => `| ${cells.join(' | ')} |`
  return [line(header), line(header.map(() => '---')), ...rows.map(line)].join('\n')
}

function thousands(value: number): string {
  return Math.round(value).toLocaleString('en-US')
}
