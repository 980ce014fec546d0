import type { Row } from '../telemetry/rows.ts'
import { type Extent, type PlotArea, type Stretch, xOf, yOf } from './plot-area.ts'

export type Scale = { stretch: Stretch; extent: Extent; area: PlotArea }

/** A line through the rows as an SVG path; a row without a value ends a piece of it. */
export function linePath(rows: readonly Row[], scale: Scale): string {
  let path = ''
  let isDown = false
  for (const { t, avg } of rows) {
    if (avg === null) {
      isDown = false
      continue
    }
    path += `${isDown ? 'L' : 'M'}${place(t, avg, scale)}`
    isDown = true
  }
  return path
}

/** The area between the lowest and the highest of each row, one closed piece between two gaps. */
export function bandPath(rows: readonly Row[], scale: Scale): string {
  let path = ''
  let upper: string[] = []
  let lower: string[] = []
  const close = () => {
    if (upper.length > 1) path += `M${upper.join('L')}L${lower.reverse().join('L')}Z`
    upper = []
    lower = []
  }
  for (const { t, range } of rows) {
    if (range === null) {
      close()
      continue
    }
    upper.push(place(t, range[1], scale))
    lower.push(place(t, range[0], scale))
  }
  close()
  return path
}

/** A tenth of a pixel is finer than a screen. */
function place(t: number, value: number, { stretch, extent, area }: Scale): string {
  return `${round(xOf(t, stretch, area))},${round(yOf(value, extent, area))}`
}

function round(px: number): number {
  return Math.round(px * 10) / 10
}
