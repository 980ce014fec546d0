import type { Latest } from '@telltale/api/contract'
import { usualIntervalMs, usualReadingMs } from '../telemetry/gaps.ts'
import {
  type NumberSeries,
  type Picture,
  type Series,
  type StateSeries,
  wordsOf,
} from '../telemetry/series.ts'
import type { Trouble } from '../types/look.ts'
import { formatAge } from '../ui/format.ts'

export type Newest = Latest['values'][string]

/** Since when something holds; `atLeast`: it began before what is known here, or behind a gap. */
type Since = { at: number; atLeast: boolean }

const staleAfterIntervals = 3
const staleAfterMinMs = 10_000

/** When the next one is overdue, and how often they usually come; null when that is not known. */
export function expectedEveryMs(series: Series | undefined): number | null {
  if (series === undefined) return null
  // Text comes as its changes only: how long it has held is no sign of silence.
  if (series.kind === 'state' && series.changesOnly) return null
  if (series.kind === 'number') return usualReadingMs(series.points)
  return usualIntervalMs(series.points.map(({ t }) => t))
}

export function isLate(ageMs: number, everyMs: number | null): boolean {
  return everyMs !== null && ageMs > Math.max(staleAfterMinMs, everyMs * staleAfterIntervals)
}

/**
 * Since when every value is beyond the limit. Of a bucket all values must be; behind a silence nothing is claimed,
 * because nobody knows what it was then.
 */
export function beyondSince(series: NumberSeries | undefined, newest: Newest, trouble: Trouble): Since {
  const points = (series?.points ?? []).filter(({ t }) => t <= newest.time)
  const usual = usualIntervalMs(points.map(({ t }) => t)) ?? Number.POSITIVE_INFINITY
  const isBeyond = ({ min, max }: { min: number; max: number }) =>
    trouble.side === 'above' ? min > trouble.limit : max < trouble.limit
  let at = newest.time
  for (let index = points.length - 1; index >= 0; index -= 1) {
    const point = points[index]
    if (point === undefined) break
    if (at - point.t > usual * staleAfterIntervals) return { at, atLeast: true }
    if (!isBeyond(point)) return { at, atLeast: false }
    at = point.t
  }
  return { at, atLeast: true }
}

/** Since when the state is what it is. */
export function stateSince(series: StateSeries | null, newest: Newest): Since {
  const points = (series?.points ?? []).filter(({ t }) => t <= newest.time)
  const state = String(newest.value)
  const other = points.findLastIndex((point) => point.state !== state)
  return { at: points[other + 1]?.t ?? newest.time, atLeast: other === -1 }
}

/** Since when, as far as a picture knows; null when it is of a time before the newest value, or says another one. */
export function heldSince(picture: Picture | undefined, metric: string, newest: Newest): Since | null {
  const words = wordsOf(picture?.series[metric])
  if (picture === undefined || words === null || picture.to < newest.time) return null
  if (words.points.findLast(({ t }) => t <= newest.time)?.state !== String(newest.value)) return null
  return stateSince(words, newest)
}

type Span = { low: number; high: number; since: number }

/** The least and the most of a stretch of time, and since when; null when fewer than two values are known. */
export function spanOf(series: NumberSeries | undefined, from: number): Span | null {
  const points = (series?.points ?? []).filter(({ t }) => t >= from)
  if (points.reduce((sum, { count }) => sum + count, 0) < 2) return null
  let low = Number.POSITIVE_INFINITY
  let high = Number.NEGATIVE_INFINITY
  for (const { min, max } of points) {
    low = Math.min(low, min)
    high = Math.max(high, max)
  }
  return { low, high, since: points[0]?.t ?? from }
}

/** `for 7 min`, `for at least 1 h`: in whole units, because it is read again each second. */
export function forWords({ at, atLeast }: Since, until: number): string {
  const ms = Math.max(0, until - at)
  const words = ms < 10_000 ? `${Math.floor(ms / 1_000)} s` : formatAge(ms)
  return atLeast ? `for at least ${words}` : `for ${words}`
}
