import { type CSSProperties, useSyncExternalStore } from 'react'
import { createPortal } from 'react-dom'
import { formatLook } from '../types/look.ts'
import { formatClock, formatMoment } from '../ui/format.ts'
import type { Drawing, DrawnLine } from './draw.ts'
import type { SeriesLook } from './looks.ts'
import { nearest } from './nearest.ts'
import { type Stretch, xOf, yOf } from './plot-area.ts'
import { usePlot } from './plot-context.ts'
import { useFrame } from './time-frame.tsx'

type ReadOutProps = {
  looks: readonly SeriesLook[]
  /** Of the charts of a page the one somebody points at: it says the time. */
  isPointed: boolean
  selection: Stretch | null
  /** Above the plot, where no finger hides it. */
  dock: HTMLElement | null
}

/** The crosshair of the page as this chart shows it: a line, a dot on each of its lines, and the numbers. */
export function ReadOut({ looks, isPointed, selection, dock }: ReadOutProps) {
  const { frame } = useFrame()
  const { drawing } = usePlot()
  const t = useSyncExternalStore(frame.crosshair.subscribe, frame.crosshair.get)
  const { stretch, area } = drawing
  const isShown = t !== null && t >= stretch.from && t <= stretch.to
  return (
    <>
      {selection !== null && <Shade selection={selection} drawing={drawing} />}
      {isShown && (
        <>
          <span
            className={isPointed ? 'cross cross--time' : 'cross'}
            data-time={formatClock(t)}
            style={{ left: xOf(t, stretch, area), top: area.top, height: area.height }}
          />
          <At t={t} looks={looks} dock={dock} />
        </>
      )}
    </>
  )
}

function Shade({ selection, drawing: { stretch, area } }: { selection: Stretch; drawing: Drawing }) {
  const from = xOf(Math.max(stretch.from, Math.min(selection.from, selection.to)), stretch, area)
  const to = xOf(Math.min(stretch.to, Math.max(selection.from, selection.to)), stretch, area)
  return (
    <span
      className="chart__shade"
      style={{ left: from, width: Math.max(1, to - from), top: area.top, height: area.height }}
    />
  )
}

type AtProps = { t: number; looks: readonly SeriesLook[]; dock: HTMLElement | null }

function At({ t, looks, dock }: AtProps) {
  const { drawing } = usePlot()
  const { stretch, area, axis } = drawing
  const found = drawing.lines.map((line) => (line.path === '' ? null : rowAt(line, t, drawing)))
  const named = found.find((row) => row !== null) ?? null
  const tip = (
    <div className="tip" style={dock === null ? tipPlace(t, drawing) : undefined}>
      <div className="tip__head">
        {formatMoment(named?.t ?? t, Date.now())}
        {named !== null && named.endT > named.t && ` to ${formatClock(named.endT)}`}
      </div>
      {looks.map(({ deviceId, metric, label, look }, index) => {
        const row = found[index] ?? null
        if (drawing.lines[index]?.rows.length === 0) return null
        return (
          <div className="tip__row" key={`${deviceId} ${metric}`}>
            <i className={`key s${index + 1}${index >= 4 ? ' is-dashed' : ''}`} />
            <span className="tip__name">{label}</span>
            <b>{row?.avg == null ? 'no data' : withUnit(row.avg, look)}</b>
          </div>
        )
      })}
      {drawing.isBanded && looks.length === 1 && named?.range != null && looks[0] !== undefined && (
        <div className="tip__row tip__row--sub">
          min–max
          <b>
            {formatLook(named.range[0], looks[0].look)} to {formatLook(named.range[1], looks[0].look)}
          </b>
        </div>
      )}
    </div>
  )
  return (
    <>
      {found.map((row, index) =>
        row?.avg == null ? null : (
          <span
            // biome-ignore lint/suspicious/noArrayIndexKey: a line's place is its colour
            key={index}
            className={`dot s${index + 1}`}
            style={{ left: xOf(row.t, stretch, area), top: yOf(row.avg, axis, area) }}
          />
        ),
      )}
      {dock === null ? tip : createPortal(tip, dock)}
    </>
  )
}

/** What a line says about a moment: null outside of it, and where it has a gap. */
function rowAt({ rows, gaps }: DrawnLine, t: number, { stretch, bucketMs }: Drawing) {
  if (gaps.some(({ from, to }) => t > from && t < to)) return null
  const row = nearest(rows, t)
  const reach = Math.max(bucketMs ?? 0, (stretch.to - stretch.from) * reachShare)
  const isNear = row !== null && (Math.abs(row.t - t) <= reach || !isOutside(rows, t))
  return isNear && row.avg !== null ? row : null
}

/** A hand beside the end of a line still means its last point. */
const reachShare = 0.02

function isOutside(rows: DrawnLine['rows'], t: number): boolean {
  return t < (rows[0]?.t ?? t) || t > (rows.at(-1)?.t ?? t)
}

function withUnit(value: number, look: SeriesLook['look']): string {
  return `${formatLook(value, look)}${look.unit === '' ? '' : ` ${look.unit}`}`
}

/** Beside the crosshair, on the side with more room, and in the half the first line leaves free. */
function tipPlace(t: number, { stretch, area, lines, axis }: Drawing): CSSProperties {
  const x = xOf(t, stretch, area)
  const isRight = x > area.left + area.width * 0.6
  const value = nearest(lines.find(({ path }) => path !== '')?.rows ?? [], t)?.avg ?? null
  const isHigh = value !== null && yOf(value, axis, area) < area.top + area.height / 2
  return {
    ...(isRight ? { right: `calc(100% - ${x - 12}px)` } : { left: x + 12 }),
    ...(isHigh ? { bottom: 40 } : { top: area.top + 4 }),
  }
}
