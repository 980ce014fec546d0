import type { Gap } from './gaps.ts'
import type { StatePoint } from './series.ts'

export type Segment = { from: number; to: number; state: string }

type SegmentRules = { from: number; to: number; gaps: readonly Gap[] }

/** Stretches of one state inside the window; about a gap nothing is said. */
export function segments(points: readonly StatePoint[], { from, to, gaps }: SegmentRules): Segment[] {
  const found: Segment[] = []
  for (const [index, { t, state }] of points.entries()) {
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
