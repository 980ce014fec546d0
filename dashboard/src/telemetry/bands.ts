import { findGaps, type Gap } from './gaps.ts'
import { type Picture, type Series, type StatePoint, wordsOf } from './series.ts'

export type Segment = { from: number; to: number; state: string }

type SegmentRules = { from: number; to: number; gaps: readonly Gap[] }

type Known = { from: number; to: number; offlineSince: number | null }

/** Text holds until it changes, but only as long as there is somebody to say so. */
export function segmentsOf(picture: Picture | undefined, metric: string, known: Known): Segment[] {
  const series = picture?.series[metric]
  const words = wordsOf(series)
  if (picture === undefined || words === null) return []
  const { from, offlineSince } = known
  const to = Math.min(known.to, picture.to)
  const points = withEnds(words.points, series)
  if (words.changesOnly) {
    return segments(points, { from, to: Math.min(to, offlineSince ?? to), gaps: words.gaps })
  }
  const times = [...points, ...numbersOf(series)].map(({ t }) => t).sort((a, b) => a - b)
  const dense = [...new Set(times)].map((t) => ({ t, count: 1 }))
  // How often it comes is not known of a single one.
  const until = dense.length < 2 ? Math.min(to, offlineSince ?? to) : to
  return segments(points, { from, to: until, gaps: findGaps(dense, { bucketMs: picture.bucketMs, until }) })
}

type Said = { t: number; state: string | null }

/** A word of a metric that says numbers as well is over with its next number. */
function withEnds(words: readonly StatePoint[], series: Series | undefined): Said[] {
  const numbers = numbersOf(series)
  const said: Said[] = []
  let next = 0
  for (const [index, word] of words.entries()) {
    said.push(word)
    for (let t = numbers[next]?.t; t !== undefined && t <= word.t; t = numbers[next]?.t) next += 1
    const end = numbers[next]?.t
    if (end !== undefined && end < (words[index + 1]?.t ?? Number.POSITIVE_INFINITY)) {
      said.push({ t: end, state: null })
    }
  }
  return said
}

function numbersOf(series: Series | undefined): readonly { t: number }[] {
  return series?.kind === 'number' ? series.points : []
}

/** Stretches of one state inside the window; about a gap nothing is said. */
export function segments(points: readonly Said[], { from, to, gaps }: SegmentRules): Segment[] {
  const found: Segment[] = []
  for (const [index, { t, state }] of points.entries()) {
    if (state === null) continue
    for (const part of outside(gaps, { from: t, to: Math.min(points[index + 1]?.t ?? to, to) })) {
      const last = found.at(-1)
      if (last !== undefined && last.state === state && last.to === part.from) last.to = part.to
      else found.push({ ...part, state })
    }
  }
  return found
    .map((segment) => ({ ...segment, from: Math.max(from, segment.from) }))
    .filter((segment) => segment.to > segment.from)
}

/** What of a stretch the gaps leave; a state that held on both sides of one is two parts. */
function outside(gaps: readonly Gap[], { from, to }: Gap): Gap[] {
  const parts: Gap[] = []
  let start = from
  for (const gap of gaps) {
    if (gap.to <= start || gap.from >= to) continue
    if (gap.from > start) parts.push({ from: start, to: gap.from })
    start = gap.to
  }
  if (start < to) parts.push({ from: start, to })
  return parts
}

/** Off, closed and their like rest in grey; every other state gets a colour by its order of appearance. */
export function bandTones(states: readonly string[]): Map<string, 'rest' | 'a' | 'b'> {
  const resting = new Set(['false', 'off', 'closed', 'idle', 'ok', 'normal', 'none'])
  const tones = new Map<string, 'rest' | 'a' | 'b'>()
  let coloured = 0
  for (const state of states) {
    if (tones.has(state)) continue
    if (resting.has(state.toLowerCase())) tones.set(state, 'rest')
    else {
      tones.set(state, coloured % 2 === 0 ? 'a' : 'b')
      coloured += 1
    }
  }
  return tones
}
