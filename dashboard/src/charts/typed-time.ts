import { fromWall, timeWords, toWall } from '../ui/wall-time.ts'
import { readRangeSearch, type TimeRange } from './time-range.ts'

/** What a text is read against: a day without a year is the last one there was, a bare time is today's. */
export type TimeContext = { now: number; timeZone: string }

/** `ago` only of times relative to now: they go on being that long ago. */
export type ReadTime = { ok: true; time: number; ago?: number } | { ok: false; words: string }

const second = 1_000
const minute = 60 * second
const hour = 60 * minute
const day = 24 * hour
const unitMs: Record<string, number> = { s: second, m: minute, min: minute, h: hour, d: day, w: 7 * day }
const months = ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec']
const timeMax = Date.UTC(9_999, 0, 1)

const relative = /^now(?:\s*([+-])\s*(\d{1,9})\s*(s|min|m|h|d|w)[a-z]*)?$/
const withZone = /^\d{4}-\d{2}-\d{2}[t ]\d{2}:\d{2}(:\d{2}(\.\d+)?)?\s*(z|utc|[+-]\d{2}:?\d{2})$/
const clock = String.raw`(?:[t ,]+(\d{1,2}):(\d{2})(?::(\d{2})(\.\d{1,3})?)?)?`
const isoDate = new RegExp(String.raw`^(\d{4})-(\d{1,2})-(\d{1,2})${clock}$`)
const dayFirst = new RegExp(String.raw`^(\d{1,2})\.?[ -]?([a-z]{3,9})\.?(?:[ ,-]+(\d{4}))?${clock}$`)
const monthFirst = new RegExp(String.raw`^([a-z]{3,9})\.? (\d{1,2})(?:,? (\d{4}))?${clock}$`)
const dayWord = new RegExp(`^(today|yesterday)${clock}$`)
const bareClock = /^(\d{1,2}):(\d{2})(?::(\d{2})(\.\d{1,3})?)?$/

/** As people write times, and as the API and logs do: `18 Nov 06:00`, `2026-11-18 06:00`, `now-3h`, epoch ms. */
export function readTime(text: string, context: TimeContext): ReadTime {
  const typed = text.trim().replaceAll('−', '-').replace(/\s+/g, ' ').toLowerCase()
  if (typed === '') return { ok: false, words: 'Type a time.' }
  const read = readRelative(typed, context) ?? readInstant(typed) ?? readWall(typed, context)
  if (read === null) return { ok: false, words: 'Not a time. Try 18 Nov 06:00, 2026-11-18 06:00 or now-3h.' }
  if (!read.ok) return read
  if (read.time < 0 || read.time > timeMax) return { ok: false, words: 'Outside the years 1970 to 9999.' }
  return read
}

function readRelative(typed: string, { now }: TimeContext): ReadTime | null {
  const match = relative.exec(typed)
  if (match === null) return null
  const [, sign, count, unit = ''] = match
  if (count === undefined) return { ok: true, time: now, ago: 0 }
  const ms = Number(count) * (unitMs[unit] ?? 0)
  const ago = sign === '-' ? ms : -ms
  return { ok: true, time: now - ago, ago }
}

/** Epoch milliseconds, or seconds when so few digits would be a day of 1970. */
function readInstant(typed: string): ReadTime | null {
  if (/^\d{12,15}$/.test(typed)) return { ok: true, time: Number(typed) }
  if (/^\d{9,11}$/.test(typed)) return { ok: true, time: Number(typed) * second }
  if (!withZone.test(typed)) return null
  const time = Date.parse(
    typed
      .replace(' ', 'T')
      .replace(/ |utc/g, (part) => (part === 'utc' ? 'Z' : ''))
      .toUpperCase(),
  )
  return Number.isNaN(time) ? noSuchDay : { ok: true, time }
}

const noSuchDay = { ok: false, words: 'There is no such day or time.' } as const

type Fields = { year: number | null; month: number; date: number; clock: (string | undefined)[] }

/** A time on the clocks of the zone. */
function readWall(typed: string, context: TimeContext): ReadTime | null {
  const fields = readFields(typed, context)
  if (fields === null) return null
  const thisYear = new Date(toWall(context.now, context.timeZone)).getUTCFullYear()
  const wall = wallOf(fields, fields.year ?? thisYear)
  // Of days without a year the last one there was: on 3 January, 18 Nov is that of the year before.
  const isAhead = wall !== null && wall > toWall(context.now, context.timeZone) + day
  const meant = fields.year === null && isAhead ? wallOf(fields, thisYear - 1) : wall
  return meant === null ? noSuchDay : { ok: true, time: fromWall(meant, context.timeZone) }
}

function readFields(typed: string, { now, timeZone }: TimeContext): Fields | null {
  const iso = isoDate.exec(typed)
  if (iso !== null) {
    const [, year, month, date, ...rest] = iso
    return { year: Number(year), month: Number(month) - 1, date: Number(date), clock: rest }
  }
  const named = dayFirst.exec(typed)
  if (named !== null) {
    const [, date, month = '', year, ...rest] = named
    return namedDay({ date, month, year }, rest)
  }
  const turned = monthFirst.exec(typed)
  if (turned !== null) {
    const [, month = '', date, year, ...rest] = turned
    return namedDay({ date, month, year }, rest)
  }
  const [, word, ...rest] = dayWord.exec(typed) ?? []
  const times = word === undefined ? bareClock.exec(typed)?.slice(1) : rest
  if (times === undefined) return null
  const start = new Date(toWall(now, timeZone) - (word === 'yesterday' ? day : 0))
  return { year: start.getUTCFullYear(), month: start.getUTCMonth(), date: start.getUTCDate(), clock: times }
}

type NamedDay = { date: string | undefined; month: string; year: string | undefined }

function namedDay({ date, month, year }: NamedDay, clockFields: (string | undefined)[]): Fields | null {
  const index = months.indexOf(month.slice(0, 3))
  if (index < 0) return null
  return {
    year: year === undefined ? null : Number(year),
    month: index,
    date: Number(date),
    clock: clockFields,
  }
}

/** null: no calendar or clock shows that. */
function wallOf({ month, date, clock: times }: Fields, year: number): number | null {
  const [hours = '0', minutes = '0', seconds = '0', fraction = '0'] = times
  const wall = new Date(0)
  wall.setUTCFullYear(year, month, date)
  wall.setUTCHours(Number(hours), Number(minutes), Number(seconds), Math.round(Number(fraction) * second))
  const isSame =
    wall.getUTCMonth() === month && wall.getUTCDate() === date && wall.getUTCHours() === Number(hours)
  return isSame && Number(minutes) < 60 && Number(seconds) < 60 ? wall.getTime() : null
}

/** The shortest text that reads back as this very time. */
export function writeTime(time: number, context: TimeContext): string {
  const words = (options: Intl.DateTimeFormatOptions) => timeWords(time, context.timeZone, options)
  const wall = new Date(toWall(time, context.timeZone)).toISOString()
  const clockWords = wall.endsWith(':00.000Z')
    ? wall.slice(11, 16)
    : wall.slice(11, wall.endsWith('.000Z') ? 19 : 23)
  const dayWords = words({ day: 'numeric', month: 'short' })
  const candidates = [`${dayWords} ${clockWords}`, `${dayWords} ${wall.slice(0, 4)} ${clockWords}`]
  const isMeant = (text: string) => {
    const read = readTime(text, context)
    return read.ok && read.time === time
  }
  // Left over: the second time of an hour that comes twice.
  return candidates.find(isMeant) ?? new Date(time).toISOString()
}

export type TypedRange = { from: string; to: string }
export type ReadRange = { ok: true; range: TimeRange } | { ok: false; from?: string; to?: string }

/** Until now and from so long ago is a live window; everything else stands still. */
export function readTypedRange(typed: TypedRange, context: TimeContext): ReadRange {
  const from = readTime(typed.from, context)
  const to = readTime(typed.to, context)
  if (!from.ok || !to.ok) {
    return { ok: false, ...(!from.ok && { from: from.words }), ...(!to.ok && { to: to.words }) }
  }
  if (from.time >= to.time) return { ok: false, from: 'Must be before the end.' }
  if (to.time - from.time < second) return { ok: false, to: 'At least a second after the start.' }
  if (from.time > context.now) return { ok: false, from: 'Has not come yet.' }
  const fixed = { from: Math.round(from.time), to: Math.round(to.time) }
  // What an address may hold is what the API answers.
  if (readRangeSearch(fixed).from === undefined)
    return { ok: false, from: 'More than ten years before the end.' }
  if (to.ago === 0 && from.ago !== undefined) return { ok: true, range: { kind: 'live', windowMs: from.ago } }
  return { ok: true, range: { kind: 'fixed', ...fixed } }
}
