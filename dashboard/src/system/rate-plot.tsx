import { useId } from 'react'
import { formatTick, timeTicks, valueAxis } from '../telemetry/axis.ts'
import { formatNumber } from '../ui/format.ts'
import { knownSince, linePath, type RatePoint } from './rates.ts'

export type RateLine = { label: string; points: readonly RatePoint[] }

type RatePlotProps = {
  title: string
  unit: string
  lines: readonly RateLine[]
  from: number
  to: number
  /** One line alone stands on its area. */
  isFilled?: boolean
}

const ticksMax = 6

/** Of the platform itself: what it was doing lately. Readings of devices have the real chart. */
export function RatePlot({ title, unit, lines, from, to, isFilled = false }: RatePlotProps) {
  const id = useId()
  const known = lines.map(({ points }) => knownSince(points, from))
  const highest = Math.max(0, ...known.flat().map(({ value }) => value))
  const { high, ticks } = valueAxis(0, highest || 1)
  const times = timeTicks(from, to, ticksMax)
  const box = { from, to, high }
  const isEmpty = known.every((points) => points.length < 2)
  return (
    <section className="panel rateplot" aria-labelledby={id}>
      <div className="rateplot__head">
        <h2 className="panel__title" id={id}>
          {title} <small>{unit}</small>
        </h2>
        {lines.length > 1 && (
          <ul className="rateplot__legend" aria-hidden="true">
            {lines.map(({ label }, index) => (
              <li key={label}>
                <i className={`rateplot__key s${index + 1}`} />
                {label}
              </li>
            ))}
          </ul>
        )}
      </div>
      <div className="rateplot__box" role="img" aria-label={describe({ title, unit, lines, from })}>
        <svg viewBox="0 0 1000 1000" preserveAspectRatio="none" aria-hidden="true">
          {ticks.map((tick) => (
            <path key={tick} className="rateplot__grid" d={`M0 ${1_000 - (tick / high) * 1_000}H1000`} />
          ))}
          {isFilled && lines.length === 1 && <Area points={known[0] ?? []} box={box} />}
          {lines.map(({ label, points }, index) => (
            <path key={label} className={`rateplot__line s${index + 1}`} d={linePath(points, box)} />
          ))}
        </svg>
        {ticks.map((tick) => (
          <span key={tick} className="rateplot__y" style={{ top: `${100 - (tick / high) * 100}%` }}>
            {formatNumber(tick)}
          </span>
        ))}
        {times.ticks.map((time) => (
          <span
            key={time}
            className="rateplot__x"
            style={{ left: `${((time - from) / (to - from)) * 100}%` }}
          >
            {formatTick(time, times.stepMs)}
          </span>
        ))}
        {isEmpty && <p className="rateplot__none">A point every 5 s, from now on</p>}
      </div>
    </section>
  )
}

function Area({
  points,
  box,
}: {
  points: { t: number; value: number }[]
  box: Parameters<typeof linePath>[1]
}) {
  const [first, last] = [points[0], points.at(-1)]
  if (first === undefined || last === undefined || points.length < 2) return null
  const x = (t: number) => ((t - box.from) / (box.to - box.from)) * 1_000
  return (
    <path
      className="rateplot__area s1"
      d={`${linePath(points, box)}L${x(last.t)} 1000L${x(first.t)} 1000Z`}
    />
  )
}

type Described = Pick<RatePlotProps, 'title' | 'unit' | 'lines' | 'from'>

/** What a picture cannot say to those who do not see it. */
function describe({ title, unit, lines, from }: Described): string {
  const parts = lines.map(({ label, points }) => {
    const values = knownSince(points, from).map(({ value }) => value)
    if (values.length === 0) return `${label}: nothing known yet`
    const [now, low, high] = [values.at(-1) ?? 0, Math.min(...values), Math.max(...values)].map(formatNumber)
    return `${label}: now ${now}, lowest ${low}, highest ${high}`
  })
  return `${title}, ${unit}. ${parts.join('. ')}`
}
