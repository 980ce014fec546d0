import { isUtf8 } from 'node:buffer'
import { payloadLimits, type Value } from './contract/index.ts'

/** One moment's values of a device, as columns: `metrics[i]` had `values[i]`. */
export interface Reading {
  timeMs: number
  metrics: string[]
  values: Value[]
}

export interface Decoded {
  readings: Reading[]
  /** Why the message, or part of it, is quarantined. */
  rejected?: string
  /** What subscribers get instead of the payload: every reading with its time. Absent: the payload as it came. */
  stamped?: Buffer
}

/** How old and how new a `ts` may be, against the broker's clock. */
export interface TimeWindow {
  backfillMs: number
  aheadMs: number
}

/** The broker's clock as one device's messages see it: what it stamps grows, so no two of them share a time. */
export class StampClock {
  #lastMs = 0

  /** The time for one reading that came without its own: now, or a millisecond after the one before. */
  next(nowMs: number): number {
    const stampMs = Math.max(nowMs, this.#lastMs + 1)
    // A device faster than a reading a millisecond, for long, must not live in the future.
    this.#lastMs = stampMs - nowMs > STAMP_AHEAD_MS_MAX ? nowMs : stampMs
    return this.#lastMs
  }
}

const STAMP_AHEAD_MS_MAX = 60_000

/** What a payload's times are held against. */
export interface Arrival {
  nowMs: number
  clock: StampClock
  window: TimeWindow
}

/** Thrown inside this file only; its message is the reason a person reads. */
class Unreadable extends Error {}

/**
 * Decodes `devices/{id}/telemetry`: an object of metrics, `{ts, values}`, or an array of either. An element is
 * readable whole or not at all; in an array the readable ones count and the others are reported.
 * Never throws.
 */
export function decodeTelemetry(payload: Buffer, arrival: Arrival): Decoded {
  let parsed: unknown
  let text: string
  try {
    text = decodeText(payload)
    parsed = parseJson(text)
    if (Array.isArray(parsed)) return decodeBacklog(parsed, arrival)
    const { reading, stamp } = decodeElement(parsed, arrival)
    if (stamp === 'none') return { readings: [reading] }
    return { readings: [reading], stamped: stampText(text, reading, stamp) }
  } catch (error) {
    return { readings: [], rejected: reasonOf(error) }
  }
}

/** Decodes `devices/{id}/telemetry/{metric}`: one JSON number, boolean or string, or unquoted text. */
export function decodeMetric(
  metric: string,
  payload: Buffer,
  { nowMs, clock }: Pick<Arrival, 'nowMs' | 'clock'>,
): Decoded {
  try {
    checkMetricName(metric)
    const value = decodePlainValue(decodeText(payload))
    checkValue(metric, value)
    return { readings: [{ timeMs: clock.next(nowMs), metrics: [metric], values: [value] }] }
  } catch (error) {
    return { readings: [], rejected: reasonOf(error) }
  }
}

/** The stamped JSON form of readings. Metric names are data: `__proto__` must stay a key. */
export function encodeReadings(readings: Reading[]): Buffer {
  const elements = readings.map(({ timeMs, metrics, values }) => ({
    ts: timeMs,
    values: Object.fromEntries(metrics.map((metric, i) => [metric, values[i]])),
  }))
  return Buffer.from(JSON.stringify(elements.length === 1 ? elements[0] : elements))
}

/** The reason quotes what the device sent: it must itself be text that PostgreSQL can keep. */
function reasonOf(error: unknown): string {
  if (!(error instanceof Unreadable)) throw error
  return error.message.replaceAll('\0', '\u2400').toWellFormed()
}

function decodeText(payload: Buffer): string {
  if (payload.length > payloadLimits.payloadBytesMax)
    throw new Unreadable(`longer than ${payloadLimits.payloadBytesMax} bytes`)
  if (payload.length === 0) throw new Unreadable('empty payload')
  if (!isUtf8(payload)) throw new Unreadable('not UTF-8')
  return payload.toString('utf8')
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch (error) {
    throw new Unreadable(`not JSON: ${(error as Error).message.slice(0, 120)}`)
  }
}

function decodeBacklog(elements: unknown[], arrival: Arrival): Decoded {
  if (elements.length === 0) throw new Unreadable('an empty array')
  const readings: Reading[] = []
  const refused: string[] = []
  let stamped = false
  for (const [i, element] of elements.entries()) {
    try {
      const { reading, stamp } = decodeElement(element, arrival)
      readings.push(reading)
      stamped ||= stamp !== 'none'
    } catch (error) {
      refused.push(`element ${i}: ${reasonOf(error)}`)
    }
  }
  if (refused.length === 0) return stamped ? { readings, stamped: encodeReadings(readings) } : { readings }
  const more = refused.length > 1 ? ` (and ${refused.length - 1} more of ${elements.length} elements)` : ''
  return { readings, rejected: `${refused[0]}${more}`, stamped: encodeReadings(readings) }
}

type JsonObject = Record<string, unknown>

/**
 * How the device's text becomes `{ts: epoch ms, values}`: it is that already, the time is put beside its `values` or
 * around its metrics, or it is written anew because its own `ts` is of another form or in another place.
 */
type Stamp = 'none' | 'beside' | 'around' | 'anew'

function decodeElement(element: unknown, arrival: Arrival): { reading: Reading; stamp: Stamp } {
  if (!isObject(element)) throw new Unreadable('neither an object of metrics nor an array of such objects')
  const isTimed = isTimedForm(element)
  const timeMs = Object.hasOwn(element, 'ts') ? decodeTime(element.ts, arrival) : undefined
  const reading: Reading = { timeMs: timeMs ?? arrival.nowMs, metrics: [], values: [] }
  collect(isTimed ? (element.values as JsonObject) : element, '', { reading, depth: 1, skipTs: !isTimed })
  if (reading.metrics.length === 0) throw new Unreadable('no values')
  if (timeMs === undefined) {
    reading.timeMs = arrival.clock.next(arrival.nowMs)
    return { reading, stamp: isTimed ? 'beside' : 'around' }
  }
  return { reading, stamp: isTimed && element.ts === timeMs ? 'none' : 'anew' }
}

/** `{values: {…}}` with at most a `ts` beside it; anything else is a flat object of metrics. */
function isTimedForm(element: JsonObject): boolean {
  if (!Object.hasOwn(element, 'values') || !isObject(element.values)) return false
  for (const key in element) if (key !== 'values' && key !== 'ts') return false
  return true
}

function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** Adds the metrics of `object` to the reading, nested ones under dotted names. null is "no value": skipped. */
function collect(
  object: JsonObject,
  prefix: string,
  into: { reading: Reading; depth: number; skipTs: boolean },
): void {
  const { reading, depth } = into
  if (depth > payloadLimits.depthMax) throw new Unreadable(`nested deeper than ${payloadLimits.depthMax}`)
  for (const key in object) {
    const value = object[key]
    if (value === null || (into.skipTs && depth === 1 && key === 'ts')) continue
    const metric = prefix ? `${prefix}.${key}` : key
    if (isObject(value)) {
      collect(value, metric, { ...into, depth: depth + 1 })
      continue
    }
    checkMetricName(metric)
    checkValue(metric, value)
    reading.metrics.push(metric)
    reading.values.push(value as Value)
    if (reading.metrics.length > payloadLimits.metricsPerMessageMax)
      throw new Unreadable(`more than ${payloadLimits.metricsPerMessageMax} metrics`)
  }
}

function checkMetricName(metric: string): void {
  if (metric.length === 0) throw new Unreadable('an empty metric name')
  if (metric.length > payloadLimits.metricNameCharsMax)
    throw new Unreadable(`a metric name longer than ${payloadLimits.metricNameCharsMax} characters`)
  for (let i = 0; i < metric.length; i++) {
    const code = metric.charCodeAt(i)
    if (code < 0x20 || (code >= 0x7f && code < 0xa0))
      throw new Unreadable('a control character in a metric name')
    if (code >= 0xd800 && code < 0xe000 && !metric.isWellFormed())
      throw new Unreadable('half a surrogate pair in a metric name')
  }
}

function checkValue(metric: string, value: unknown): void {
  if (typeof value === 'number') {
    // JSON has no NaN, but 1e400 parses to Infinity.
    if (!Number.isFinite(value)) throw new Unreadable(`${metric}: not a finite number`)
  } else if (typeof value === 'string') checkText(metric, value)
  else if (typeof value !== 'boolean')
    throw new Unreadable(`${metric}: ${Array.isArray(value) ? 'an array' : typeof value} is not a value`)
}

function checkText(metric: string, text: string): void {
  if (Buffer.byteLength(text) > payloadLimits.stringBytesMax)
    throw new Unreadable(`${metric}: text longer than ${payloadLimits.stringBytesMax} bytes`)
  if (text.includes('\0')) throw new Unreadable(`${metric}: U+0000 in text`)
  if (!text.isWellFormed()) throw new Unreadable(`${metric}: half a surrogate pair in text`)
}

function decodePlainValue(text: string): Value {
  const trimmed = text.trim()
  // What is meant as a number is never kept as text: `NaN` from a sensor library is a fault to see.
  if (/^[-+]?(nan|inf(inity)?)$/i.test(trimmed)) throw new Unreadable(`${trimmed} is not a finite number`)
  try {
    const parsed: unknown = JSON.parse(trimmed)
    if (typeof parsed === 'number' || typeof parsed === 'boolean' || typeof parsed === 'string') return parsed
  } catch {
    return text
  }
  throw new Unreadable('one plain value expected: a number, true, false or text')
}

const RFC_3339 = /^\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d)$/
/** Up to 11 digits are seconds (until the year 5138); from 12 on milliseconds. */
const SECONDS_MAX = 1e11

function decodeTime(ts: unknown, { nowMs, window }: Arrival): number {
  const timeMs = toEpochMs(ts)
  if (timeMs < nowMs - window.backfillMs)
    throw new Unreadable(`ts ${describeTime(timeMs)} is older than readings may be`)
  if (timeMs > nowMs + window.aheadMs) throw new Unreadable(`ts ${describeTime(timeMs)} is in the future`)
  return timeMs
}

function toEpochMs(ts: unknown): number {
  if (typeof ts === 'number' && Number.isFinite(ts)) {
    if (Math.abs(ts) < SECONDS_MAX) return Math.round(ts * 1000)
    if (Number.isSafeInteger(ts)) return ts
  }
  if (typeof ts === 'string' && RFC_3339.test(ts)) {
    const timeMs = Date.parse(ts)
    if (Number.isFinite(timeMs)) return timeMs
  }
  throw new Unreadable('ts is neither epoch milliseconds, epoch seconds nor RFC 3339')
}

function describeTime(timeMs: number): string {
  const MAX_DATE_MS = 8.64e15
  return Math.abs(timeMs) <= MAX_DATE_MS ? new Date(timeMs).toISOString() : String(timeMs)
}

/** Puts the time into the device's own text: no second serialisation on the hot path. */
function stampText(text: string, reading: Reading, stamp: Exclude<Stamp, 'none'>): Buffer {
  const { timeMs } = reading
  if (stamp === 'anew') return encodeReadings([reading])
  if (stamp === 'around') return Buffer.from(`{"ts":${timeMs},"values":${text}}`)
  return Buffer.from(`{"ts":${timeMs},${text.trimStart().slice(1)}`)
}
