import { createHash } from 'node:crypto'
import { limits } from '@telltale/infra/limits'
import type { Series, SeriesKind, SeriesWanted } from '@telltale/infra/storage/series'
import type { RejectedRow, TelemetryBatch } from '@telltale/infra/storage/telemetry'
import { topics, type Value } from './contract/index.ts'
import type { SeriesCache } from './series-cache.ts'
import type { KeptReply } from './spool/records.ts'
import type { Reading } from './telemetry.ts'

/** A decoded message on its way into the database. */
export interface Message {
  deviceId: string
  readings: Reading[]
  rejected: RejectedRow | undefined
  rowCount: number
  payloadBytes: number
  receivedAtMs: number
  /** Of one that waited on disk: the newest deletion of a device the broker knew of when it came. */
  lastDeletion?: number
  /** Called once, when it is in the database or on the broker's own disk. */
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

/** Why it is quarantined, in text the database can keep. */
export function refusedReason(error: Error): string {
  return `the database refused it: ${error.message}`.replaceAll('\0', '').slice(0, 500)
}

/** What the database refused, as a rejected message. */
export function quarantined(message: Message, error: Error): Message {
  const payload = Buffer.from(JSON.stringify(message.readings)).subarray(0, limits.rejected.payloadBytesKept)
  return {
    ...message,
    readings: [],
    rowCount: 1,
    rejected: message.rejected ?? {
      key: keyOf(message, 'refused'),
      deviceId: message.deviceId,
      receivedAtMs: message.receivedAtMs,
      topic: 'telemetry',
      reason: refusedReason(error),
      payload,
      payloadBytes: message.payloadBytes,
    },
  }
}

/** A command's reply that the database refused after it had waited on disk. */
export function refusedReply({ deviceId, commandId, payload }: KeptReply, error: Error): Message {
  const receivedAtMs = Date.now()
  const bytes = Buffer.from(JSON.stringify(payload))
  const rejected: RejectedRow = {
    key: uuidOf(['refused reply', deviceId, commandId, payload]),
    deviceId,
    receivedAtMs,
    topic: topics.reply(deviceId, commandId),
    reason: refusedReason(error),
    payload: bytes.subarray(0, limits.rejected.payloadBytesKept),
    payloadBytes: bytes.length,
  }
  const stored = () => {}
  return { deviceId, readings: [], rejected, rowCount: 1, payloadBytes: bytes.length, receivedAtMs, stored }
}

/** The same whenever the same message is stored, also after it waited on disk. */
function keyOf({ deviceId, receivedAtMs, readings }: Message, why: string): string {
  return uuidOf([why, deviceId, receivedAtMs, readings])
}

function uuidOf(words: unknown[]): string {
  return createHash('sha256').update(JSON.stringify(words)).digest('hex').slice(0, 32)
}

function tooManyMetrics(message: Message, metrics: string[]): RejectedRow {
  const payload = Buffer.from(JSON.stringify(metrics)).subarray(0, limits.rejected.payloadBytesKept)
  return {
    key: keyOf(message, 'too many metrics'),
    deviceId: message.deviceId,
    receivedAtMs: message.receivedAtMs,
    topic: 'telemetry',
    reason: `the device has too many metrics; not stored: ${metrics.slice(0, 5).join(', ').slice(0, 200)}`,
    payload,
    payloadBytes: payload.length,
  }
}
