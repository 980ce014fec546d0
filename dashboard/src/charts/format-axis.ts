import type { ValueAxis } from '../telemetry/axis.ts'
import { grouped } from '../ui/grouped.ts'

const exponentFrom = 1e6
const exponentBelow = 1e-4

/** Short enough for the room beside the plot, and with the decimals that tell the ticks apart. */
export function formatAxisValue(value: number, { low, high, ticks }: ValueAxis): string {
  const size = Math.max(Math.abs(low), Math.abs(high))
  if (value === 0) return '0'
  if (size >= exponentFrom * 1_000 || size < exponentBelow) return withMinus(shortExponent(value))
  // Cleaned of binary dust (0.19999999999999973).
  const step = ticks.length > 1 ? Number(((ticks[1] ?? 0) - (ticks[0] ?? 0)).toPrecision(6)) : size
  if (size >= exponentFrom) return withMinus(`${rounded(value / exponentFrom, step / exponentFrom)}M`)
  return withMinus(rounded(value, step))
}

function rounded(value: number, step: number): string {
  const decimals = Math.min(6, Math.max(0, -Math.floor(Math.log10(step) + 1e-9)))
  // A quarter of a power of ten has one decimal more than its size says.
  const isQuarter = Math.round((step * 10 ** decimals * 100) % 100) !== 0
  const digits = decimals + (isQuarter ? 1 : 0)
  return grouped(value, { min: digits, max: digits })
}

/** `2.5e300`, without the plus and the zeros. */
function shortExponent(value: number): string {
  return Number(value.toPrecision(3)).toExponential().replace('e+', 'e')
}

function withMinus(text: string): string {
  return text.replace(/^-/, '−')
}
