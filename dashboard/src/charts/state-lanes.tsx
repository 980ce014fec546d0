import './charts.css'
import './plot.css'
import '../telemetry/bands.css'
import { useMemo, useSyncExternalStore } from 'react'
import { bandTones, type Segment, segmentsOf } from '../telemetry/bands.ts'
import { wordsOf } from '../telemetry/series.ts'
import { formatClock, formatMoment } from '../ui/format.ts'
import { usePictureIsOld } from '../use-live.ts'
import type { ChartSeries } from './chart.tsx'
import type { Shown } from './frame.ts'
import { type SeriesLook, useLooks } from './looks.ts'
import { SeriesTable } from './series-table.tsx'
import { stateWords } from './state-words.ts'
import { useTableView } from './table-view.ts'
import { useFrame } from './time-frame.tsx'
import { useSeen } from './use-seen.ts'
import { useTurns } from './use-turns.ts'

/** Booleans and text on the time axis of the charts: what it was, from when to when. */
export function StateLanes({ series }: { series: readonly ChartSeries[] }) {
  const { isTable } = useTableView()
  if (series.length === 0) return null
  return isTable ? <SeriesTable title="States" series={series} /> : <Lanes series={series} />
}

function Lanes({ series }: { series: readonly ChartSeries[] }) {
  const { frame } = useFrame()
  const { ref, isSeen } = useSeen()
  const shown = useTurns(frame, isSeen)
  const looks = useLooks(series)
  const isOld = usePictureIsOld()
  return (
    <section ref={ref} className={isOld ? 'panel bands is-old' : 'panel bands'} aria-label="States">
      {looks.map((look) => (
        <Lane key={`${look.deviceId} ${look.metric}`} look={look} shown={shown} now={frame.now()} />
      ))}
      <Cross shown={shown} />
    </section>
  )
}

type LaneProps = { look: SeriesLook; shown: Shown; now: number }

function Lane({ look: { deviceId, metric, label, offlineSince }, shown, now }: LaneProps) {
  const { from, to, pictures } = shown
  const words = wordsOf(pictures.get(deviceId)?.series[metric])
  const states = words?.points
  const tones = useMemo(() => bandTones(states?.map(({ state }) => state) ?? []), [states])
  const found = segmentsOf(pictures.get(deviceId), metric, { from, to: Math.min(to, now), offlineSince })
  const share = (t: number) => `${((t - from) / (to - from)) * 100}%`
  return (
    <div className="bandrow">
      <span className="bandrow__name" title={metric}>
        {label}
      </span>
      {found.map((segment) => (
        <span
          key={segment.from}
          className={`band band--${tones.get(segment.state) ?? 'rest'}`}
          style={{
            left: share(segment.from),
            width: `calc(${share(from + segment.to - segment.from)} - 1px)`,
          }}
          title={describe(segment, now)}
        >
          <span className="band__word">{stateWords(segment.state)}</span>
        </span>
      ))}
    </div>
  )
}

function describe({ state, from, to }: Segment, now: number): string {
  return `${stateWords(state)}, ${formatMoment(from, now)} to ${formatClock(to)}`
}

/** The crosshair of the charts goes through all lanes. */
function Cross({ shown: { from, to } }: { shown: Shown }) {
  const { frame } = useFrame()
  const t = useSyncExternalStore(frame.crosshair.subscribe, frame.crosshair.get)
  if (t === null || t < from || t > to) return null
  return (
    <span className="lane__cross">
      <span className="cross" style={{ left: `${((t - from) / (to - from)) * 100}%` }} />
    </span>
  )
}
