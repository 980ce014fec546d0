import { formatClock, formatClockShort, formatDay, formatMonth } from '../ui/format.ts'
import { instantsOf, toWall } from '../ui/wall-time.ts'
import { shownTimeZone } from '../ui/zone.ts'

const second = 1_000
const minute = 60 * second
const hour = 60 * minute
const day = 24 * hour
const week = 7 * day
/** On average: what decides is how many fit. */
const month = 30.44 * day

/** Clocks are set back by an hour in most zones, by two in a few. */
const repeatedMsMax = 2 * hour
/** A tick that comes early, as one that is shown twice may, needs most of the usual distance. */
const roomShare = 0.75

const timeSteps = [
  second,
  2 * second,
  5 * second,
  10 * second,
  15 * second,
  30 * second,
  minute,
  2 * minute,
  5 * minute,
  10 * minute,
  15 * minute,
  30 * minute,
  hour,
  2 * hour,
  3 * hour,
  6 * hour,
  12 * hour,
  day,
  2 * day,
  week,
  2 * week,
]
const monthSteps = [1, 2, 3, 6, 12, 24, 60, 120]

export type TimeTicks = { ticks: number[]; stepMs: number }

/**
 * Ticks on round times of the zone, about `ticksMax` at most. A day of 23 or 25 hours moves none of them off: what
 * clocks leap over has no tick, and what they show twice has two where there is room.
 */
export function timeTicks(from: number, to: number, ticksMax: number, timeZone = shownTimeZone()): TimeTicks {
  const wanted = (to - from) / Math.max(1, ticksMax)
  const stepMs = timeSteps.find((step) => step >= wanted)
  if (stepMs === undefined) return monthTicks(from, to, wanted, timeZone)
  // Weeks begin on Mondays; the first day of all was a Thursday.
  const origin = stepMs >= week ? 4 * day : 0
  const start = toWall(from, timeZone) - repeatedMsMax
  const end = toWall(to, timeZone) + repeatedMsMax
  const walls: number[] = []
  const first = Math.floor((start - origin) / stepMs) * stepMs + origin
  for (let wall = first; wall <= end; wall += stepMs) walls.push(wall)
  return { ticks: ticksAt(walls, { from, to, stepMs, timeZone }), stepMs }
}

function monthTicks(from: number, to: number, wanted: number, timeZone: string): TimeTicks {
  const months = monthSteps.find((step) => step * month >= wanted) ?? 240
  const start = new Date(toWall(from, timeZone))
  const walls: number[] = []
  let index = Math.floor((start.getUTCFullYear() * 12 + start.getUTCMonth()) / months) * months
  for (let wall = 0; wall <= toWall(to, timeZone); index += months) {
    wall = Date.UTC(Math.floor(index / 12), index % 12, 1)
    walls.push(wall)
  }
  const stepMs = months * month
  return { ticks: ticksAt(walls, { from, to, stepMs, timeZone }), stepMs }
}

type TickRules = { from: number; to: number; stepMs: number; timeZone: string }

function ticksAt(walls: readonly number[], { from, to, stepMs, timeZone }: TickRules): number[] {
  const instants = walls.flatMap((wall) => instantsOf(wall, timeZone)).sort((a, b) => a - b)
  const ticks: number[] = []
  for (const instant of instants) {
    const hasRoom = instant - (ticks.at(-1) ?? Number.NEGATIVE_INFINITY) >= stepMs * roomShare
    if (instant >= from && instant <= to && hasRoom) ticks.push(instant)
  }
  return ticks
}

export function formatTick(timeMs: number, stepMs: number, timeZone = shownTimeZone()): string {
  if (stepMs >= month) return formatMonth(timeMs, timeZone)
  if (stepMs < minute) return formatClock(timeMs, timeZone)
  const isMidnight = toWall(timeMs, timeZone) % day === 0
  if (stepMs >= day || (stepMs >= 3 * hour && isMidnight)) return formatDay(timeMs, timeZone)
  return formatClockShort(timeMs, timeZone)
}

export type ValueAxis = { low: number; high: number; ticks: number[] }

/** The smallest share of a value worth a full-height change; less is noise and is drawn flat. */
const spanShareMin = 0.01

/** Beyond these the distance of two values is infinite, and so is the way to it. */
const sizeMax = 8e307

/** Round ends and three to five round steps that contain the values. */
export function valueAxis(lowest: number, highest: number): ValueAxis {
  const low = Math.max(-sizeMax, lowest)
  const high = Math.min(sizeMax, highest)
  const floor = Math.max(Math.abs(low), Math.abs(high)) * spanShareMin || 1
  const missing = Math.max(0, floor - (high - low)) / 2
  const step = roundStep((high - low + 2 * missing) / 4)
  const first = Math.floor((low - missing) / step)
  const last = Math.ceil((high + missing) / step)
  const ticks: number[] = []
  // Multiples of the step, cleaned of binary dust (0.30000000000000004).
  for (let index = first; index <= last; index += 1) ticks.push(Number((index * step).toPrecision(12)))
  return { low: ticks[0] ?? low, high: ticks.at(-1) ?? high, ticks }
}

function roundStep(step: number): number {
  const power = 10 ** Math.floor(Math.log10(step))
  const factor = [1, 2, 2.5, 5, 10].find((candidate) => candidate * power >= step * 0.999) ?? 10
  return factor * power
}
