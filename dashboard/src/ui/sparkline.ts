export type SparkPoint = { t: number; value: number }

export type SparkShape = { line: string; fill: string; end: { x: number; y: number } }

type Box = { width: number; height: number; from: number; to: number; low?: number | undefined }

/** A span this small, relative to the value, is noise: drawing it full height would be a lie. */
const usualSpanShare = 0.04

/** Path data of a sparkline, or null when there is nothing to draw. */
export function sparkShape(points: readonly SparkPoint[], box: Box): SparkShape | null {
  if (box.to <= box.from) return null
  const drawn = averaged(points, box)
  const last = drawn.at(-1)
  if (last === undefined) return null
  const { low, high } = range(drawn, box.low)
  const x = (t: number) => round(2 + ((t - box.from) / (box.to - box.from)) * (box.width - 5))
  const y = (value: number) =>
    round(box.height - 3 - ((value / 2 - low / 2) / (high / 2 - low / 2)) * (box.height - 6))
  const line = drawn
    .map((point, index) => `${index === 0 ? 'M' : 'L'}${x(point.t)} ${y(point.value)}`)
    .join('')
  const first = drawn[0] ?? last
  const fill = `${line}L${x(last.t)} ${box.height}L${x(first.t)} ${box.height}Z`
  return { line, fill, end: { x: x(last.t), y: y(last.value) } }
}

/** One point for every two pixels: more would only smear the line. */
function averaged(points: readonly SparkPoint[], { width, from, to }: Box): SparkPoint[] {
  const stepMs = ((to - from) / width) * 2
  const drawn: (SparkPoint & { count: number })[] = []
  for (const { t, value } of points) {
    const last = drawn.at(-1)
    // A grid of absolute time: bins must not shift with every step of the window.
    if (last !== undefined && Math.floor(last.t / stepMs) === Math.floor(t / stepMs)) {
      // In parts, so that two huge values have a mean.
      last.value += value / (last.count + 1) - last.value / (last.count + 1)
      last.count += 1
      last.t = t
    } else drawn.push({ t, value, count: 1 })
  }
  return drawn
}

function range(points: readonly SparkPoint[], lowMost?: number): { low: number; high: number } {
  let low = lowMost ?? Number.POSITIVE_INFINITY
  let high = Number.NEGATIVE_INFINITY
  for (const { value } of points) {
    low = Math.min(low, value)
    high = Math.max(high, value)
  }
  const floor = Math.max(Math.abs(low), Math.abs(high)) * usualSpanShare || 1
  const missing = floor - (high - low)
  if (missing <= 0) return { low, high }
  const most = Number.MAX_VALUE
  return { low: Math.max(-most, low - missing / 2), high: Math.min(most, high + missing / 2) }
}

function round(value: number): number {
  return Math.round(value * 10) / 10
}
