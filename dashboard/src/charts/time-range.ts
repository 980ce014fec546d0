const second = 1_000
const minute = 60 * second
const hour = 60 * minute
const day = 24 * hour

/** A window that ends now and slides, or a stretch of time that stands still. Epoch milliseconds. */
export type TimeRange = { kind: 'live'; windowMs: number } | { kind: 'fixed'; from: number; to: number }

/** As it stands in the address: `?range=15m` or `?from=1764000000000&to=1764000900000`. */
export type RangeSearch = { range?: string; from?: number; to?: number }

const unitMs: Record<string, number> = { s: second, m: minute, h: hour, d: day }
/** The API answers for ten years; one second is the width of its narrowest bucket. */
const rangeMsMax = 3_650 * day
const rangeMsMin = second
/** What a Date and a timestamptz both hold. */
const epochMsMax = Date.UTC(9_999, 0, 1)

/** An address is typed and shared by people: what is not understood is left out, never an error. */
export function readRangeSearch(search: Record<string, unknown>): RangeSearch {
  const { range, from, to } = search
  if (isInstant(from) && isInstant(to) && isLength(to - from)) return { from, to }
  if (typeof range === 'string' && parseWindow(range) !== null) return { range }
  return {}
}

export function toTimeRange({ range, from, to }: RangeSearch, usual: TimeRange): TimeRange {
  if (from !== undefined && to !== undefined) return { kind: 'fixed', from, to }
  const windowMs = range === undefined ? null : parseWindow(range)
  return windowMs === null ? usual : { kind: 'live', windowMs }
}

/** The other way round: what of a range belongs into the address. */
export function toRangeSearch(range: TimeRange): RangeSearch {
  if (range.kind === 'live') return { range: formatWindow(range.windowMs) }
  return { from: Math.round(range.from), to: Math.round(range.to) }
}

/** `15m` in milliseconds. */
function parseWindow(text: string): number | null {
  const match = /^(\d{1,9})([smhd])$/.exec(text)
  const windowMs = Number(match?.[1]) * (unitMs[match?.[2] ?? ''] ?? Number.NaN)
  return isLength(windowMs) ? windowMs : null
}

/** The largest unit that divides it: `90s`, `15m`, `24h`, `7d`. */
export function formatWindow(windowMs: number): string {
  const ms = Math.max(rangeMsMin, Math.round(windowMs / second) * second)
  const unit =
    ms % day === 0 && ms > day ? 'd' : (['h', 'm', 's'].find((one) => ms % unitOf(one) === 0) ?? 's')
  return `${ms / unitOf(unit)}${unit}`
}

function unitOf(unit: string): number {
  return unitMs[unit] ?? second
}

export function lengthOf(range: TimeRange): number {
  return range.kind === 'live' ? range.windowMs : range.to - range.from
}

/** A stretch somebody has marked, at least a second wide and inside the time there is. */
export function fixedRange(from: number, to: number): TimeRange {
  const middle = (from + to) / 2
  const half = Math.min(rangeMsMax, Math.max(rangeMsMin, Math.abs(to - from))) / 2
  const start = Math.max(0, Math.min(epochMsMax - 2 * half, middle - half))
  return { kind: 'fixed', from: Math.round(start), to: Math.round(start + 2 * half) }
}

function isInstant(value: unknown): value is number {
  return typeof value === 'number' && Number.isInteger(value) && value >= 0 && value <= epochMsMax
}

function isLength(ms: number): boolean {
  return ms >= rangeMsMin && ms <= rangeMsMax
}
