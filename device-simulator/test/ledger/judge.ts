/** Each promise of reliability with the number that decides it. */
import { PROGRAMS } from './programs.ts'
import type { Findings } from './run.ts'
import { RECOVERY_MS_MAX, seconds } from './schedule.ts'
import type { Sample } from './watch.ts'

export interface Verdict {
  promise: string
  what: string
  found: string
  holds: boolean
}

const MEMORY_BYTES_MAX = 512 * 1024 * 1024
const OUT_WITHIN_MS = 10_000
const MIB = 1024 * 1024
/** Below this a trend says nothing. */
const TREND_MS_MIN = 10 * 60_000
/** Of the last third over the first one, and this much more on top. */
const GROWTH_MAX = 1.5

export function judge(findings: Findings): Verdict[] {
  const { comparison, happened, stops, unexpected } = findings
  const slowest = slowestRecovery(findings)
  const slowestStop = Math.max(0, ...stops.map(({ tookMs }) => tookMs))
  const badCodes = stops.filter(({ code }) => code !== undefined && code !== 0)
  const notDone = happened.filter(({ failure }) => failure !== undefined)
  const exactly = (promise: string, what: string, count: number): Verdict => ({
    ...{ promise, what, found: String(count), holds: count === 0 },
  })
  return [
    exactly('M', 'acknowledged but missing', comparison.missing),
    exactly('D', 'stored twice (messages with a ts)', comparison.twice),
    exactly('P', 'stored but never sent, or with another value', comparison.neverSent),
    exactly('P', 'readable and yet rejected', comparison.wronglyRejected),
    exactly('X', 'programs that ended by themselves, and crashes in logs', unexpected.length),
    ...memory(findings),
    {
      ...{ promise: 'T', what: 'slowest recovery after a fault (10 s)' },
      found: happened.length === 0 ? 'no fault' : seconds(slowest),
      holds: slowest !== undefined && slowest <= RECOVERY_MS_MAX,
    },
    exactly('T', 'sent and never acknowledged', findings.unacknowledged),
    exactly('order', 'answers out of order, or to nothing', findings.outOfOrder + findings.nobodyAsked),
    {
      ...{ promise: 'stop', what: `slowest of ${stops.length} orderly stops (10 s), all with exit code 0` },
      found: `${seconds(slowestStop)}${badCodes.length > 0 ? `, ${badCodes.length} with another code` : ''}`,
      holds: slowestStop <= OUT_WITHIN_MS && badCodes.length === 0,
    },
    exactly('run', 'faults that could not be done', notDone.length),
  ]
}

/** Undefined when one never recovered. */
function slowestRecovery({ happened }: Findings): number | undefined {
  let slowest = 0
  for (const { recovery } of happened) {
    if (recovery.firstMs === undefined) return undefined
    slowest = Math.max(slowest, recovery.firstMs)
  }
  return slowest
}

function memory(findings: Findings): Verdict[] {
  const verdicts = PROGRAMS.map((program): Verdict => {
    const bytes = (sample: Sample) => sample.rssBytes[program]
    const largest = Math.max(0, ...valuesOf(findings.samples, bytes))
    const trend = trendOf(findings, bytes, 50 * MIB)
    return {
      ...{
        promise: 'R',
        what: `memory of the ${program}: largest (512 MB); first and last third on average`,
      },
      found: `${mebibytes(largest)}; ${mebibytes(trend.first)} and ${mebibytes(trend.last)}`,
      holds: largest < MEMORY_BYTES_MAX && trend.isFlat,
    }
  })
  const handles = PROGRAMS.map((program): Verdict => {
    const trend = trendOf(findings, (sample) => sample.descriptors[program], 20)
    return {
      ...{ promise: 'R', what: `file descriptors of the ${program}: first and last third on average` },
      found: `${trend.first.toFixed(0)} and ${trend.last.toFixed(0)}`,
      holds: trend.isFlat,
    }
  })
  const trend = trendOf(findings, ({ connections }) => connections, 5)
  return [
    ...verdicts,
    ...handles,
    {
      ...{ promise: 'R', what: 'database connections of the product: first and last third on average' },
      found: `${trend.first.toFixed(0)} and ${trend.last.toFixed(0)}`,
      holds: trend.isFlat,
    },
  ]
}

function trendOf(
  { samples, loadMs }: Findings,
  of: (sample: Sample) => number | undefined,
  room: number,
): { first: number; last: number; isFlat: boolean } {
  const third = Math.ceil(samples.length / 3)
  const first = mean(valuesOf(samples.slice(0, third), of))
  const last = mean(valuesOf(samples.slice(-third), of))
  return { first, last, isFlat: loadMs < TREND_MS_MIN || last <= GROWTH_MAX * first + room }
}

function valuesOf(samples: readonly Sample[], of: (sample: Sample) => number | undefined): number[] {
  return samples.map(of).filter((value) => value !== undefined)
}

function mean(values: readonly number[]): number {
  return values.length === 0 ? 0 : values.reduce((sum, value) => sum + value, 0) / values.length
}

function mebibytes(bytes: number): string {
  return `${(bytes / MIB).toFixed(0)} MiB`
}
