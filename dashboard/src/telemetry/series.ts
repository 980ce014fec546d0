import type { BucketColumns, LiveEvent, RawColumns, Readings } from '@telltale/api/contract'
import type { Gap } from './gaps.ts'

/** One reading (count 1) or one bucket starting at `t`. */
export type Point = { t: number; avg: number; min: number; max: number; count: number }
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
type Value = LiveReading['values'][string]

/** Enough to recognise a reading that is delivered twice within a burst. */
const liveTimesMax = 64
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

/** Adds live readings and forgets what is older than `horizon`, except the one point a line enters from. */
export function mergeReadings(picture: Picture, readings: readonly LiveReading[], horizon: number): Picture {
  if (readings.length === 0) return picture
  const series: Record<string, Series> = { ...picture.series }
  for (const { time, values } of readings) {
    for (const [metric, value] of Object.entries(values)) {
      series[metric] = withValue(series[metric], { time, value }, picture)
    }
  }
  for (const [metric, one] of Object.entries(series)) series[metric] = trimmed(one, horizon)
  return { ...picture, series, arrived: picture.arrived + readings.length }
}

type LiveValue = { time: number; value: Value }

function withValue(series: Series | undefined, { time, value }: LiveValue, picture: Picture): Series {
  if (typeof value === 'number') {
    const numbers = numbersOf(series)
    return picture.bucketMs === null
      ? { ...numbers, points: inserted(numbers.points, single(time, value)) }
      : withBucketed(numbers, { time, value }, { bucketMs: picture.bucketMs, historyTo: picture.historyTo })
  }
  const none: StateSeries = { kind: 'state', points: [], changesOnly: typeof value === 'string', gaps: [] }
  const states = wordsOf(series) ?? none
  const words: StateSeries = { ...states, points: inserted(states.points, { t: time, state: String(value) }) }
  return series?.kind === 'number' ? { ...series, words } : words
}

function numbersOf(series: Series | undefined): NumberSeries {
  if (series?.kind === 'number') return series
  return { kind: 'number', points: [], liveTimes: [], ...(series !== undefined && { words: series }) }
}

type Buckets = { bucketMs: number; historyTo: number }

function withBucketed(
  series: NumberSeries,
  { time, value }: { time: number; value: number },
  { bucketMs, historyTo }: Buckets,
): NumberSeries {
  if (series.liveTimes.includes(time)) return series
  const t = Math.floor(time / bucketMs) * bucketMs
  const liveTimes = [...series.liveTimes, time].slice(-liveTimesMax)
  const index = series.points.findLastIndex((point) => point.t <= t)
  const bucket = series.points[index]
  if (bucket === undefined || bucket.t !== t) {
    return { ...series, liveTimes, points: series.points.toSpliced(index + 1, 0, { ...single(t, value) }) }
  }
  // The history was read after this reading was stored: counting it again would bend the average.
  const counted = time < historyTo
  const joined: Point = {
    t,
    avg: counted ? bucket.avg : bucket.avg + (value - bucket.avg) / (bucket.count + 1),
    min: Math.min(bucket.min, value),
    max: Math.max(bucket.max, value),
    count: counted ? bucket.count : bucket.count + 1,
  }
  return { ...series, liveTimes, points: series.points.with(index, joined) }
}

/** Identity is the time: the same one again changes nothing, as in the database. */
function inserted<P extends { t: number }>(points: readonly P[], point: P): readonly P[] {
  const index = points.findLastIndex((known) => known.t <= point.t)
  if (points[index]?.t === point.t) return points
  return points.toSpliced(index + 1, 0, point)
}

function single(t: number, value: number): Point {
  return { t, avg: value, min: value, max: value, count: 1 }
}

function trimmed(series: Series, horizon: number): Series {
  if (series.kind === 'state') return { ...series, points: since(series.points, horizon) }
  const { words } = series
  return {
    ...series,
    points: since(series.points, horizon),
    ...(words !== undefined && { words: { ...words, points: since(words.points, horizon) } }),
  }
}

function since<P extends { t: number }>(points: readonly P[], horizon: number): readonly P[] {
  const entering = points.findLastIndex((point) => point.t <= horizon)
  return entering <= 0 ? points : points.slice(entering)
}
