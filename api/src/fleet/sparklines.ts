import { readBuckets } from '@telltale/infra/storage/buckets'
import type { Queryable } from '@telltale/infra/storage/pool'
import type { TimeRange } from '@telltale/infra/storage/presence'
import { sourceFor } from '@telltale/infra/storage/sources'
import type { FleetSparklines } from '../contract/index.ts'

export const SPARK_STEP_MS = 60_000
export const SPARK_SPAN_MS = 60 * SPARK_STEP_MS

interface OwnSeries {
  id: number
  deviceId: string
  metric: string
}

/** From the rollup by the minute, and only its newest minutes from the readings. */
export async function readSparklines(
  db: Queryable,
  series: OwnSeries[],
  range: TimeRange,
): Promise<FleetSparklines['items']> {
  const rows = await readBuckets(db, {
    ...range,
    seriesIds: series.map(({ id }) => id),
    bucketMs: SPARK_STEP_MS,
    source: sourceFor(SPARK_STEP_MS),
    limit: SPARK_SPAN_MS / SPARK_STEP_MS,
  })
  const lines = new Map(series.map(({ id }) => [id, emptyLine()]))
  for (const [seriesId, t, avg] of rows) {
    const line = lines.get(seriesId)
    if (line !== undefined) line[(t - range.from) / SPARK_STEP_MS] = significant(avg)
  }
  return series.map(({ id, deviceId, metric }) => ({ deviceId, metric, values: lines.get(id) ?? [] }))
}

function emptyLine(): (number | null)[] {
  return new Array<number | null>(SPARK_SPAN_MS / SPARK_STEP_MS).fill(null)
}

/** A line a finger high needs no sixteen digits. */
function significant(value: number): number {
  return Number(value.toPrecision(5))
}
