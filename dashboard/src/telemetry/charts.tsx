import './charts.css'
import { useElementSize } from '@mantine/hooks'
import type { Device } from '@telltale/api/contract'
import { Pause } from 'lucide-react'
import { type PointerEvent, useState } from 'react'
import { type Range, ranges } from '../devices/search.ts'
import { useTypeOf } from '../types/types.ts'
import { formatCount, formatMoment } from '../ui/format.ts'
import { Failure, Late, Quietbox } from '../ui/states.tsx'
import { useLiveState, usePictureIsOld } from '../use-live.ts'
import { MetricChart } from './metric-chart.tsx'
import type { NumberSeries, Picture, StateSeries } from './series.ts'
import { StateBands } from './state-bands.tsx'
import { rangeMs, usePause, useSlidingNow, type useTelemetry } from './use-telemetry.ts'

const rangeWords: Record<Range, string> = {
  '5m': '5 min',
  '15m': '15 min',
  '1h': '1 h',
  '6h': '6 h',
  '24h': '24 h',
  '7d': '7 d',
}

type ChartsProps = {
  device: Device
  range: Range
  onRange: (range: Range) => void
  telemetry: ReturnType<typeof useTelemetry>
}

export function Charts({ device, range, onRange, telemetry }: ChartsProps) {
  const { query } = telemetry
  const windowMs = rangeMs[range]
  const sliding = useSlidingNow(windowMs)
  const old = usePictureIsOld()
  const { newestAt } = useLiveState()
  // Without a stream nothing is known about "now": sliding on would draw our own blindness as missing data.
  const pause = usePause(telemetry.picture, old ? (newestAt ?? sliding) : sliding)
  const chooseRange = (chosen: Range) => {
    pause.resume()
    onRange(chosen)
  }
  const byMouse = (then: () => void) => (event: PointerEvent) => {
    if (event.pointerType === 'mouse') then()
  }
  return (
    <div className={old ? 'charts is-old' : 'charts'}>
      <div className="chartbar">
        <RangePicker range={range} onRange={chooseRange} />
        {pause.paused && <PausedBadge arrived={pause.arrived} onResume={pause.resume} />}
      </div>
      {pause.view === null ? (
        <NoPicture query={query} />
      ) : (
        <div
          className="charts__plots"
          onPointerEnter={byMouse(pause.pause)}
          onPointerLeave={byMouse(pause.resume)}
          // A finger has no hover: a touch holds the charts until Resume.
          onPointerDown={pause.pause}
        >
          <Plots view={pause.view} windowMs={windowMs} device={device} onRange={chooseRange} />
        </div>
      )}
    </div>
  )
}

function RangePicker({ range, onRange }: { range: Range; onRange: (range: Range) => void }) {
  return (
    <fieldset className="seg">
      <legend className="vh">Live window</legend>
      {ranges.map((one) => (
        <button
          key={one}
          type="button"
          className={one === range ? 'is-active' : ''}
          aria-pressed={one === range}
          onClick={() => onRange(one)}
        >
          {rangeWords[one]}
        </button>
      ))}
    </fieldset>
  )
}

function PausedBadge({ arrived, onResume }: { arrived: number; onResume: () => void }) {
  return (
    <span className="paused">
      <Pause className="i" aria-hidden="true" />
      <span role="status" className="paused__word">
        Paused
      </span>
      <span>{formatCount(arrived)} new</span>
      <button type="button" onClick={onResume}>
        Resume
      </button>
    </span>
  )
}

function NoPicture({ query }: { query: ChartsProps['telemetry']['query'] }) {
  if (query.isError) {
    return (
      <div className="panel">
        <Failure
          what="Could not load the readings"
          error={query.error}
          onRetry={() => void query.refetch()}
        />
      </div>
    )
  }
  return (
    <Late>
      <div className="panel chart chart--loading" role="status" aria-label="Loading the readings">
        <span className="skel" style={{ width: 120, margin: 14 }} />
      </div>
    </Late>
  )
}

type PlotsProps = {
  view: { picture: Picture; now: number }
  windowMs: number
  device: Device
  onRange: (range: Range) => void
}

function Plots({ view, windowMs, device, onRange }: PlotsProps) {
  const { ref, width } = useElementSize()
  const [hoverT, setHoverT] = useState<number | null>(null)
  const to = view.now
  const from = to - windowMs
  // Text holds until it changes, but only as long as there is somebody to say so.
  const { status, since } = device.presence
  const knownUntil = status === 'offline' && since !== null ? since : to
  const { numbers, states } = split(view.picture, { from, knownUntil })
  const axis = { from, to, bucketMs: view.picture.bucketMs, width }
  const type = useTypeOf(device.type).data
  return (
    <div ref={ref} className="charts__list">
      {numbers.length === 0 && states.length === 0 && (
        <NoReadings device={device} windowMs={windowMs} now={to} onRange={onRange} />
      )}
      {numbers.map(([metric, series]) => (
        <MetricChart
          key={metric}
          metric={metric}
          type={type}
          points={series.points}
          axis={axis}
          onHover={setHoverT}
        />
      ))}
      {states.length > 0 && (
        <StateBands states={states} type={type} axis={axis} knownUntil={knownUntil} hoverT={hoverT} />
      )}
    </div>
  )
}

/** Only what has something inside the window, in the order the device sends its metrics. */
function split(picture: Picture, { from, knownUntil }: { from: number; knownUntil: number }) {
  const numbers: [metric: string, series: NumberSeries][] = []
  const states: [metric: string, series: StateSeries][] = []
  for (const [metric, series] of Object.entries(picture.series)) {
    const newest = series.points.at(-1)
    if (newest === undefined) continue
    if (series.kind === 'state') {
      if (series.changesOnly ? knownUntil > from : newest.t >= from) states.push([metric, series])
    } else if (newest.t >= from) numbers.push([metric, series])
  }
  return { numbers, states }
}

type NoReadingsProps = { device: Device; windowMs: number; now: number; onRange: (range: Range) => void }

function NoReadings({ device, windowMs, now, onRange }: NoReadingsProps) {
  const { seenAt } = device.presence
  const wider = seenAt === null ? undefined : ranges.find((range) => rangeMs[range] > now - seenAt)
  return (
    <div className="panel">
      <Quietbox title={seenAt === null ? 'No readings yet' : 'No readings in this window'}>
        <span>
          {seenAt === null
            ? 'This device has not published anything so far.'
            : `The newest came ${formatMoment(seenAt, now)}.`}
        </span>
        {wider !== undefined && rangeMs[wider] > windowMs && (
          <button type="button" className="btn btn--sm" onClick={() => onRange(wider)}>
            Show the last {rangeWords[wider]}
          </button>
        )}
      </Quietbox>
    </div>
  )
}
