const second = 1_000
const minute = 60 * second
const hour = 60 * minute
const day = 24 * hour

const timeSteps = [
  5 * second,
  10 * second,
  15 * second,
  30 * second,
  minute,
  2 * minute,
  5 * minute,
  10 * minute,
  15 * minute,
  30 * minute,
  hour,
  2 * hour,
  3 * hour,
  6 * hour,
  12 * hour,
  day,
  2 * day,
]

export type TimeTicks = { ticks: number[]; stepMs: number }

/** Ticks on round local times, at most `ticksMax` of them. */
export function timeTicks(from: number, to: number, ticksMax: number): TimeTicks {
  const wanted = (to - from) / Math.max(1, ticksMax)
  const stepMs = timeSteps.find((step) => step >= wanted) ?? 7 * day
  const zoneMs = new Date(from).getTimezoneOffset() * minute
  const first = Math.ceil((from - zoneMs) / stepMs) * stepMs + zoneMs
  const ticks: number[] = []
  for (let tick = first; tick <= to; tick += stepMs) ticks.push(tick)
  return { ticks, stepMs }
}

export function formatTick(timeMs: number, stepMs: number): string {
  const date = new Date(timeMs)
  if (stepMs < minute) return date.toLocaleTimeString('en-GB')
  const clock = date.toLocaleTimeString('en-GB', { hour: '2-digit', minute: '2-digit' })
  const midnight = date.getHours() === 0 && date.getMinutes() === 0
  return stepMs >= day || (stepMs >= 3 * hour && midnight)
    ? date.toLocaleDateString('en-GB', { day: 'numeric', month: 'short' })
    : clock
}

export type ValueAxis = { low: number; high: number; ticks: number[] }

/** The smallest share of a value worth a full-height change; less is noise and is drawn flat. */
const spanShareMin = 0.01

/** Round ends and three to five round steps that contain the values. */
export function valueAxis(low: number, high: number): ValueAxis {
  const floor = Math.max(Math.abs(low), Math.abs(high)) * spanShareMin || 1
  const missing = Math.max(0, floor - (high - low)) / 2
  const step = roundStep((high - low + 2 * missing) / 4)
  const first = Math.floor((low - missing) / step)
  const last = Math.ceil((high + missing) / step)
  const ticks: number[] = []
  // Multiples of the step, cleaned of binary dust (0.30000000000000004).
  for (let index = first; index <= last; index += 1) ticks.push(Number((index * step).toPrecision(12)))
  return { low: ticks[0] ?? low, high: ticks.at(-1) ?? high, ticks }
}

function roundStep(step: number): number {
  const power = 10 ** Math.floor(Math.log10(step))
  const factor = [1, 2, 2.5, 5, 10].find((candidate) => candidate * power >= step * 0.999) ?? 10
  return factor * power
}
