import { type Series, wordsOf } from '../telemetry/series.ts'
import { formatLook, type MetricLook, type Trouble } from '../types/look.ts'
import { formatAge, formatClock, formatMoment, formatSpan } from '../ui/format.ts'
import { beyondSince, expectedEveryMs, forWords, type Newest, spanOf, stateSince } from './facts.ts'

type Note = { words: string; ink: 'ink-bad' | 'ink-warn' | '' }

type Shown = {
  newest: Newest
  series: Series | undefined
  look: MetricLook
  trouble: Trouble | null
  /** Overdue, or nobody is there to say it any more. */
  isStale: boolean
  everyMs: number | null
  /** The device's clock is off: its time is said. */
  isSkewed: boolean
  from: number
  /** By the device's clock. */
  now: number
}

/** The one line under a value: what is wrong comes before what is late, and that before what is usual. */
export function noteOf(shown: Shown): Note {
  const { newest, series, look, trouble, isStale, everyMs, isSkewed, from, now } = shown
  if (trouble !== null) {
    const numbers = series?.kind === 'number' ? series : undefined
    // What it was for is known up to the newest value only.
    const lasted = forWords(beyondSince(numbers, newest, trouble), isStale ? newest.time : now)
    return { words: `${trouble.words} ${lasted}`, ink: trouble.level === 'alarm' ? 'ink-bad' : 'ink-warn' }
  }
  if (isStale && everyMs !== null) return plain(`expected every ${formatSpan(roundSpan(everyMs))}`)
  if (isSkewed) return plain(`${formatClock(newest.time)} by its clock`)
  if (typeof newest.value === 'number') return plain(spanWords(series, { look, from, windowMs: now - from }))
  return plain(stateWords(shown))
}

function plain(words: string): Note {
  return { words, ink: '' }
}

type Stretch = { look: MetricLook; from: number; windowMs: number }

/** A picture that begins later than this in its stretch is one of less. */
const wholeSlackShare = 1 / 12

/** `3.1 to 4.9 in 1 h`; of a device that has been there for 3 minutes, `in 3 min`. */
export function spanWords(series: Series | undefined, { look, from, windowMs }: Stretch): string {
  const span = series?.kind === 'number' ? spanOf(series, from) : null
  if (span === null) return ''
  const [low, high] = [formatLook(span.low, look), formatLook(span.high, look)]
  const slackMs = Math.max(windowMs * wholeSlackShare, 3 * (expectedEveryMs(series) ?? 0))
  if (span.since - from <= slackMs) {
    return low === high ? `${low} throughout` : `${low} to ${high} in ${formatSpan(windowMs)}`
  }
  // At least ten seconds: below, ages have a decimal.
  const known = formatAge(Math.max(10_000, from + windowMs - span.since))
  return low === high ? `${low} for ${known}` : `${low} to ${high} in ${known}`
}

function stateWords({ series, newest, now }: Shown): string {
  const since = stateSince(wordsOf(series), newest)
  // Nothing older than the value itself is known.
  if (since.atLeast && since.at === newest.time) return ''
  return since.atLeast ? forWords(since, now) : `since ${formatMoment(since.at, now)}`
}

/** Ten seconds that are 9,998 ms today are ten seconds. */
function roundSpan(ms: number): number {
  const step = ms < 10_000 ? 500 : ms < 60_000 ? 1_000 : 10_000
  return Math.max(step, Math.round(ms / step) * step)
}
