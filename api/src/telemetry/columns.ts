import type { Queryable } from '@telltale/infra/storage/pool'
import type { TimeRange } from '@telltale/infra/storage/presence'
import {
  type Bucket,
  countReadings,
  type Point,
  readBuckets,
  readPoints,
  readTextChanges,
  readTexts,
  type SeriesRecord,
} from '@telltale/infra/storage/readings'
import type { BucketColumns, RawColumns, Readings } from '../contract/index.ts'
import { formatWidth, niceBucketMs } from './time.ts'

/** An answer is built in memory: all series together stay under this, however many metrics a device has. */
const ANSWER_POINTS_MAX = 400_000

export interface ColumnsRequest extends TimeRange {
  series: SeriesRecord[]
  bucket: number | 'auto' | 'raw'
  maxPoints: number
}

type Columns = Omit<Readings, 'deviceId'>
type SeriesColumns = Map<string, BucketColumns | RawColumns>

/** Readings as columns. `auto` gives every reading while they fit, else buckets. */
export async function readColumns(db: Queryable, request: ColumnsRequest): Promise<Columns> {
  const { series, from, to } = request
  const limit = Math.max(
    1,
    Math.min(request.maxPoints, Math.floor(ANSWER_POINTS_MAX / Math.max(1, series.length))),
  )
  const numeric = series.filter(({ kind, mixed }) => kind !== 'string' || mixed)
  const range = { seriesIds: numeric.map(({ id }) => id), from, to, limit }
  const bucketMs = await chooseBucket(db, request, range)
  const isRaw = bucketMs === null
  const main = isRaw
    ? await readRaw(db, numeric, range)
    : await readBucketed(db, numeric, { ...range, bucketMs })
  // In buckets a mixed series shows its numbers; one without numbers in this range shows its text.
  const textual = series.filter(({ metric, kind, mixed }) =>
    mixed ? !isRaw && isEmpty(main.columns.get(metric)) : kind === 'string',
  )
  const text = await readChanges(db, textual, { ...range, seriesIds: textual.map(({ id }) => id) })
  return {
    from,
    to,
    bucketMs,
    source: isRaw ? 'raw' : formatWidth(bucketMs),
    truncated: main.truncated || text.truncated,
    t: main.t,
    // Metric names are the device's choice, `__proto__` included: fromEntries defines, never assigns.
    series: Object.fromEntries([...main.columns, ...text.columns]),
  }
}

type Range = Parameters<typeof readPoints>[1]

async function chooseBucket(db: Queryable, request: ColumnsRequest, range: Range): Promise<number | null> {
  if (request.bucket === 'raw') return null
  if (request.bucket !== 'auto') return request.bucket
  const most = await countReadings(db, { ...range, limit: range.limit + 1 })
  return most <= range.limit ? null : niceBucketMs(range, range.limit)
}

interface Part {
  t: number[]
  columns: SeriesColumns
  truncated: boolean
}

async function readRaw(db: Queryable, series: SeriesRecord[], range: Range): Promise<Part> {
  // One more than asked for shows whether something was left out.
  const oneMore = { ...range, limit: range.limit + 1 }
  const numbers = await readPoints(db, oneMore)
  const mixedIds = series.filter(({ mixed }) => mixed).map(({ id }) => id)
  if (mixedIds.length === 0) return { t: [], ...toRawColumns(series, numbers, range.limit) }
  // Every text, not only changes: between two equal ones there may have been a number.
  const texts = await readTexts(db, { ...oneMore, seriesIds: mixedIds })
  const points = [...numbers, ...texts].sort((a, b) => a.t - b.t)
  return { t: [], ...toRawColumns(series, points, range.limit) }
}

async function readChanges(db: Queryable, series: SeriesRecord[], range: Range): Promise<Omit<Part, 't'>> {
  if (series.length === 0) return { columns: new Map(), truncated: false }
  const points = await readTextChanges(db, { ...range, limit: range.limit + 1 })
  return toRawColumns(series, points, range.limit)
}

function isEmpty(column: BucketColumns | RawColumns | undefined): boolean {
  return column === undefined || ('count' in column && column.count.every((count) => count === 0))
}

function toRawColumns(
  series: SeriesRecord[],
  points: Point<number | string>[],
  limit: number,
): { columns: SeriesColumns; truncated: boolean } {
  const columns = new Map<string, RawColumns>()
  const byId = new Map<number, RawColumns>()
  for (const { id, metric, kind } of series) {
    const column: RawColumns = { kind, t: [], value: [] }
    columns.set(metric, column)
    byId.set(id, column)
  }
  for (const { seriesId, t, value } of points) {
    const column = byId.get(seriesId)
    column?.t.push(t)
    column?.value.push(column.kind === 'boolean' && typeof value === 'number' ? value !== 0 : value)
  }
  const overlong = [...columns.values()].filter((column) => column.t.length > limit)
  // Points are in order of time and the newest fit.
  for (const column of overlong) {
    column.t.splice(0, column.t.length - limit)
    column.value.splice(0, column.value.length - limit)
  }
  return { columns, truncated: overlong.length > 0 }
}

async function readBucketed(
  db: Queryable,
  series: SeriesRecord[],
  range: Range & { bucketMs: number },
): Promise<Part> {
  const buckets = await readBuckets(db, { ...range, limit: range.limit + 1 })
  const times = [...new Set(buckets.map(({ t }) => t))]
  const truncated = times.length > range.limit
  if (truncated) times.shift()
  return { t: times, columns: toBucketColumns(series, times, buckets), truncated }
}

function toBucketColumns(series: SeriesRecord[], times: number[], buckets: Bucket[]): SeriesColumns {
  const rowOf = new Map(times.map((t, row) => [t, row]))
  const columns = new Map<string, BucketColumns>()
  const byId = new Map<number, BucketColumns>()
  for (const { id, metric, kind } of series) {
    const empty = () => new Array<number | null>(times.length).fill(null)
    const count = new Array<number>(times.length).fill(0)
    const column: BucketColumns = {
      kind: kind === 'boolean' ? 'boolean' : 'number',
      avg: empty(),
      min: empty(),
      max: empty(),
      count,
    }
    columns.set(metric, column)
    byId.set(id, column)
  }
  for (const bucket of buckets) {
    const row = rowOf.get(bucket.t)
    const column = byId.get(bucket.seriesId)
    if (row === undefined || !column) continue
    column.avg[row] = bucket.avg
    column.min[row] = bucket.min
    column.max[row] = bucket.max
    column.count[row] = bucket.count
  }
  return columns
}
