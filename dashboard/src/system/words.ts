import { formatClockShort, formatCount, formatMoment, isSameDay } from '../ui/format.ts'

const byteUnits = ['B', 'kB', 'MB', 'GB', 'TB', 'PB'] as const

/** Decimal units, as disks are sold: `80.6 GB`. The unit apart, for a tile sets it smaller. */
export function bytesParts(bytes: number): [value: string, unit: string] {
  let size = Math.max(0, bytes)
  let step = 0
  while (Math.round(size) >= 1_000 && step < byteUnits.length - 1) {
    size /= 1_000
    step += 1
  }
  const digits = step === 0 || size >= 100 ? 0 : 1
  const value = size.toLocaleString('en-US', { minimumFractionDigits: digits, maximumFractionDigits: digits })
  return [value, byteUnits[step] ?? 'B']
}

/** From ten million on in millions: what fits a tile. */
export function countParts(count: number): [value: string, unit: string | undefined] {
  if (count < 10_000_000) return [formatCount(count), undefined]
  const millions = count / 1_000_000
  return [millions.toLocaleString('en-US', { maximumFractionDigits: millions < 10_000 ? 1 : 0 }), 'million']
}

export function formatBytes(bytes: number): string {
  return bytesParts(bytes).join(' ')
}

/** A part that is there is never 0 %, and one of two is never 100 %. */
export function formatShare(part: number, whole: number): string {
  if (part <= 0 || whole <= 0) return '0 %'
  const percent = (part / whole) * 100
  if (percent < 1) return '<1 %'
  return `${part < whole ? Math.min(99, Math.round(percent)) : 100} %`
}

export function formatRatio(ratio: number): string {
  return ratio.toLocaleString('en-US', { maximumFractionDigits: ratio < 100 ? 1 : 0 })
}

/** As {@link formatMoment}, to the minute. */
export function formatMinute(timeMs: number, nowMs: number): string {
  return isSameDay(timeMs, nowMs) ? formatClockShort(timeMs) : formatMoment(timeMs, nowMs)
}

/** The same where the day matters: `today 00:00`. */
export function formatDayAndMinute(timeMs: number, nowMs: number): string {
  return isSameDay(timeMs, nowMs) ? `today ${formatClockShort(timeMs)}` : formatMoment(timeMs, nowMs)
}

/** `15.8 (Debian 15.8-1.pgdg120+1)` is 15.8 and who built it. */
export function serverWords(serverVersion: string): string {
  return `PostgreSQL ${serverVersion.split(' ')[0]}`
}

const verbs: Record<string, string> = {
  compression: 'Compress',
  refresh_continuous_aggregate: 'Refresh',
  retention: 'Remove old',
}
const relations: Record<string, string> = {
  reading: 'readings',
  reading_text: 'text readings',
  reading_1m: 'minute rollups',
  reading_1h: 'hour rollups',
  reading_1d: 'day rollups',
}

/** `compression reading` is "Compress readings"; a job we have no words for keeps its name. */
export function jobWords(name: string): string {
  const [verb = '', relation = ''] = name.split(' ')
  const what = verbs[verb]
  return what === undefined ? name : `${what} ${relations[relation] ?? relation}`
}
