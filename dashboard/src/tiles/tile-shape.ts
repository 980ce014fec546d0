import { usualIntervalMs } from '../telemetry/gaps.ts'
import type { Series } from '../telemetry/series.ts'

type Box = { from: number; to: number; width: number; height: number }

type TileShape = {
  /** Each stretch without a gap. */
  line: string
  fill: string
  end: { x: number; y: number } | null
  /** Where the limit is, when one is drawn. */
  limitY: number | null
}

/** A span this small, relative to the value, is noise: drawing it full height would be a lie. */
const usualSpanShare = 0.04
const gapAfterIntervals = 3
const padPx = 3

type Spot = { t: number; value: number; isFirst: boolean }

/** What is drawn beside a value: a line of numbers, or the steps of a state. It stops where the data stops. */
export function tileShape(series: Series | undefined, box: Box, limit: number | null): TileShape {
  if (series === undefined) return nothing
  return series.kind === 'number' ? lineShape(series, box, limit) : stepShape(series, box)
}

const nothing: TileShape = { line: '', fill: '', end: null, limitY: null }

function lineShape(
  { points }: Extract<Series, { kind: 'number' }>,
  box: Box,
  limit: number | null,
): TileShape {
  const inside = points.filter(({ t }) => t >= box.from && t <= box.to)
  const spots = thinned(
    inside.map(({ t, avg }) => ({ t, value: avg })),
    box,
  )
  const last = spots.at(-1)
  if (last === undefined) return nothing
  const x = acrossOf(box)
  const y = heightOf(limit === null ? spots : [...spots, { value: limit }], box)
  const line = spots.map(({ t, value, isFirst }) => `${isFirst ? 'M' : 'L'}${x(t)} ${y(value)}`).join('')
  const end = { x: x(last.t), y: y(last.value) }
  return { line, fill: filled(spots, x, box, line), end, limitY: limit === null ? null : y(limit) }
}

function filled(spots: readonly Spot[], x: (t: number) => number, { height }: Box, line: string): string {
  // Each stretch is closed down to the ground on its own.
  const stretches = line.split('M').slice(1)
  const starts = spots.flatMap(({ isFirst }, index) => (isFirst ? [index] : []))
  return stretches
    .map((stretch, index) => {
      const first = spots[starts[index] ?? 0]
      const last = spots[(starts[index + 1] ?? spots.length) - 1]
      return first && last ? `M${stretch}L${x(last.t)} ${height}L${x(first.t)} ${height}Z` : ''
    })
    .join('')
}

/** One point for every two pixels, and a new stretch behind every gap. */
function thinned(points: readonly { t: number; value: number }[], { from, to, width }: Box): Spot[] {
  const stepMs = ((to - from) / width) * 2
  const usual = usualIntervalMs(points.map(({ t }) => t)) ?? stepMs
  const longest = Math.max(usual, stepMs) * gapAfterIntervals
  const spots: (Spot & { count: number })[] = []
  let before: number | undefined
  for (const { t, value } of points) {
    const last = spots.at(-1)
    const isFirst = before === undefined || t - before > longest
    before = t
    if (last === undefined || isFirst || Math.floor(last.t / stepMs) !== Math.floor(t / stepMs)) {
      spots.push({ t, value, isFirst, count: 1 })
      continue
    }
    last.count += 1
    // In parts, so that two huge values have a mean.
    last.value += value / last.count - last.value / last.count
    last.t = t
  }
  return spots
}

function acrossOf({ from, to, width }: Box): (t: number) => number {
  return (t) => round(2 + ((t - from) / (to - from)) * (width - 5))
}

function heightOf(values: readonly { value: number }[], { height }: Box): (value: number) => number {
  let low = Number.POSITIVE_INFINITY
  let high = Number.NEGATIVE_INFINITY
  for (const { value } of values) {
    low = Math.min(low, value)
    high = Math.max(high, value)
  }
  // Halves, because the whole span of two huge values is beyond all numbers.
  const [bottom, top] = [low / 2, high / 2]
  const least = (Math.max(Math.abs(bottom), Math.abs(top)) || 1) * usualSpanShare
  const span = Math.max(top - bottom, least)
  const middle = bottom / 2 + top / 2
  return (value) => round(height / 2 - ((value / 2 - middle) / span) * (height - 2 * padPx))
}

function stepShape({ points, changesOnly }: Extract<Series, { kind: 'state' }>, box: Box): TileShape {
  const inside = points.filter(({ t }, index) => (points[index + 1]?.t ?? box.to) >= box.from && t <= box.to)
  const first = inside[0]
  if (first === undefined) return nothing
  const x = acrossOf(box)
  const levels = [...new Set(inside.map(({ state }) => state))].sort()
  const y = heightOf(
    levels.map((_, value) => ({ value })),
    box,
  )
  const levelOf = (state: string) => y(levels.indexOf(state))
  const steps = inside.slice(1).map(({ t, state }) => `H${x(t)}V${levelOf(state)}`)
  const last = inside.at(-1) ?? first
  // Changes hold until the next one; of single readings nothing is known beyond the newest.
  const end = { x: x(changesOnly ? box.to : last.t), y: levelOf(last.state) }
  const line = `M${x(Math.max(first.t, box.from))} ${levelOf(first.state)}${steps.join('')}H${end.x}`
  return { line, fill: '', end, limitY: null }
}

function round(value: number): number {
  return Number.isFinite(value) ? Math.round(value * 10) / 10 : 0
}
