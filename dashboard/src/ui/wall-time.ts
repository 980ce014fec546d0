/** What clocks of a zone show, as the epoch milliseconds at which those of UTC show the same. */
export type WallMs = number

const second = 1_000
const day = 86_400_000

/** Making one takes longer than a hundred uses. */
const formats = new Map<string, Intl.DateTimeFormat>()

/** Words of a time in a zone; the same options give the same formatter. */
export function timeWords(timeMs: number, timeZone: string, options: Intl.DateTimeFormatOptions): string {
  const key = `${timeZone} ${JSON.stringify(options)}`
  let format = formats.get(key)
  if (format === undefined) {
    format = new Intl.DateTimeFormat('en-GB', { ...options, timeZone })
    formats.set(key, format)
  }
  return format.format(timeMs)
}

const fields = {
  year: 'numeric',
  month: '2-digit',
  day: '2-digit',
  hour: '2-digit',
  minute: '2-digit',
  second: '2-digit',
  hourCycle: 'h23',
} as const

export function toWall(timeMs: number, timeZone: string): WallMs {
  if (timeZone === 'UTC') return timeMs
  const whole = Math.floor(timeMs / second) * second
  const words = timeWords(whole, timeZone, fields)
  const [days = 0, month = 1, year = 1970, hour = 0, minute = 0, seconds = 0] = (
    words.match(/\d+/g) ?? []
  ).map(Number)
  return Date.UTC(year, month - 1, days, hour, minute, seconds) + (timeMs - whole)
}

/**
 * When clocks show this: once on most days, twice in the hour that is repeated when summer time ends, never in the hour
 * that is left out when it begins.
 */
export function instantsOf(wall: WallMs, timeZone: string): number[] {
  if (timeZone === 'UTC') return [wall]
  const offsets = new Set([wall - day, wall + day].map((around) => toWall(around, timeZone) - around))
  return [...offsets]
    .map((offset) => wall - offset)
    .filter((instant) => toWall(instant, timeZone) === wall)
    .sort((a, b) => a - b)
}

/** The first time clocks show this; where they leap over it, the time they leap at. */
export function fromWall(wall: WallMs, timeZone: string): number {
  const [first] = instantsOf(wall, timeZone)
  if (first !== undefined) return first
  // The leap is where "before it" ends: clocks there have not shown this yet, and behind it they show more.
  let before = wall - 2 * day
  let behind = wall + 2 * day
  while (behind - before > second) {
    const middle = Math.floor((before + behind) / 2 / second) * second
    if (toWall(middle, timeZone) < wall) before = middle
    else behind = middle
  }
  return behind
}

/** Days since 1970 on the calendars of a zone. */
export function dayNumber(timeMs: number, timeZone: string): number {
  return Math.floor(toWall(timeMs, timeZone) / day)
}

/** `UTC+1`, `UTC−3:30`, `UTC`. */
export function offsetWords(timeMs: number, timeZone: string): string {
  const minutes = Math.round((toWall(timeMs, timeZone) - timeMs) / 60_000)
  if (minutes === 0) return 'UTC'
  const size = Math.abs(minutes)
  const rest = size % 60 === 0 ? '' : `:${String(size % 60).padStart(2, '0')}`
  return `UTC${minutes < 0 ? '−' : '+'}${Math.floor(size / 60)}${rest}`
}

/** The city of `Europe/Amsterdam`: how people name their zone. */
export function cityOf(timeZone: string): string {
  return timeZone.split('/').at(-1)?.replaceAll('_', ' ') ?? timeZone
}
