import type { LiveReading, NumberSeries, Picture, Point, Series, StatePoint, StateSeries } from './series.ts'
import { single, wordsOf } from './series.ts'

/** Enough to recognise a reading that is delivered twice within a burst. */
const liveTimesMax = 64
/** Of readings from before the horizon: the points that lines enter from are among the newest. */
const enteringMax = 64

/**
 * Adds live readings and forgets what is older than `horizon`, except the one point a line enters from.
 * Each series is gone through once, however many readings there are: after an hour in a hidden tab it is thousands.
 */
export function mergeReadings(picture: Picture, readings: readonly LiveReading[], horizon: number): Picture {
  if (readings.length === 0) return picture
  const series: Record<string, Series> = { ...picture.series }
  for (const [metric, values] of byMetric(needed(readings, horizon)))
    series[metric] = withValues(series[metric], values, picture)
  for (const [metric, one] of Object.entries(series)) series[metric] = trimmed(one, horizon)
  return { ...picture, series, arrived: picture.arrived + readings.length }
}

function needed(readings: readonly LiveReading[], horizon: number): readonly LiveReading[] {
  const older = readings.flatMap(({ time }) => (time <= horizon ? [time] : []))
  if (older.length <= enteringMax) return readings
  const from = older.sort((a, b) => a - b).at(-enteringMax) ?? horizon
  return readings.filter(({ time }) => time >= from)
}

type LiveNumber = { t: number; value: number }
type Values = { numbers: LiveNumber[]; words: StatePoint[]; isText: boolean }

function byMetric(readings: readonly LiveReading[]): Map<string, Values> {
  const found = new Map<string, Values>()
  for (const { time: t, values } of readings) {
    for (const metric of Object.keys(values)) {
      const value = values[metric]
      let ofMetric = found.get(metric)
      if (ofMetric === undefined) {
        ofMetric = { numbers: [], words: [], isText: false }
        found.set(metric, ofMetric)
      }
      if (typeof value === 'number') {
        ofMetric.numbers.push({ t, value })
        continue
      }
      if (ofMetric.words.length === 0) ofMetric.isText = typeof value === 'string'
      ofMetric.words.push({ t, state: String(value) })
    }
  }
  return found
}

function withValues(
  before: Series | undefined,
  { numbers, words, isText }: Values,
  picture: Picture,
): Series {
  const series = numbers.length === 0 ? before : withNumbers(numbersOf(before), numbers, picture)
  if (words.length === 0 && series !== undefined) return series
  const states = wordsOf(series) ?? { kind: 'state', points: [], changesOnly: isText, gaps: [] }
  const said: StateSeries = { ...states, points: inserted(states.points, words) }
  return series?.kind === 'number' ? { ...series, words: said } : said
}

function numbersOf(series: Series | undefined): NumberSeries {
  if (series?.kind === 'number') return series
  return { kind: 'number', points: [], liveTimes: [], ...(series !== undefined && { words: series }) }
}

function withNumbers(series: NumberSeries, numbers: readonly LiveNumber[], picture: Picture): NumberSeries {
  const { bucketMs, historyTo } = picture
  if (bucketMs !== null) return withBucketed(series, numbers, { bucketMs, historyTo })
  const points = numbers.map(({ t, value }) => single(t, value))
  return { ...series, points: inserted(series.points, points) }
}

type Buckets = { bucketMs: number; historyTo: number }

function withBucketed(series: NumberSeries, numbers: readonly LiveNumber[], buckets: Buckets): NumberSeries {
  const { bucketMs, historyTo } = buckets
  const known = new Set(series.liveTimes)
  const changed = new Map<number, Point>()
  // From the back: live readings are of the newest buckets.
  const find = (t: number) => {
    const bucket = series.points[series.points.findLastIndex((point) => point.t <= t)]
    return bucket?.t === t ? bucket : undefined
  }
  for (const { t: time, value } of numbers) {
    if (known.has(time)) continue
    known.add(time)
    const t = Math.floor(time / bucketMs) * bucketMs
    const bucket = changed.get(t) ?? find(t)
    changed.set(
      t,
      bucket === undefined ? { ...single(t, value), isLive: true } : joined(bucket, value, time < historyTo),
    )
  }
  const liveTimes = [...known].slice(-liveTimesMax)
  const others = series.points.filter(({ t }) => !changed.has(t))
  return { ...series, liveTimes, points: inserted(others, [...changed.values()]) }
}

/** The history was read after such a reading was stored: counting it again would bend the average of its buckets. */
function joined(bucket: Point, value: number, isInHistory: boolean): Point {
  const isCounted = isInHistory && bucket.isLive !== true
  return {
    ...bucket,
    avg: isCounted ? bucket.avg : bucket.avg + (value - bucket.avg) / (bucket.count + 1),
    min: Math.min(bucket.min, value),
    max: Math.max(bucket.max, value),
    count: isCounted ? bucket.count : bucket.count + 1,
  }
}

/** Identity is the time: the same one again changes nothing, as in the database. */
function inserted<P extends { t: number }>(points: readonly P[], added: readonly P[]): readonly P[] {
  const late = added.toSorted((a, b) => a.t - b.t)
  // Most often all of them are newer than all that is known.
  const first = late[0]
  const from = first === undefined ? points.length : points.findLastIndex((point) => point.t <= first.t) + 1
  const all = points.slice(0, from)
  let next = from
  for (const point of late) {
    for (let known = points[next]; known !== undefined && known.t <= point.t; known = points[next]) {
      all.push(known)
      next += 1
    }
    if (all.at(-1)?.t !== point.t) all.push(point)
  }
  return all.concat(points.slice(next))
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
