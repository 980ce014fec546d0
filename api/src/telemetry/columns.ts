import type { BucketRow } from '@telltale/infra/storage/buckets'
import type { Point, SeriesRecord } from '@telltale/infra/storage/readings'
import type { BucketColumns, RawColumns } from '../contract/index.ts'
import { findGaps } from './gaps.ts'

export type Column = BucketColumns | RawColumns

/** By the id of the series. */
export type Columns<C = Column> = Map<number, C>

/** The newest `limit` points of each series, on its own axis; points come in order of time. */
export function toRawColumns(
  series: SeriesRecord[],
  points: Point<number | string>[],
  limit: number,
): { columns: Columns<RawColumns>; truncated: boolean } {
  const columns: Columns<RawColumns> = new Map(
    series.map(({ id, kind }) => [id, { kind, t: [], value: [], gaps: [] }]),
  )
  for (const [id, t, value] of points) {
    const column = columns.get(id)
    column?.t.push(t)
    column?.value.push(column.kind === 'boolean' && typeof value === 'number' ? value !== 0 : value)
  }
  const overlong = [...columns.values()].filter((column) => column.t.length > limit)
  for (const column of overlong) {
    column.t.splice(0, column.t.length - limit)
    column.value.splice(0, column.value.length - limit)
  }
  return { columns, truncated: overlong.length > 0 }
}

/** Every reading: so what is not there was not measured. */
export function markGaps(columns: Columns<RawColumns>): void {
  for (const column of columns.values()) column.gaps = findGaps(column)
}

/** Lined up with `times`; null where a series has nothing in a bucket. */
export function toBucketColumns(
  series: SeriesRecord[],
  rows: BucketRow[],
  { times, bucketMs }: { times: number[]; bucketMs: number },
): Columns<BucketColumns> {
  const columns: Columns<BucketColumns> = new Map(
    series.map(({ id, kind }) => [id, emptyColumns(kind === 'boolean' ? 'boolean' : 'number', times.length)]),
  )
  const rowOf = new Map(times.map((t, row) => [t, row]))
  for (const [id, t, avg, min, max, count, last] of rows) {
    const row = rowOf.get(t)
    const column = columns.get(id)
    if (row === undefined || !column) continue
    column.avg[row] = avg
    column.min[row] = min
    column.max[row] = max
    column.count[row] = count
    column.last[row] = last
  }
  for (const [id, gaps] of bucketGaps(rows, bucketMs)) {
    const column = columns.get(id)
    if (column) column.gaps = gaps
  }
  return columns
}

function emptyColumns(kind: BucketColumns['kind'], length: number): BucketColumns {
  const empty = () => new Array<number | null>(length).fill(null)
  const count = new Array<number>(length).fill(0)
  return { kind, avg: empty(), min: empty(), max: empty(), last: empty(), count, gaps: [] }
}

/** Of each series that has rows. */
export function bucketGaps(rows: BucketRow[], bucketMs: number): Map<number, BucketColumns['gaps']> {
  const seen = new Map<number, { t: number[]; count: number[] }>()
  for (const [id, t, , , , count] of rows) {
    const known = seen.get(id)
    if (known) {
      known.t.push(t)
      known.count.push(count)
    } else seen.set(id, { t: [t], count: [count] })
  }
  return new Map([...seen].map(([id, buckets]) => [id, findGaps(buckets, bucketMs)]))
}
