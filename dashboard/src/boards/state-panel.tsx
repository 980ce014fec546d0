import { StateLanes } from '../charts/state-lanes.tsx'
import { useShown } from '../charts/time-frame.tsx'
import { bandTones } from '../telemetry/bands.ts'
import { formatLook, metricLook, troubleOf } from '../types/look.ts'
import { formatAge, formatDuration, unknown } from '../ui/format.ts'
import { Lamp } from '../ui/lamp.tsx'
import { useBoardDevice } from './boards.ts'
import { OfDevice, PanelFrame } from './panel-frame.tsx'
import { type PanelOf, panelName } from './panels.ts'
import { isLate, newestOf, TroubleLine } from './tile-panel.tsx'

/** What the device said last. Off, closed and their like are an unlit lamp; whether lit is good, nobody here knows. */
export function StatePanel({ panel }: { panel: PanelOf<'state'> }) {
  const of = useBoardDevice(panel.deviceId)
  const look = metricLook(of.type, panel.metric)
  const newest = newestOf(of.values, panel.metric)
  const { pictures } = useShown()
  const series = pictures.get(panel.deviceId)?.series[panel.metric]
  const ageMs = newest === undefined ? null : of.now - newest.time
  const state = newest === undefined ? null : formatLook(newest.value, look)
  const raw = newest === undefined ? null : String(newest.value)
  const isResting = raw !== null && bandTones([raw]).get(raw) === 'rest'
  const since = series?.kind === 'state' ? sinceOf(series.points, raw) : null
  const trouble = newest === undefined ? null : troubleOf(newest.value, look)
  return (
    <PanelFrame
      panel={panel}
      title={panelName(panel, of.type)}
      deviceId={panel.deviceId}
      deviceName={of.device?.name}
      age={ageMs === null ? undefined : formatAge(ageMs)}
      isStale={of.isOld || isLate(ageMs, series)}
    >
      <OfDevice of={of} deviceId={panel.deviceId} what={look.label}>
        <div className="bstate">
          <Lamp shape={state === null || isResting ? 'never' : 'online'} tone="off" size="xl" />
          <span className="bstate__word cut" title={state ?? ''}>
            <bdi>{state ?? unknown}</bdi>
          </span>
        </div>
        <TroubleLine trouble={trouble} rest={noteOf(state, since, of.now)} />
        {panel.height !== 'small' && <StateLanes series={[panel]} />}
      </OfDevice>
    </PanelFrame>
  )
}

/** Since when it has been so, as far as what is loaded reaches back. */
function sinceOf(points: readonly { t: number; state: string }[], state: string | null): number | null {
  const changedAt = points.findLastIndex((point) => point.state !== state)
  // The first point known may be as old as the window is long: no change was seen.
  return changedAt < 0 ? null : (points[changedAt + 1]?.t ?? null)
}

function noteOf(state: string | null, since: number | null, now: number): string {
  if (state === null) return 'no reading yet'
  return since === null ? '' : `for ${formatDuration(now - since)}`
}
