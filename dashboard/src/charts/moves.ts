import type { DrawnLine } from './draw.ts'
import { nearest, neighbour } from './nearest.ts'
import type { Stretch } from './plot-area.ts'

export type Move =
  | { kind: 'step' | 'extend'; direction: 1 | -1 }
  | { kind: 'end'; direction: 1 | -1 }
  | { kind: 'scale'; factor: number }
  | { kind: 'take' | 'leave' | 'hold' }

/** What a key means on a chart; null: nothing, so that it goes on to the page. */
export function moveOf(key: string, isShift: boolean): Move | null {
  switch (key) {
    case 'ArrowLeft':
      return { kind: isShift ? 'extend' : 'step', direction: -1 }
    case 'ArrowRight':
      return { kind: isShift ? 'extend' : 'step', direction: 1 }
    case 'Home':
      return { kind: 'end', direction: -1 }
    case 'End':
      return { kind: 'end', direction: 1 }
    case '+':
    case '=':
      return { kind: 'scale', factor: 0.5 }
    case '-':
    case '_':
      return { kind: 'scale', factor: 2 }
    case 'Enter':
      return { kind: 'take' }
    case 'Escape':
      return { kind: 'leave' }
    case ' ':
      return { kind: 'hold' }
    default:
      return null
  }
}

type Lines = readonly Pick<DrawnLine, 'rows'>[]

/** The point a hand means, of all lines that are drawn; the time itself where there is none. */
export function snapped(lines: Lines, t: number): number {
  return (
    closest(
      lines.map(({ rows }) => nearest(valued(rows), t)?.t),
      t,
    ) ?? t
  )
}

/** The next point in a direction, of all lines; the newest when there was none to go from. */
export function stepped(lines: Lines, t: number | null, direction: 1 | -1): number | null {
  if (t === null) return ended(lines, 1)
  const found = lines.map(({ rows }) => neighbour(valued(rows), t, direction)?.t)
  return closest(found, t) ?? t
}

/** The first or the last point of all. */
export function ended(lines: Lines, direction: 1 | -1): number | null {
  const ends = lines.flatMap(({ rows }) => {
    const points = valued(rows)
    return (direction < 0 ? points[0] : points.at(-1))?.t ?? []
  })
  if (ends.length === 0) return null
  return direction < 0 ? Math.min(...ends) : Math.max(...ends)
}

/** Half of the stretch, or twice as much, around a moment; what is still to come is left out. */
export function scaled(
  { from, to }: Stretch,
  factor: number,
  { around, now }: { around: number; now: number },
) {
  const length = (to - from) * factor
  const share = (around - from) / (to - from)
  const end = Math.min(around + (1 - share) * length, Math.max(now, to))
  return { from: end - length, to: end }
}

function valued(rows: DrawnLine['rows']): DrawnLine['rows'] {
  return rows.some(({ avg }) => avg === null) ? rows.filter(({ avg }) => avg !== null) : rows
}

function closest(times: readonly (number | undefined)[], t: number): number | null {
  let found: number | null = null
  for (const time of times) {
    if (time === undefined) continue
    if (found === null || Math.abs(time - t) < Math.abs(found - t)) found = time
  }
  return found
}
