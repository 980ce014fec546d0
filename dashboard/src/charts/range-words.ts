import { formatRange } from '../ui/format.ts'
import type { TimeRange } from './time-range.ts'

const minute = 60_000
const hour = 60 * minute
const day = 24 * hour

export const presets = [
  { windowMs: 5 * minute, short: '5 min', long: '5 min' },
  { windowMs: 15 * minute, short: '15 min', long: '15 min' },
  { windowMs: hour, short: '1 h', long: '1 hour' },
  { windowMs: 6 * hour, short: '6 h', long: '6 hours' },
  { windowMs: 24 * hour, short: '24 h', long: '24 hours' },
  { windowMs: 7 * day, short: '7 d', long: '7 days' },
] as const

/** One more than there is room for beside the charts. */
export const windows = [...presets, { windowMs: 30 * day, short: '30 d', long: '30 days' }] as const

const units = [
  [day, 'd'],
  [hour, 'h'],
  [minute, 'min'],
  [1_000, 's'],
] as const

/** `90 min`, `36 h`, `30 d`: as the window was asked for, in its largest whole unit. */
export function windowWords(windowMs: number): string {
  const known = windows.find((one) => one.windowMs === windowMs)
  if (known !== undefined) return known.short
  const [sizeMs, unit] = units.find(([size]) => windowMs % size === 0) ?? [1_000, 's']
  return `${Math.round(windowMs / sizeMs)} ${unit}`
}

/** What the button says when no preset says it. */
export function rangeWords(range: TimeRange, now: number): string {
  if (range.kind === 'fixed') return formatRange(range.from, range.to, now)
  return presets.some(({ windowMs }) => windowMs === range.windowMs)
    ? ''
    : `Last ${windowWords(range.windowMs)}`
}
