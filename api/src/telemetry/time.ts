import type { TimeRange } from '@telltale/infra/storage/presence'
import { ProblemError } from '../problems.ts'

const UNIT_MS = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const
type Unit = keyof typeof UNIT_MS

/** What timestamptz and Date both can hold, with room for buckets around it. */
const EPOCH_MS_MAX = Date.UTC(9999, 11, 31)
const RANGE_MS_MAX = 3_660 * UNIT_MS.d
const RFC_3339 = /^\d{4}-\d{2}-\d{2}[Tt ]\d{2}:\d{2}:\d{2}(\.\d+)?([Zz]|[+-]\d{2}:\d{2})$/

function wrong(path: string, message: string): ProblemError {
  return new ProblemError('invalid_range', { fields: [{ path, message }] })
}

/** `30s`, `5m`, `2h`, `7d` in milliseconds. */
function parseDuration(text: string): number | undefined {
  const match = /^(\d{1,9})([smhd])$/.exec(text)
  return match ? Number(match[1]) * UNIT_MS[match[2] as Unit] : undefined
}

/** RFC 3339, epoch milliseconds, `now`, `now-15m` or `now+5m`. */
export function parseInstant(path: string, text: string, now: number): number {
  const instant = readInstant(text.trim(), now)
  if (instant === undefined || Number.isNaN(instant))
    throw wrong(path, 'is not RFC 3339, epoch milliseconds, now, or such as now-15m (units s, m, h, d)')
  if (instant < 0 || instant > EPOCH_MS_MAX) throw wrong(path, 'is outside the years 1970 to 9999')
  return instant
}

function readInstant(text: string, now: number): number | undefined {
  if (/^-?\d{1,16}$/.test(text)) return Number(text)
  if (RFC_3339.test(text)) return Date.parse(text.replace(' ', 'T'))
  // In a query string an unescaped + arrives as a space.
  const relative = /^now(?:([+\- ])(\w+))?$/.exec(text)
  if (!relative) return undefined
  const [, sign, duration] = relative
  if (duration === undefined) return now
  const offset = parseDuration(duration)
  if (offset === undefined) return undefined
  return sign === '-' ? now - offset : now + offset
}

/** @throws ProblemError invalid_range when it is empty, backwards or longer than `maxMs` */
export function parseRange(query: { from: string; to: string }, maxMs = RANGE_MS_MAX): TimeRange {
  const now = Date.now()
  const from = parseInstant('query/from', query.from, now)
  const to = parseInstant('query/to', query.to, now)
  if (from >= to) throw wrong('query/from', 'must be before to')
  if (to - from > maxMs) throw wrong('query/from', `is more than ${maxMs / UNIT_MS.d} days before to`)
  return { from, to }
}

const BUCKET_MS_MAX = 366 * UNIT_MS.d

/** Bucket width in milliseconds, or `auto` or `raw`. */
export function parseBucket(text: string): number | 'auto' | 'raw' {
  if (text === 'auto' || text === 'raw') return text
  const widthMs = parseDuration(text)
  if (widthMs === undefined)
    throw wrong('query/bucket', 'is not auto, raw, or a width such as 10s, 1m, 1h, 1d (units s, m, h, d)')
  if (widthMs === 0 || widthMs > BUCKET_MS_MAX) throw wrong('query/bucket', 'is not between 1s and 366d')
  return widthMs
}

const NICE_WIDTHS = ['1s', '2s', '5s', '10s', '15s', '30s', '1m', '2m', '5m', '10m', '15m', '30m'].concat([
  '1h',
  '2h',
  '3h',
  '6h',
  '12h',
  '1d',
  '7d',
])

/** The narrowest width people read easily that cuts the range into at most `maxBuckets`. */
export function niceBucketMs(range: TimeRange, maxBuckets: number): number {
  const widths = NICE_WIDTHS.map((width) => parseDuration(width) as number)
  const widest = widths.at(-1) as number
  const fitting = widths.find((widthMs) => bucketsIn(range, widthMs) <= maxBuckets)
  if (fitting !== undefined) return fitting
  let weeks = Math.max(2, Math.floor((range.to - range.from) / widest / maxBuckets))
  while (bucketsIn(range, weeks * widest) > maxBuckets) weeks++
  return weeks * widest
}

/**
 * @throws ProblemError invalid_range when the width cuts the range into more than `bucketsMax`, or when no rollup fills
 *   such buckets and the range is longer than `rawDaysMax`
 */
export function checkBuckets(
  range: TimeRange,
  widthMs: number,
  { bucketsMax, rawDaysMax }: { bucketsMax: number; rawDaysMax: number },
): void {
  const isLong = range.to - range.from > rawDaysMax * UNIT_MS.d
  const unitMs = isLong ? UNIT_MS.m : UNIT_MS.s
  const narrowest = formatWidth(Math.ceil((range.to - range.from) / (bucketsMax - 1) / unitMs) * unitMs)
  const most = bucketsMax.toLocaleString('en')
  if (bucketsIn(range, widthMs) > bucketsMax)
    throw wrong('query/bucket', `makes more than ${most} buckets; the narrowest here is ${narrowest}`)
  if (widthMs % unitMs !== 0)
    throw wrong(
      'query/bucket',
      `must be a multiple of 1m for more than ${rawDaysMax} days; the narrowest here is ${narrowest}`,
    )
}

/** Buckets start at multiples of their width since the epoch, so a range may touch one more than it is long. */
function bucketsIn({ from, to }: TimeRange, widthMs: number): number {
  return Math.floor((to - 1) / widthMs) - Math.floor(from / widthMs) + 1
}

/** `90000` → `90s`: the largest unit that divides it. */
function formatWidth(widthMs: number): string {
  const units: Unit[] = ['d', 'h', 'm', 's']
  const unit = units.find((name) => widthMs % UNIT_MS[name] === 0) ?? 's'
  return `${widthMs / UNIT_MS[unit]}${unit}`
}
