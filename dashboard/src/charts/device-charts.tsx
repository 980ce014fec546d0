import './charts.css'
import { useQuery } from '@tanstack/react-query'
import { memo, useCallback, useMemo, useState, useSyncExternalStore } from 'react'
import { oneDevice } from '../devices/devices.ts'
import { wordsOf } from '../telemetry/series.ts'
import { formatDuration, formatMoment } from '../ui/format.ts'
import { Failure, Late, Quietbox } from '../ui/states.tsx'
import { Chart, type ChartSeries } from './chart.tsx'
import { EventLane } from './event-lane.tsx'
import { useLooks } from './looks.ts'
import { StateLanes } from './state-lanes.tsx'
import { TimeBar } from './time-bar.tsx'
import { TimeFrame, useFrame } from './time-frame.tsx'
import { lengthOf, type TimeRange } from './time-range.ts'

const minute = 60_000
/** The first readings of a new device would be a stripe at the edge of a longer window. */
const youngMs = 10 * minute

function firstRange(createdAt: string): TimeRange {
  const isYoung = Date.now() - Date.parse(createdAt) < youngMs
  return { kind: 'live', windowMs: (isYoung ? 5 : 15) * minute }
}

type DeviceChartsProps = { deviceId: string; createdAt: string }

/** All a device has measured, each metric in a chart of its own; what every reading changes of a device is not here. */
export const DeviceCharts = memo(function DeviceCharts({ deviceId, createdAt }: DeviceChartsProps) {
  const [usual] = useState(() => firstRange(createdAt))
  const sources = useMemo(() => [{ deviceId }], [deviceId])
  return (
    <TimeFrame sources={sources} usual={usual}>
      <Charts deviceId={deviceId} />
    </TimeFrame>
  )
})

function Charts({ deviceId }: { deviceId: string }) {
  const { numbers, states } = useMetrics(deviceId)
  const looks = useLooks(numbers)
  const all = useMemo(() => [...numbers, ...states], [numbers, states])
  const charts = useMemo(() => looks.map((look) => ({ title: look.label, series: [look] })), [looks])
  const deviceIds = useMemo(() => [deviceId], [deviceId])
  const [first, ...others] = charts
  return (
    <div className="charts">
      <TimeBar series={all} />
      {all.length === 0 && <Nothing deviceId={deviceId} />}
      {first !== undefined && <Chart {...first} />}
      {/* Also where nothing was measured: when it came and went says why. */}
      <div className="lanes">
        <EventLane deviceIds={deviceIds} />
        <StateLanes series={states} />
      </div>
      {others.map(({ title, series }) => (
        <Chart key={series[0]?.metric} title={title} series={series} />
      ))}
    </div>
  )
}

type Metrics = { numbers: ChartSeries[]; states: ChartSeries[] }

/** What the device has said in this range, in its order; new ones join, and none leaves while it is looked at. */
function useMetrics(deviceId: string): Metrics {
  const { frame } = useFrame()
  const look = useCallback(() => {
    const picture = frame.getShown().pictures.get(deviceId)
    const numbers: string[] = []
    const states: string[] = []
    for (const [metric, series] of Object.entries(picture?.series ?? {})) {
      if (series.kind === 'number' && series.points.length > 0) numbers.push(metric)
      if ((wordsOf(series)?.points.length ?? 0) > 0) states.push(metric)
    }
    return JSON.stringify([numbers, states])
  }, [frame, deviceId])
  const key = useSyncExternalStore(frame.subscribeShown, look)
  return useMemo(() => {
    const [numbers, states] = JSON.parse(key) as [string[], string[]]
    const toSeries = (metric: string) => ({ deviceId, metric })
    return { numbers: numbers.map(toSeries), states: states.map(toSeries) }
  }, [key, deviceId])
}

function Nothing({ deviceId }: { deviceId: string }) {
  const { answers } = useFrame()
  const answer = answers.get(deviceId)
  if (answer?.isError && answer.data === undefined) {
    return (
      <div className="panel">
        <Failure
          what="Could not load the readings"
          error={answer.error}
          onRetry={() => void answer.refetch()}
        />
      </div>
    )
  }
  if (answer?.data === undefined) {
    return (
      <Late>
        <div className="panel chart chart--loading" role="status" aria-label="Loading the readings">
          <span className="skel" style={{ width: 120, margin: 14 }} />
        </div>
      </Late>
    )
  }
  return <NoReadings deviceId={deviceId} />
}

/** Says where there is something, and takes you there. */
function NoReadings({ deviceId }: { deviceId: string }) {
  const { frame, range, setRange } = useFrame()
  const { data: device } = useQuery(oneDevice(deviceId))
  if (device === undefined) return null
  const { seenAt } = device.presence
  const length = lengthOf(range)
  // That it has never said anything, and what to do, stands where its values will.
  if (seenAt === null) return null
  const goThere = () =>
    setRange({
      kind: 'fixed',
      from: Math.round(seenAt - length * 0.9),
      to: Math.round(seenAt + length * 0.1),
    })
  return (
    <div className="panel">
      <Quietbox title={`No readings in this ${formatDuration(length)}`}>
        <span>The newest came {formatMoment(seenAt, frame.now())}.</span>
        <button type="button" className="btn btn--sm" onClick={goThere}>
          Go there
        </button>
      </Quietbox>
    </div>
  )
}
