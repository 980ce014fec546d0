import type { Gap } from './gaps.ts'
import type { StatePoint } from './series.ts'

export type Segment = { from: number; to: number; state: string }

type SegmentRules = { from: number; to: number; gaps: readonly Gap[] }

/** Stretches of one state inside the window; a gap ends a stretch and nothing is said about it. */
export function segments(points: readonly StatePoint[], { from, to, gaps }: SegmentRules): Segment[] {
  const found: Segment[] = []
  for (const [index, { t, state }] of points.entries()) {
    const gap = gaps.find((one) => one.from >= t && one.from < (points[index + 1]?.t ?? to))
    const end = Math.min(gap?.from ?? points[index + 1]?.t ?? to, to)
    const last = found.at(-1)
    if (last !== undefined && last.state === state && last.to === t) last.to = end
    else found.push({ from: t, to: end, state })
  }
  return found
    .map((segment) => ({ ...segment, from: Math.max(from, segment.from) }))
    .filter((segment) => segment.to > segment.from)
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
