import type { Latest } from '@telltale/api/contract'
import { grouped } from './grouped.ts'
import { dayNumber, timeWords } from './wall-time.ts'
import { shownTimeZone } from './zone.ts'

type Value = Latest['values'][string]['value']

const minute = 60_000
const hour = 60 * minute
const day = 24 * hour

/** Unknown is a dash, never a zero. */
export const unknown = '–'

/** Four figures that matter at most, grouped, with a real minus sign. */
export function formatNumber(value: number): string {
  const size = Math.abs(value)
  if (size !== 0 && (size < 0.001 || size >= 1e9)) return realMinus(value.toPrecision(4))
  const digits = size >= 1_000 ? 1 : size >= 10 ? 2 : size >= 1 ? 3 : 4
  return realMinus(grouped(value, { max: digits }))
}

export function formatCount(value: number): string {
  return realMinus(grouped(value, { max: 0 }))
}

/** A rate under ten keeps one decimal: 0.4 messages a second is not 0. */
export function formatRate(value: number): string {
  return grouped(value, { max: value < 10 ? 1 : 0 })
}

export function formatValue(value: Value | undefined): string {
  if (value === undefined) return unknown
  return typeof value === 'number' ? formatNumber(value) : String(value)
}

function realMinus(text: string): string {
  return text.replace('-', '−')
}

/** How long ago, ticking in seconds: `0.4 s`, `6 s`, `6 min`, `2 h`, `3 d`. */
export function formatAge(ageMs: number): string {
  const age = Math.max(0, ageMs)
  if (age < 10_000) return `${(Math.floor(age / 100) / 10).toFixed(1)} s`
  if (age < minute) return `${Math.floor(age / 1_000)} s`
  if (age < hour) return `${Math.floor(age / minute)} min`
  if (age < day) return `${Math.floor(age / hour)} h`
  return `${Math.floor(age / day)} d`
}

/** For what is not watched second by second: `just now`, `6 min ago`, `3 d ago`. */
export function formatAgo(timeMs: number, nowMs: number): string {
  const age = nowMs - timeMs
  return age < minute ? 'just now' : `${formatAge(age)} ago`
}

/** How long something lasted, in two units: `6 min 12 s`, `2 h 4 min`, `31 d 2 h`. */
export function formatDuration(durationMs: number): string {
  const ms = Math.max(0, durationMs)
  if (ms < 1_000) return `${Math.round(ms)} ms`
  if (ms < 10_000) return `${(Math.floor(ms / 100) / 10).toFixed(1)} s`
  if (ms < minute) return `${Math.floor(ms / 1_000)} s`
  if (ms < hour) return twoUnits(ms, [minute, 'min'], [1_000, 's'])
  if (ms < day) return twoUnits(ms, [hour, 'h'], [minute, 'min'])
  return twoUnits(ms, [day, 'd'], [hour, 'h'])
}

type Unit = [sizeMs: number, name: string]

function twoUnits(ms: number, [bigMs, big]: Unit, [smallMs, small]: Unit): string {
  const rest = Math.floor((ms % bigMs) / smallMs)
  const head = `${Math.floor(ms / bigMs)} ${big}`
  return rest === 0 ? head : `${head} ${rest} ${small}`
}

/** A round duration as people say it: `10 s`, `1 min`, `6 h`. */
export function formatSpan(ms: number): string {
  return ms < 10_000 && ms % 1_000 === 0 ? `${ms / 1_000} s` : formatDuration(ms)
}

const clock = { hour: '2-digit', minute: '2-digit', second: '2-digit', hourCycle: 'h23' } as const
const clockShort = { hour: '2-digit', minute: '2-digit', hourCycle: 'h23' } as const
const withoutYear = { day: 'numeric', month: 'short' } as const
const withYear = { ...withoutYear, year: 'numeric' } as const

/** Times are those of the zone the dashboard shows; a component that uses them calls `useZone` or `useNow`. */
export function formatClock(timeMs: number, timeZone = shownTimeZone()): string {
  return timeWords(timeMs, timeZone, clock)
}

export function formatClockShort(timeMs: number, timeZone = shownTimeZone()): string {
  return timeWords(timeMs, timeZone, clockShort)
}

/** `22 Nov`. */
export function formatDay(timeMs: number, timeZone = shownTimeZone()): string {
  return timeWords(timeMs, timeZone, withoutYear)
}

/** `Nov 2026`. */
export function formatMonth(timeMs: number, timeZone = shownTimeZone()): string {
  return timeWords(timeMs, timeZone, { month: 'short', year: 'numeric' })
}

/** Today as a time, the day before as a word, anything older as a date. */
export function formatMoment(timeMs: number, nowMs: number, timeZone = shownTimeZone()): string {
  const daysAgo = dayNumber(nowMs, timeZone) - dayNumber(timeMs, timeZone)
  if (daysAgo === 0) return formatClock(timeMs, timeZone)
  const short = formatClockShort(timeMs, timeZone)
  return daysAgo === 1 ? `yesterday ${short}` : `${dateOf(timeMs, nowMs, timeZone)} ${short}`
}

/** To the second, with its day: what a relative time stands for. */
export function formatExact(timeMs: number, timeZone = shownTimeZone()): string {
  return `${timeWords(timeMs, timeZone, withYear)}, ${formatClock(timeMs, timeZone)}`
}

export function isSameDay(timeMs: number, otherMs: number, timeZone = shownTimeZone()): boolean {
  return dayNumber(timeMs, timeZone) === dayNumber(otherMs, timeZone)
}

/** `13:02 to 14:02` for today, `18 Nov 06:00 to 21 Nov 18:00`; seconds when that is all that differs. */
export function formatRange(from: number, to: number, nowMs: number, timeZone = shownTimeZone()): string {
  const time = to - from < 10 * minute ? formatClock : formatClockShort
  const isOneDay = isSameDay(from, to, timeZone)
  const isToday = isOneDay && isSameDay(from, nowMs, timeZone)
  const start = time(from, timeZone)
  const end = time(to, timeZone)
  if (isToday) return `${start} to ${end}`
  const first = `${dateOf(from, nowMs, timeZone)} ${start}`
  return isOneDay ? `${first} to ${end}` : `${first} to ${dateOf(to, nowMs, timeZone)} ${end}`
}

/** The year only when it is another one. */
function dateOf(timeMs: number, nowMs: number, timeZone: string): string {
  const yearOf = (ms: number) => timeWords(ms, timeZone, { year: 'numeric' })
  return timeWords(timeMs, timeZone, yearOf(timeMs) === yearOf(nowMs) ? withoutYear : withYear)
}

/** Gases and the like are written as people write them. */
const SPELLINGS = new Map([
  ['co2', 'CO₂'],
  ['tvoc', 'TVOC'],
  ['ph', 'pH'],
  ['ec', 'EC'],
  ['rpm', 'RPM'],
  ['rssi', 'RSSI'],
  ['gps', 'GPS'],
])

/** `soil.moisture`, `soil_moisture` and `soilMoisture` read "Soil moisture"; other names stay as they are. */
export function prettyMetric(metric: string): string {
  if (!/^[a-z][A-Za-z0-9_.-]*$/.test(metric)) return metric
  const words = metric
    .replace(/([a-z0-9])([A-Z])/g, '$1 $2')
    .toLowerCase()
    .split(/[ _.-]+/)
    .map((word) => SPELLINGS.get(word) ?? word)
  const [first = '', ...others] = words
  // A spelling of its own keeps its first letter: pH.
  const start = first === first.toLowerCase() ? capital(first) : first
  return [start, ...others].join(' ')
}

function capital(word: string): string {
  return word.charAt(0).toUpperCase() + word.slice(1)
}
