import { formatLook, type MetricLook } from '../types/look.ts'
import type { Extent } from './plot-area.ts'

export type Bound = {
  at: number
  level: 'warning' | 'alarm'
  /** The values beyond it, as far as the axis shows them. */
  beyond: Extent
  words: string
}

/** Thresholds as the axis shows them; those outside of it are not drawn. */
export function boundsOf(look: MetricLook, axis: Extent): Bound[] {
  return look.thresholds.flatMap(({ level, above, below }) => {
    const words = (side: string, at: number) =>
      `${level} ${side} ${formatLook(at, look)}${look.unit === '' ? '' : ` ${look.unit}`}`
    const found: Bound[] = []
    if (above !== undefined && isInside(above, axis))
      found.push({ at: above, level, beyond: { low: above, high: axis.high }, words: words('above', above) })
    if (below !== undefined && isInside(below, axis))
      found.push({ at: below, level, beyond: { low: axis.low, high: below }, words: words('below', below) })
    return found
  })
}

function isInside(at: number, { low, high }: Extent): boolean {
  return at >= low && at <= high
}
