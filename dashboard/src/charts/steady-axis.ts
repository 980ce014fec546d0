import { type ValueAxis, valueAxis } from '../telemetry/axis.ts'
import type { Extent } from './plot-area.ts'

/** An axis so much taller than it needs to be hides what it should show. */
const tooTall = 1.7

/** Stays while the values fit and fill it: an axis that follows every extreme makes a still line look restless. */
export function steadyAxis(before: ValueAxis | null, values: Extent | null): ValueAxis {
  if (values === null) return before ?? valueAxis(0, 1)
  const wanted = valueAxis(values.low, values.high)
  if (before === null || wanted.low < before.low || wanted.high > before.high) return wanted
  return before.high - before.low > tooTall * (wanted.high - wanted.low) ? wanted : before
}
