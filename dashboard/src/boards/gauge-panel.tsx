import { useShown } from '../charts/time-frame.tsx'
import { formatLook, type MetricLook, metricLook, troubleOf } from '../types/look.ts'
import { formatAge, unknown } from '../ui/format.ts'
import { useBoardDevice } from './boards.ts'
import { arcPath, gaugeScale, placeOn, pointAt, type Scale, zonesOf } from './gauge.ts'
import { OfDevice, PanelFrame } from './panel-frame.tsx'
import { type PanelOf, panelName } from './panels.ts'
import { inkOf, isLate, newestOf, TroubleLine } from './tile-panel.tsx'

const centre = { x: 60, y: 58 }
const arc = { at: centre, radius: 46 }
const zoneArc = { at: centre, radius: 53.5 }

export function GaugePanel({ panel }: { panel: PanelOf<'gauge'> }) {
  const of = useBoardDevice(panel.deviceId)
  const look = metricLook(of.type, panel.metric)
  const newest = newestOf(of.values, panel.metric)
  const value = typeof newest?.value === 'number' ? newest.value : null
  const series = useShown().pictures.get(panel.deviceId)?.series[panel.metric]
  const ageMs = newest === undefined ? null : of.now - newest.time
  const scale = gaugeScale(panel, look, value)
  const beyond = value === null ? null : placeOn(scale, value).beyond
  const trouble = value === null ? null : troubleOf(value, look)
  const rest = restWords({
    isText: newest !== undefined && value === null,
    beyond,
    isEmpty: newest === undefined,
  })
  const title = panelName(panel, of.type)
  return (
    <PanelFrame
      panel={panel}
      title={title}
      deviceId={panel.deviceId}
      deviceName={of.device?.name}
      age={ageMs === null ? undefined : formatAge(ageMs)}
      isStale={of.isOld || isLate(ageMs, series)}
    >
      <OfDevice of={of} deviceId={panel.deviceId} what={look.label}>
        {/* biome-ignore lint/a11y/useSemanticElements: a meter element cannot hold a drawing */}
        <div
          className="gauge"
          role="meter"
          aria-label={title}
          aria-valuemin={scale.min}
          aria-valuemax={scale.max}
          aria-valuenow={value === null ? scale.min : Math.min(scale.max, Math.max(scale.min, value))}
          aria-valuetext={valueWords(value, look)}
        >
          <Dial scale={scale} value={value} look={look} />
          <span className={`gauge__val ${inkOf(trouble)}`}>
            {value === null ? unknown : formatLook(value, look)}
            {value !== null && look.unit !== '' && <small>{look.unit}</small>}
          </span>
        </div>
        <TroubleLine trouble={trouble} rest={rest} />
        {trouble !== null && beyond !== null && <span className="bpanel__note ink-3">{rest}</span>}
      </OfDevice>
    </PanelFrame>
  )
}

type Rest = { isText: boolean; isEmpty: boolean; beyond: 'below' | 'above' | null }

function restWords({ isText, isEmpty, beyond }: Rest): string {
  if (isEmpty) return 'no reading yet'
  if (isText) return 'not a number now'
  return beyond === null ? '' : `${beyond} the scale`
}

function valueWords(value: number | null, look: MetricLook): string {
  return value === null ? 'no value' : `${formatLook(value, look)} ${look.unit}`.trim()
}

type DialProps = { scale: Scale; value: number | null; look: MetricLook }

function Dial({ scale, value, look }: DialProps) {
  const place = value === null ? null : placeOn(scale, value)
  const trouble = value === null ? null : troubleOf(value, look)
  const [from, to] = [pointAt(0, centre, arc.radius), pointAt(1, centre, arc.radius)]
  const needle = place === null ? null : pointAt(place.share, centre, arc.radius)
  return (
    <svg className="gauge__dial" viewBox="0 0 120 100" aria-hidden="true">
      <path className="gauge__track" d={arcPath(0, 1, arc)} />
      {zonesOf(scale, look.thresholds).map((zone) => (
        <path
          key={`${zone.level} ${zone.from} ${zone.to}`}
          className={`gauge__zone gauge__zone--${zone.level}`}
          d={arcPath(zone.from, zone.to, zoneArc)}
        />
      ))}
      {place !== null && place.share > 0 && (
        <path className={`gauge__fill ${inkOf(trouble)}`} d={arcPath(0, place.share, arc)} />
      )}
      {needle !== null && (
        <circle className={`gauge__end ${inkOf(trouble)}`} cx={needle.x} cy={needle.y} r="4.5" />
      )}
      <text className="gauge__bound" x={from.x} y={from.y + 16} textAnchor="middle">
        {formatLook(scale.min, look)}
      </text>
      <text className="gauge__bound" x={to.x} y={to.y + 16} textAnchor="middle">
        {formatLook(scale.max, look)}
      </text>
    </svg>
  )
}
