import './bands.css'
import type { DeviceType } from '@telltale/api/contract'
import { metricLook } from '../types/look.ts'
import { formatClock } from '../ui/format.ts'
import { bandTones, type Segment, segments } from './bands.ts'
import { findGaps } from './gaps.ts'
import type { Axis } from './metric-chart.tsx'
import type { StateSeries } from './series.ts'

type StateBandsProps = {
  states: [metric: string, series: StateSeries][]
  type: DeviceType | null | undefined
  axis: Axis
  knownUntil: number
  hoverT: number | null
}

/** Booleans and text on the time axis of the charts: what it was, from when to when. */
export function StateBands({ states, type, axis, knownUntil, hoverT }: StateBandsProps) {
  const share = (t: number) => `${((t - axis.from) / (axis.to - axis.from)) * 100}%`
  return (
    <section className="panel bands" aria-label="States">
      {states.map(([metric, series]) => {
        const found = segmentsOf(series, axis, knownUntil)
        const tones = bandTones(series.points.map((point) => point.state))
        return (
          <div className="bandrow" key={metric}>
            <span className="bandrow__name" title={metric}>
              {metricLook(type, metric).label}
            </span>
            {found.map((segment) => (
              <span
                key={segment.from}
                className={`band band--${tones.get(segment.state) ?? 'rest'}`}
                style={{
                  left: share(segment.from),
                  width: `calc(${share(segment.to + axis.from - segment.from)} - 1px)`,
                }}
                title={describe(segment)}
              >
                {segment.state}
              </span>
            ))}
            {hoverT !== null && hoverT >= axis.from && (
              <span className="cross" style={{ left: share(hoverT) }} />
            )}
          </div>
        )
      })}
    </section>
  )
}

function segmentsOf(series: StateSeries, { from, to, bucketMs }: Axis, knownUntil: number): Segment[] {
  const dense = series.points.map(({ t }) => ({ t, count: 1 }))
  const gaps = series.changesOnly ? series.gaps : findGaps(dense, { bucketMs, until: to })
  return segments(series.points, { from, to: series.changesOnly ? Math.min(to, knownUntil) : to, gaps })
}

function describe({ state, from, to }: Segment): string {
  return `${state}, ${formatClock(from)} to ${formatClock(to)}`
}
