import type { Threshold } from '@telltale/api/contract'
import type { MetricLook } from '../types/look.ts'

export type Scale = { min: number; max: number }
type Look = Pick<MetricLook, 'min' | 'max' | 'unit' | 'thresholds'>
type Said = { min?: number | undefined; max?: number | undefined }

/** What was asked for, else what the type says, else round numbers that the value fits into. */
export function gaugeScale(asked: Said, look: Look, value: number | null): Scale {
  const usual = roundScale(value, look)
  const min = asked.min ?? look.min ?? usual.min
  const max = asked.max ?? look.max ?? usual.max
  return min < max ? { min, max } : { min, max: min + 1 }
}

/** With room above the value, and for the thresholds: a scale that ends where the value stands says nothing. */
function roundScale(value: number | null, { unit, thresholds }: Look): Scale {
  if (unit === '%') return { min: 0, max: 100 }
  const bounds = thresholds.flatMap(({ above, below }) => [above ?? 0, below ?? 0])
  const reach = roundUp(Math.max(Math.abs(value ?? 0) * 1.2, ...bounds.map(Math.abs)))
  const isSigned = [value ?? 0, ...bounds].some((one) => one < 0)
  return { min: isSigned ? -reach : 0, max: reach }
}

/** 1, 2 or 5 times a power of ten: the scale does not change with every reading. */
function roundUp(size: number): number {
  if (size <= 1 || !Number.isFinite(size)) return 1
  const power = 10 ** Math.floor(Math.log10(size))
  const step = [1, 2, 5, 10].find((one) => size <= one * power) ?? 10
  return step * power
}

/** Where on the scale, 0 to 1; beyond it, at its end, which has to be said. */
export function placeOn(
  { min, max }: Scale,
  value: number,
): { share: number; beyond: 'below' | 'above' | null } {
  // Halved first: the difference of two huge numbers is no number.
  const share = (value / 2 - min / 2) / (max / 2 - min / 2)
  const beyond = value < min ? 'below' : value > max ? 'above' : null
  return { share: Math.min(1, Math.max(0, share)), beyond }
}

export type Zone = { from: number; to: number; level: Threshold['level'] }

/** The stretches of the scale that are a worry, as shares; alarms come last, so they are drawn on top. */
export function zonesOf(scale: Scale, thresholds: readonly Threshold[]): Zone[] {
  const zones = thresholds.flatMap(({ above, below, level }): Zone[] => [
    ...(above === undefined ? [] : [{ from: placeOn(scale, above).share, to: 1, level }]),
    ...(below === undefined ? [] : [{ from: 0, to: placeOn(scale, below).share, level }]),
  ])
  return zones
    .filter(({ from, to }) => to > from)
    .sort((a, b) => Number(a.level === 'alarm') - Number(b.level === 'alarm'))
}

const startDegrees = 150
const sweepDegrees = 240

/** An arc of a circle around `at`, from one share of the scale to another, as the path of an SVG. */
export function arcPath(
  from: number,
  to: number,
  { at, radius }: { at: { x: number; y: number }; radius: number },
): string {
  const [start, end] = [pointAt(from, at, radius), pointAt(to, at, radius)]
  const large = (to - from) * sweepDegrees > 180 ? 1 : 0
  return `M${start.x} ${start.y}A${radius} ${radius} 0 ${large} 1 ${end.x} ${end.y}`
}

export function pointAt(share: number, { x, y }: { x: number; y: number }, radius: number) {
  const angle = ((startDegrees + share * sweepDegrees) * Math.PI) / 180
  return { x: round(x + radius * Math.cos(angle)), y: round(y + radius * Math.sin(angle)) }
}

function round(value: number): number {
  return Math.round(value * 100) / 100
}
