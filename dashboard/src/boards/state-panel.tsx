import { StateLanes } from '../charts/state-lanes.tsx'
import { useShown } from '../charts/time-frame.tsx'
import { bandTones } from '../telemetry/bands.ts'
import { forWords, heldSince } from '../tiles/facts.ts'
import { formatLook, metricLook, troubleOf } from '../types/look.ts'
import { formatAge, unknown } from '../ui/format.ts'
import { Lamp } from '../ui/lamp.tsx'
import { useBoardDevice } from './boards.ts'
import { OfDevice, PanelFrame } from './panel-frame.tsx'
import { type PanelOf, panelName } from './panels.ts'
import { isLate, newestOf, TroubleLine } from './tile-panel.tsx'

/** What the device said last. Off, closed and their like are an empty square; whether full is good, nobody knows. */
export function StatePanel({ panel }: { panel: PanelOf<'state'> }) {
  const of = useBoardDevice(panel.deviceId)
  const look = metricLook(of.type, panel.metric)
  const newest = newestOf(of.values, panel.metric)
  const { pictures } = useShown()
  const picture = pictures.get(panel.deviceId)
  const series = picture?.series[panel.metric]
  const ageMs = newest === undefined ? null : of.now - newest.time
  const state = newest === undefined ? null : formatLook(newest.value, look)
  const raw = newest === undefined ? null : String(newest.value)
  const isResting = raw !== null && bandTones([raw]).get(raw) === 'rest'
  const since = newest === undefined ? null : heldSince(picture, panel.metric, newest)
  const rest = newest === undefined ? 'no reading yet' : since === null ? '' : forWords(since, of.now)
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
          {state === null ? (
            <Lamp shape="never" size="xl" />
          ) : (
            <span className={isResting ? 'bstate__mark is-resting' : 'bstate__mark'} aria-hidden="true" />
          )}
          <span className="bstate__word cut" title={state ?? ''}>
            <bdi>{state ?? unknown}</bdi>
          </span>
        </div>
        <TroubleLine trouble={trouble} rest={rest} />
        {panel.height !== 'small' && <StateLanes series={[panel]} />}
      </OfDevice>
    </PanelFrame>
  )
}
