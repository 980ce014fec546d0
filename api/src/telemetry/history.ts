import { limits } from '@telltale/infra/limits'
import { type BucketRow, isPartlyDropped, readBuckets } from '@telltale/infra/storage/buckets'
import type { Queryable } from '@telltale/infra/storage/pool'
import type { TimeRange } from '@telltale/infra/storage/presence'
import {
  exceeds,
  type ReadingsRange,
  readBooleanChanges,
  readPoints,
  readTextChanges,
  readTexts,
  type SeriesRecord,
} from '@telltale/infra/storage/readings'
import { type Source, sourceFor } from '@telltale/infra/storage/sources'
import type { RawColumns } from '../contract/index.ts'
import { bucketGaps, type Column, type Columns, markGaps, toBucketColumns, toRawColumns } from './columns.ts'
import { niceBucketMs } from './time.ts'

export interface HistoryRequest extends TimeRange {
  series: SeriesRecord[]
  bucket: number | 'auto' | 'raw'
  maxPoints: number
}

export interface History {
  /** Null when these are the readings themselves. */
  bucketMs: number | null
  source: Source
  truncated: boolean
  /** Starts of the buckets. */
  t: number[]
  columns: Columns
}

/** Below this, rollups have nothing to offer. */
const ROLLUP_MS_MIN = 60_000

/** Readings as columns. `auto` gives every reading while they fit, else buckets from the coarsest source that fits. */
export async function readHistory(db: Queryable, request: HistoryRequest): Promise<History> {
  const { series, from, to } = request
  const room = Math.floor(limits.history.answerPointsMax / Math.max(1, series.length))
  const limit = Math.min(request.maxPoints, room)
  const numeric = series.filter(({ kind, mixed }) => kind !== 'string' || mixed)
  const range = { seriesIds: idsOf(numeric), from, to, limit }
  const bucketMs = await chooseWidth(db, request.bucket, range)
  const main =
    bucketMs === null
      ? await readRaw(db, numeric, range)
      : await readBucketed(db, numeric, { ...range, bucketMs })
  // In buckets a mixed series shows its numbers; one without numbers in this range shows its text.
  const textual = series.filter(({ id, kind, mixed }) =>
    mixed ? bucketMs !== null && isEmpty(main.columns.get(id)) : kind === 'string',
  )
  const text = await readStates(db, textual, { ...range, read: readTextChanges })
  return {
    bucketMs,
    source: bucketMs === null ? 'raw' : sourceFor(bucketMs),
    truncated: main.truncated || text.truncated,
    t: main.t,
    columns: new Map([...main.columns, ...text.columns]),
  }
}

function idsOf(series: SeriesRecord[]): number[] {
  return series.map(({ id }) => id)
}

function isEmpty(column: Column | undefined): boolean {
  return column === undefined || ('count' in column && column.count.every((count) => count === 0))
}

async function chooseWidth(
  db: Queryable,
  bucket: HistoryRequest['bucket'],
  range: ReadingsRange,
): Promise<number | null> {
  if (bucket === 'raw') return null
  if (bucket !== 'auto') return bucket
  const niceMs = niceBucketMs(range, range.limit)
  // What retention has dropped lives on in the rollups only.
  if (await isPartlyDropped(db, range)) return Math.max(ROLLUP_MS_MIN, niceMs)
  return (await exceeds(db, range)) ? niceMs : null
}

interface Part {
  t: number[]
  columns: Columns
  truncated: boolean
}

async function readRaw(db: Queryable, series: SeriesRecord[], range: ReadingsRange): Promise<Part> {
  // One more than asked for shows whether something was left out.
  const oneMore = { ...range, limit: range.limit + 1 }
  const numbers = await readPoints(db, oneMore)
  const mixed = series.filter((one) => one.mixed)
  // Every text, not only changes: between two equal ones there may have been a number.
  const texts = mixed.length === 0 ? [] : await readTexts(db, { ...oneMore, seriesIds: idsOf(mixed) })
  const points = texts.length === 0 ? numbers : [...numbers, ...texts].sort((a, b) => a[1] - b[1])
  const { columns, truncated } = toRawColumns(series, points, range.limit)
  markGaps(columns)
  return { t: [], columns, truncated }
}

type BucketsWanted = ReadingsRange & { bucketMs: number }

async function readBucketed(db: Queryable, series: SeriesRecord[], range: BucketsWanted): Promise<Part> {
  const { bucketMs, limit } = range
  const found = await readBuckets(db, { ...range, limit: limit + 1, source: sourceFor(bucketMs) })
  const oldest = found[0]?.[1] ?? range.from
  const truncated = new Set(found.map(([, t]) => t)).size > limit
  const rows = truncated ? found.filter(([, t]) => t > oldest) : found
  const from = truncated ? Math.max(range.from, rows[0]?.[1] ?? range.from) : range.from
  const states = await readBooleans(db, series, rows, { ...range, from })
  const bucketed = series.filter(({ id }) => !states.columns.has(id))
  const shown = rows.filter(([id]) => !states.columns.has(id))
  const times = [...new Set(shown.map(([, t]) => t))]
  return {
    t: times,
    columns: new Map<number, Column>([
      ...states.columns,
      ...toBucketColumns(bucketed, shown, { times, bucketMs }),
    ]),
    truncated: truncated || states.truncated,
  }
}

interface States {
  columns: Columns<RawColumns>
  truncated: boolean
}

/** Boolean series as the times they changed, where that can be found out from not too many readings. */
async function readBooleans(
  db: Queryable,
  series: SeriesRecord[],
  rows: BucketRow[],
  range: BucketsWanted,
): Promise<States> {
  const readings = new Map<number, number>()
  for (const [id, , , , , count] of rows) readings.set(id, (readings.get(id) ?? 0) + count)
  const booleans = series.filter(({ kind, mixed }) => kind === 'boolean' && !mixed)
  const most = limits.history.stateReadingsMax / booleans.length
  const few = booleans.filter(({ id }) => (readings.get(id) ?? 0) <= most)
  if (few.length === 0 || (await isPartlyDropped(db, { ...range, seriesIds: idsOf(few) })))
    return { columns: new Map(), truncated: false }
  const states = await readStates(db, few, { ...range, read: readBooleanChanges })
  const gaps = bucketGaps(rows, range.bucketMs)
  for (const [id, column] of states.columns) column.gaps = gaps.get(id) ?? []
  return states
}

type ReadChanges = typeof readTextChanges | typeof readBooleanChanges

async function readStates(
  db: Queryable,
  series: SeriesRecord[],
  { read, ...range }: ReadingsRange & { read: ReadChanges },
): Promise<States> {
  if (series.length === 0) return { columns: new Map(), truncated: false }
  const found = await read(db, { ...range, seriesIds: idsOf(series), limit: range.limit + 1 })
  const { columns, truncated } = toRawColumns(series, found.points, range.limit)
  return { columns, truncated: truncated || found.bounded }
}
