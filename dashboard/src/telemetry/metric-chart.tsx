import type { DeviceType } from '@telltale/api/contract'
import { memo, useId, useMemo, useState } from 'react'
import {
  Area,
  CartesianGrid,
  ComposedChart,
  Line,
  ReferenceArea,
  ReferenceDot,
  ReferenceLine,
  ResponsiveContainer,
  Tooltip,
  XAxis,
  YAxis,
} from 'recharts'
import { type MetricLook, metricLook } from '../types/look.ts'
import { formatNumber, formatSpan } from '../ui/format.ts'
import { useMediaQuery } from '../ui/use-media-query.ts'
import { formatTick, timeTicks, valueAxis } from './axis.ts'
import { ChartTip } from './chart-tip.tsx'
import { findGaps, type Gap } from './gaps.ts'
import { chartRows, type Row } from './rows.ts'
import type { Point } from './series.ts'

export type Axis = { from: number; to: number; bucketMs: number | null; width: number }

const plotHeightPx = 204
const tickWidthPx = 84
/** The same left edge for every chart of the page and for the state bands. */
const plotLeftPx = 68
const plotLeftPhonePx = 50
const plotRightPx = 16

type MetricChartProps = {
  metric: string
  type: DeviceType | null | undefined
  points: readonly Point[]
  axis: Axis
  onHover: (t: number | null) => void
}

export const MetricChart = memo(function MetricChart({
  metric,
  type,
  points,
  axis,
  onHover,
}: MetricChartProps) {
  const look = metricLook(type, metric)
  const title = look.label
  const { rows, gaps, banded } = useRows(points, axis)
  const [dock, setDock] = useState<HTMLElement | null>(null)
  return (
    <section className="panel chart" aria-label={title}>
      <div className="chart__head">
        <h2 className="chart__title">
          {title}
          {look.unit !== '' && <span className="chart__unit"> {look.unit}</span>}
        </h2>
        <Legend bucketMs={axis.bucketMs ?? widthOf(rows)} banded={banded} />
        <div ref={setDock} className="chart__dock only-phone" />
      </div>
      <Plot rows={rows} gaps={gaps} axis={axis} look={look} dock={dock} banded={banded} onHover={onHover} />
    </section>
  )
})

function useRows(points: readonly Point[], { from, to, bucketMs }: Axis) {
  return useMemo(() => {
    // A device whose clock is ahead may have a gap that is still to come.
    const isShown = (gap: Gap) => gap.to > from && gap.from < to && gap.to > gap.from
    const gaps = findGaps(points, { bucketMs, until: to }).filter(isShown)
    const rows = chartRows(points, { from, to, bucketMs, gaps })
    return { rows, gaps, banded: rows.some((row) => row.range !== null && row.endT > row.t) }
  }, [points, from, to, bucketMs])
}

function widthOf(rows: readonly Row[]): number | null {
  const first = rows.find((row) => row.avg !== null)
  return first === undefined || first.endT === first.t ? null : first.endT - first.t
}

function Legend({ bucketMs, banded }: { bucketMs: number | null; banded: boolean }) {
  return (
    <div className="legend">
      <span>
        <i className="key s1" />
        {bucketMs === null ? 'every reading' : `average of ${formatSpan(bucketMs)}`}
      </span>
      {banded && (
        <span>
          <i className="key key--band s1" />
          min–max
        </span>
      )}
    </div>
  )
}

type PlotProps = {
  rows: Row[]
  gaps: Gap[]
  axis: Axis
  look: MetricLook
  dock: HTMLElement | null
  banded: boolean
  onHover: (t: number | null) => void
}

function Plot({ rows, gaps, axis, look, dock, banded, onHover }: PlotProps) {
  const phone = useMediaQuery('(max-width: 767px)')
  const newest = rows.findLast((row) => row.avg !== null)
  const live = newest !== undefined && !gaps.some((gap) => gap.to >= axis.to)
  return (
    <div className="plotbox" style={{ height: plotHeightPx }}>
      <ResponsiveContainer width="100%" height="100%">
        <ComposedChart
          data={rows}
          syncId="telemetry"
          syncMethod={nearestTick}
          margin={{ top: 8, right: plotRightPx, bottom: 0, left: 0 }}
          onMouseMove={({ activeLabel }) => onHover(activeLabel === undefined ? null : Number(activeLabel))}
          onMouseLeave={() => onHover(null)}
          title={`${look.label} over time`}
        >
          <Axes rows={rows} axis={axis} look={look} leftPx={phone ? plotLeftPhonePx : plotLeftPx} />
          <Gaps gaps={gaps} axis={axis} />
          {bounds(look).map(({ at, level }) => (
            <ReferenceLine key={`${level} ${at}`} y={at} {...boundLook(level)} />
          ))}
          {banded && <Area dataKey="range" stroke="none" {...bandLook} />}
          <Line dataKey="avg" {...lineLook} />
          {live && newest.avg !== null && <ReferenceDot x={newest.t} y={newest.avg} {...edgeLook} />}
          <Tooltip
            isAnimationActive={false}
            cursor={{ stroke: 'var(--ink-2)', strokeWidth: 1 }}
            portal={phone ? dock : null}
            content={<ChartTip title={look.label} unit={look.unit} />}
          />
        </ComposedChart>
      </ResponsiveContainer>
    </div>
  )
}

const bandLook = {
  fill: 'var(--series-1)',
  fillOpacity: 'var(--band-opacity)',
  activeDot: false,
  isAnimationActive: false,
} as const

const lineLook = {
  stroke: 'var(--series-1)',
  strokeWidth: 1.6,
  strokeLinejoin: 'round',
  dot: false,
  activeDot: { r: 4.5, fill: 'var(--series-1)', stroke: 'var(--surface)', strokeWidth: 2 },
  isAnimationActive: false,
} as const

/** Lines to stay within; those beyond the axis are not drawn. */
function bounds({ thresholds }: MetricLook) {
  return thresholds.flatMap(({ level, above, below }) =>
    [above, below].flatMap((at) => (at === undefined ? [] : [{ at, level }])),
  )
}

function boundLook(level: 'warning' | 'alarm') {
  const stroke = level === 'alarm' ? 'var(--bad-fill)' : 'var(--warn-fill)'
  return { stroke, strokeDasharray: '4 3', strokeWidth: 1, ifOverflow: 'hidden' } as const
}

const edgeLook = {
  r: 3.5,
  fill: 'var(--series-1)',
  stroke: 'var(--surface)',
  strokeWidth: 2,
  ifOverflow: 'visible',
} as const

type AxesProps = { rows: readonly Row[]; axis: Axis; look: MetricLook; leftPx: number }

function Axes({ rows, axis, look: metric, leftPx }: AxesProps) {
  const ticksMax = Math.max(2, Math.floor((axis.width - leftPx - plotRightPx) / tickWidthPx))
  const time = timeTicks(axis.from, axis.to, ticksMax)
  const [low, high] = extent(rows)
  // What lies outside the usual span is shown all the same.
  const value = valueAxis(Math.min(low, metric.min ?? low), Math.max(high, metric.max ?? high))
  const look = {
    allowDataOverflow: true,
    interval: 0,
    tickLine: false,
    axisLine: false,
    tickMargin: 8,
  } as const
  return (
    <>
      <CartesianGrid vertical={false} stroke="var(--grid)" />
      <XAxis
        {...look}
        dataKey="t"
        type="number"
        domain={[axis.from, axis.to]}
        ticks={time.ticks}
        tickFormatter={(tick: number) => formatTick(tick, time.stepMs)}
        height={26}
      />
      <YAxis
        {...look}
        domain={[value.low, value.high]}
        ticks={value.ticks}
        tickFormatter={formatNumber}
        width={leftPx}
      />
    </>
  )
}

function Gaps({ gaps, axis }: { gaps: readonly Gap[]; axis: Axis }) {
  const hatch = useId()
  return (
    <>
      <defs>
        <pattern id={hatch} width="7" height="7" patternUnits="userSpaceOnUse" patternTransform="rotate(45)">
          <path className="hatch" d="M0 0V7" />
        </pattern>
      </defs>
      {gaps.map((gap) => (
        <ReferenceArea
          key={gap.from}
          x1={Math.max(gap.from, axis.from)}
          x2={Math.min(gap.to, axis.to)}
          fill={`url(#${hatch})`}
          fillOpacity={1}
          label={<GapLabel gap={gap} axis={axis} />}
        />
      ))}
    </>
  )
}

function extent(rows: readonly Row[]): [number, number] {
  const ranges = rows.flatMap((row) => (row.range === null ? [] : [row.range]))
  if (ranges.length === 0) return [0, 1]
  return [Math.min(...ranges.map(([low]) => low)), Math.max(...ranges.map(([, high]) => high))]
}

/** Metrics of one device need not share their times: the crosshair goes to the nearest point of each chart. */
function nearestTick(
  ticks: readonly { value: unknown }[],
  { activeLabel }: { activeLabel?: unknown },
): number {
  const wanted = Number(activeLabel)
  let nearest = 0
  for (const [index, { value }] of ticks.entries()) {
    const distance = Math.abs(Number(value) - wanted)
    if (distance < Math.abs(Number(ticks[nearest]?.value) - wanted)) nearest = index
  }
  return nearest
}

type GapLabelProps = {
  gap: Gap
  axis: Axis
  viewBox?: { x: number; y: number; width: number; height: number }
}

/** Says how long nothing came, when there is room for the words. */
function GapLabel({ gap, axis, viewBox }: GapLabelProps) {
  if (viewBox === undefined || viewBox.width < 56) return null
  const x = viewBox.x + viewBox.width / 2
  const y = viewBox.y + viewBox.height / 2
  const lasted = gap.to >= axis.to ? axis.to - gap.from : gap.to - gap.from
  return (
    <text className="gaplabel" x={x} y={y} textAnchor="middle">
      <tspan x={x} dy="-.2em">
        no data
      </tspan>
      <tspan x={x} dy="1.3em">
        {formatSpan(Math.round(lasted / 1_000) * 1_000)}
      </tspan>
    </text>
  )
}
