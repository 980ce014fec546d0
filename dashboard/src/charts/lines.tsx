import { memo, type RefObject, useEffect, useId, useLayoutEffect, useRef } from 'react'
import { formatTick, timeTicks } from '../telemetry/axis.ts'
import type { Gap } from '../telemetry/gaps.ts'
import { formatSpan } from '../ui/format.ts'
import { useZone } from '../ui/zone.ts'
import type { Drawing, DrawnLine } from './draw.ts'
import type { Frame } from './frame.ts'
import { xOf, yOf } from './plot-area.ts'
import { usePlot } from './plot-context.ts'
import { useFrame } from './time-frame.tsx'

const tickWidthPx = 84
/** A gap narrower than this has no room for words. */
const gapLabelMinPx = 56

/** What moves with time. Between two drawings it is pushed to the left, so that it slides evenly. */
export function Lines() {
  const { frame } = useFrame()
  const { drawing, isLive } = usePlot()
  const { area } = drawing
  const plot = useRef<SVGGElement>(null)
  const times = useRef<SVGGElement>(null)
  useSlide(frame, drawing, [plot, times])
  const clip = useId()
  return (
    <g className="chart__moving">
      <clipPath id={clip}>
        {/* A point at an edge of the plot is drawn whole. */}
        <rect x={area.left} y={area.top - 4} width={area.width + 8} height={area.height + 8} />
      </clipPath>
      <g clipPath={`url(#${clip})`}>
        <g ref={plot}>
          <Gaps gaps={drawing.gaps} drawing={drawing} />
          {drawing.lines.map(({ band }, index) => (
            // biome-ignore lint/suspicious/noArrayIndexKey: a line's place is its colour
            <Band key={index} index={index} d={band} />
          ))}
          {drawing.lines.map(({ path }, index) => (
            // biome-ignore lint/suspicious/noArrayIndexKey: a line's place is its colour
            <LineOf key={index} index={index} d={path} />
          ))}
          {isLive &&
            drawing.lines.map((line, index) => (
              // biome-ignore lint/suspicious/noArrayIndexKey: a line's place is its colour
              <Edge key={index} index={index} line={line} drawing={drawing} />
            ))}
        </g>
      </g>
      <g ref={times}>
        <Times drawing={drawing} />
      </g>
    </g>
  )
}

function useSlide(
  frame: Frame,
  { stretch, area }: Drawing,
  parts: readonly RefObject<SVGGElement | null>[],
): void {
  const place = useRef(() => {})
  useLayoutEffect(() => {
    let shiftedPx = Number.NaN
    place.current = () => {
      // Whole pixels: anything else would blur the words.
      const shift = ((stretch.to - frame.edge()) / (stretch.to - stretch.from)) * area.width
      const px = Math.round(shift * devicePixelRatio) / devicePixelRatio
      if (px === shiftedPx) return
      shiftedPx = px
      for (const part of parts) part.current?.setAttribute('transform', px === 0 ? '' : `translate(${px} 0)`)
    }
    place.current()
  })
  useEffect(() => frame.subscribeSlide(() => place.current()), [frame])
}

type PathProps = { index: number; d: string }

const Band = memo(function Band({ index, d }: PathProps) {
  return d === '' ? null : <path className={`chart__band s${index + 1}`} d={d} />
})

const LineOf = memo(function LineOf({ index, d }: PathProps) {
  if (d === '') return null
  return <path className={`chart__line s${index + 1}${index >= 4 ? ' is-dashed' : ''}`} d={d} />
})

type EdgeProps = { index: number; line: DrawnLine; drawing: Drawing }

function Edge({ index, line: { edge, path }, drawing: { stretch, axis, area } }: EdgeProps) {
  if (edge?.avg == null || path === '') return null
  const cx = xOf(edge.t, stretch, area)
  return <circle className={`chart__edge s${index + 1}`} cx={cx} cy={yOf(edge.avg, axis, area)} r="3.5" />
}

function Gaps({ gaps, drawing }: { gaps: readonly Gap[]; drawing: Drawing }) {
  const hatch = useId()
  if (gaps.length === 0) return null
  return (
    <>
      <pattern id={hatch} width="7" height="7" patternUnits="userSpaceOnUse" patternTransform="rotate(45)">
        <path className="hatch" d="M0 0V7" />
      </pattern>
      {gaps.map((gap) => (
        <GapOf key={gap.from} gap={gap} drawing={drawing} fill={`url(#${hatch})`} />
      ))}
    </>
  )
}

/** Says how long nothing came, when there is room for the words. */
function GapOf({ gap, drawing: { stretch, area }, fill }: { gap: Gap; drawing: Drawing; fill: string }) {
  const from = xOf(gap.from, stretch, area)
  const width = xOf(gap.to, stretch, area) - from
  const seenFrom = Math.max(area.left, from)
  const x = (seenFrom + from + width) / 2
  const y = area.top + area.height / 2
  return (
    <g className="chart__gap">
      <rect x={from} y={area.top} width={width} height={area.height} fill={fill} />
      <path
        className="chart__gapedge"
        d={`M${from},${area.top}v${area.height}M${from + width},${area.top}v${area.height}`}
      />
      {from + width - seenFrom >= gapLabelMinPx && (
        <text className="gaplabel" x={x} y={y} textAnchor="middle">
          <tspan x={x} dy="-.2em">
            no data
          </tspan>
          <tspan x={x} dy="1.3em">
            {formatSpan(Math.round((gap.to - gap.from) / 1_000) * 1_000)}
          </tspan>
        </text>
      )}
    </g>
  )
}

function Times({ drawing: { stretch, area } }: { drawing: Drawing }) {
  useZone()
  const ticksMax = Math.max(2, Math.floor(area.width / tickWidthPx))
  const { ticks, stepMs } = timeTicks(stretch.from, stretch.to, ticksMax)
  return ticks.map((tick) => (
    <text
      key={tick}
      className="chart__time"
      x={xOf(tick, stretch, area)}
      y={area.top + area.height + 18}
      textAnchor="middle"
    >
      {formatTick(tick, stepMs)}
    </text>
  ))
}
