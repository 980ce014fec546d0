import type { Series, SeriesKind, SeriesWanted } from '@telltale/infra/storage/series'
import type { RejectedRow, TelemetryBatch } from '@telltale/infra/storage/telemetry'
import type { Value } from './contract/index.ts'
import type { SeriesCache } from './series-cache.ts'
import type { Reading } from './telemetry.ts'

/** A decoded message on its way into the database. */
export interface Message {
  deviceId: string
  readings: Reading[]
  rejected: RejectedRow | undefined
  rowCount: number
  payloadBytes: number
  receivedAtMs: number
  /** Called once, after the commit. */
  stored: () => void
}

/** Device ids have no slash, so no two series share a key. */
export function seriesKey({ deviceId, metric, kind }: SeriesWanted): string {
  return `${deviceId}/${kind}/${metric}`
}

function kindOf(value: Value): SeriesKind {
  return typeof value as SeriesKind
}

/** Whether the series may hold the value as it is known; see resolveSeries for what has to be recorded first. */
function fits(series: Series | undefined, value: Value): boolean {
  if (series === undefined) return false
  if (series.kind === 'boolean' && typeof value === 'number') return false
  return series.mixed || (series.kind === 'string') === (typeof value === 'string')
}

/** Every (device, metric, kind) of the messages the cache cannot answer, once; `refused` ones are not asked again. */
export function missingSeries(messages: Message[], cache: SeriesCache, refused: Set<string>): SeriesWanted[] {
  const wanted = new Map<string, SeriesWanted>()
  for (const { deviceId, readings } of messages) {
    cache.touch(deviceId)
    const known = cache.of(deviceId)
    for (const { metrics, values } of readings)
      for (const [i, metric] of metrics.entries()) {
        const value = values[i] as Value
        if (fits(known.get(metric), value)) continue
        const series = { deviceId, metric, kind: kindOf(value) }
        if (!refused.has(seriesKey(series))) wanted.set(seriesKey(series), series)
      }
  }
  return [...wanted.values()]
}

/**
 * Rows of the messages; a metric whose series was refused (its device has too many) is quarantined instead.
 * @throws when a series is neither known nor refused: the batch has to be resolved again
 */
export function toRows(
  messages: Message[],
  cache: SeriesCache,
  refused: ReadonlySet<string>,
): TelemetryBatch {
  const batch: TelemetryBatch = {
    numbers: { seriesIds: [], timesMs: [], values: [] },
    texts: { seriesIds: [], timesMs: [], values: [] },
    rejected: [],
  }
  for (const message of messages) {
    const unplaced = addReadings(batch, message, { known: cache.of(message.deviceId), refused })
    if (unplaced.length > 0) batch.rejected.push(tooManyMetrics(message, unplaced))
    if (message.rejected) batch.rejected.push(message.rejected)
  }
  return batch
}

function addReadings(
  batch: TelemetryBatch,
  message: Message,
  { known, refused }: { known: ReadonlyMap<string, Series>; refused: ReadonlySet<string> },
): string[] {
  const unplaced: string[] = []
  for (const { timeMs, metrics, values } of message.readings)
    for (let i = 0; i < metrics.length; i++) {
      const metric = metrics[i] as string
      const value = values[i] as Value
      const series = known.get(metric)
      if (!series) {
        const wanted = { deviceId: message.deviceId, metric, kind: kindOf(value) }
        if (!refused.has(seriesKey(wanted))) throw new Error(`the series of ${metric} is not known any more`)
        unplaced.push(metric)
        continue
      }
      const rows = typeof value === 'string' ? batch.texts : batch.numbers
      rows.seriesIds.push(series.id)
      rows.timesMs.push(timeMs)
      if (typeof value === 'string') batch.texts.values.push(value)
      else batch.numbers.values.push(Number(value))
    }
  return unplaced
}

function tooManyMetrics(message: Message, metrics: string[]): RejectedRow {
  const payload = Buffer.from(JSON.stringify(metrics)).subarray(0, 4096)
  return {
    deviceId: message.deviceId,
    receivedAtMs: message.receivedAtMs,
    topic: 'telemetry',
    reason: `the device has too many metrics; not stored: ${metrics.slice(0, 5).join(', ').slice(0, 200)}`,
    payload,
    payloadBytes: payload.length,
  }
}
