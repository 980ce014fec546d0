/** The results of ingest, P1 and P2, as sections of the page. */
import { mosquittoVersion } from './machine.ts'
import { coresUsed, listViolations, ratio, table, thousands } from './markdown.ts'
import { median, OTHERS, type Run, type ShapeResult } from './p1-ingest.ts'
import type { RowsResult } from './p2-rows.ts'
import type { Section } from './results.ts'

const P1_TARGET = 0.6
const P2_TARGET = 1

type Findings = Pick<Section, 'verdicts' | 'text'>

export async function reportIngest(
  shapes: ShapeResult[],
  { seconds, violations }: { seconds: number; violations: string[] },
): Promise<Findings> {
  return {
    verdicts: shapes.flatMap(({ shape, medianRatio }) =>
      medianRatio === undefined
        ? []
        : [
            {
              what: `messages ÷ mosquitto's, ${shape.connections} × ${shape.window}`,
              target: `≥ ${P1_TARGET}`,
              measured: ratio(medianRatio),
              isMet: medianRatio >= P1_TARGET,
            },
          ],
    ),
    text: [
      `QoS 1 in a closed loop, five metrics a message, ${seconds} s a run after a warm-up of 2 s.
Telltale: authentication, ACL, validation, presence and the unique key on, PUBACK after commit.
mosquitto ${await mosquittoVersion()}: anonymous, stores nothing. Each pair ran back to back.
Target: median ratio ≥ ${P1_TARGET}.`,
      ...shapes.map(ingestTable),
      violations.length > 0 ? listViolations(violations) : AS_ACKNOWLEDGED,
      noise(shapes),
    ].join('\n\n'),
  }
}

export const AS_ACKNOWLEDGED =
  'After every run the database held exactly the readings that were acknowledged, and every PUBACK came in order.'

function ingestTable({ shape, pairs, medianRatio }: ShapeResult): string {
  const header = ['pair', 'broker', 'msg/s', 'readings/s', 'p50 ms', 'p99 ms', 'cores used', 'ratio']
  const rows = pairs.flatMap((pair, i) => [
    runRow(i + 1, pair.telltale, pair.ratio),
    ...(pair.mosquitto ? [runRow(i + 1, pair.mosquitto, undefined)] : []),
  ])
  const verdict = medianRatio === undefined ? 'not measured (no mosquitto)' : ratio(medianRatio)
  return [
    `### ${shape.connections} connections × window ${shape.window}`,
    table(header, rows),
    `Median ratio: **${verdict}**`,
  ].join('\n\n')
}

function runRow(pair: number, run: Run, ofPair: number | undefined): string[] {
  return [
    String(pair),
    run.target,
    thousands(run.messagesPerSecond),
    thousands(run.messagesPerSecond * run.metricsPerMessage),
    run.latencyP50Ms.toFixed(1),
    run.latencyP99Ms.toFixed(1),
    coresUsed(run.cores),
    ofPair === undefined ? '' : ratio(ofPair),
  ]
}

/** Cores that programs outside the bench may use before the ratios stop meaning anything. */
const OTHERS_CORES_MAX = 0.15

function noise(shapes: readonly ShapeResult[]): string {
  const runs = shapes.flatMap(({ pairs }) =>
    pairs.flatMap(({ telltale, mosquitto }) => [telltale, mosquitto]),
  )
  return sayNoise(runs.filter((run) => run !== undefined))
}

export function sayNoise(runs: readonly Run[]): string {
  return sayOthers(runs.map(({ cores }) => cores))
}

export function sayOthers(spans: readonly Record<string, number>[]): string {
  const worst = Math.max(0, ...spans.map((cores) => cores[OTHERS] ?? 0))
  const used = `Programs outside the bench used at most ${worst.toFixed(2)} cores during a run`
  return worst <= OTHERS_CORES_MAX ? `${used}.` : `**${used}: repeat on a quiet machine.**`
}

/** With what the broker stored in the same run, where P1 was part of it. */
export function reportRows(result: RowsResult, shapes: ShapeResult[] | undefined): Findings {
  const share = (rate: number) => rate / result.copyArrivalOrder
  const ingest = (shapes ?? []).map(({ shape, pairs }): [string, number] => {
    const rates = pairs.map(({ telltale }) => telltale.messagesPerSecond * telltale.metricsPerMessage)
    return [`broker, ${shape.connections} × ${shape.window} (P1)`, median(rates) ?? 0]
  })
  const ways: [string, number][] = [
    ['one bare COPY, rows as devices send them', result.copyArrivalOrder],
    ['one bare COPY, rows sorted by key', result.copyKeyOrder],
    ["the product's writer, called directly", result.writer],
    ...ingest,
  ]
  return {
    verdicts: [
      {
        what: "rows of the product's writer ÷ a bare COPY's",
        target: `≥ ${P2_TARGET}`,
        measured: ratio(share(result.writer)),
        isMet: share(result.writer) >= P2_TARGET,
      },
    ],
    text: [
      `${thousands(result.rows)} rows of ${result.series} series into the keyed table \`reading\`,
median of alternating rounds${shapes ? ', after P1 in the same database' : ''}.
Target: ratio ≥ ${P2_TARGET} to one bare COPY in the order in which devices send.`,
      table(
        ['way', 'rows/s', 'ratio'],
        ways.map(([way, rate]) => [way, thousands(rate), ratio(share(rate))]),
      ),
    ].join('\n\n'),
  }
}
