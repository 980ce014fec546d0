import type { BucketColumns, LiveEvent, RawColumns, Readings } from '@telltale/api/contract'
import type { Gap } from './gaps.ts'

/** One reading (count 1) or one bucket starting at `t`; `isLive`: the history did not bring it. */
export type Point = { t: number; avg: number; min: number; max: number; count: number; isLive?: true }
export type StatePoint = { t: number; state: string }

export type NumberSeries = {
  kind: 'number'
  points: readonly Point[]
  liveTimes: readonly number[]
  /** What it said while it was no number: a metric may change its type. */
  words?: StateSeries
}
export type StateSeries = {
  kind: 'state'
  points: readonly StatePoint[]
  /** Points are the times the state changed, so a long silence between two of them is not missing data. */
  changesOnly: boolean
  /** Where the history misses data, as far as its points do not show it. */
  gaps: readonly Gap[]
}
export type Series = NumberSeries | StateSeries

/** History and live readings of one device, joined. Immutable, so a paused chart can hold on to one. */
export type Picture = {
  bucketMs: number | null
  /** The stretch that was asked for: what lies outside is not missing. */
  from: number
  to: number
  /** Live readings with a time before this are already in the buckets of the history this began with. */
  historyTo: number
  series: Readonly<Record<string, Series>>
  /** Live readings merged since the start; the difference of two pictures is "N new". */
  arrived: number
}

export type LiveReading = Extract<LiveEvent, { type: 'reading' }>['data']

const mixed = 'mixed'

export function fromReadings(readings: Readings, arrived = 0): Picture {
  const series: Record<string, Series> = {}
  for (const [metric, columns] of Object.entries(readings.series)) {
    series[metric] =
      'value' in columns ? fromRaw(columns, readings.bucketMs !== null) : fromBuckets(readings.t, columns)
  }
  const { bucketMs, from, to } = readings
  return { bucketMs, from, to, historyTo: to, series, arrived }
}

/** Beside buckets, booleans come as the times they changed; text does always. */
function fromRaw({ kind, t, value, gaps }: RawColumns, besideBuckets: boolean): Series {
  const points: Point[] = []
  const states: StatePoint[] = []
  for (const [index, time] of t.entries()) {
    const one = value[index]
    if (typeof one === 'number') points.push(single(time, one))
    else states.push({ t: time, state: String(one) })
  }
  const changesOnly = kind === 'string' || besideBuckets
  const missing = changesOnly ? gaps.map(([from, to]) => ({ from, to })) : []
  const words: StateSeries = { kind: 'state', points: states, changesOnly, gaps: missing }
  if (points.length === 0 && kind !== 'number') return words
  return { kind: 'number', points, liveTimes: [], ...(states.length > 0 && { words }) }
}

/** What of a series is no number. */
export function wordsOf(series: Series | undefined): StateSeries | null {
  return series?.kind === 'number' ? (series.words ?? null) : (series ?? null)
}

function fromBuckets(times: readonly number[], columns: BucketColumns): Series {
  const points: Point[] = []
  for (const [index, t] of times.entries()) {
    const avg = columns.avg[index]
    if (avg === null || avg === undefined) continue
    const min = columns.min[index] ?? avg
    const max = columns.max[index] ?? avg
    points.push({ t, avg, min, max, count: columns.count[index] ?? 1 })
  }
  if (columns.kind === 'number') return { kind: 'number', points, liveTimes: [] }
  const states = points.map(({ t, avg }) => ({ t, state: avg === 1 ? 'true' : avg === 0 ? 'false' : mixed }))
  return { kind: 'state', points: states, changesOnly: false, gaps: [] }
}

export function single(t: number, value: number): Point {
  return { t, avg: value, min: value, max: value, count: 1 }
}
