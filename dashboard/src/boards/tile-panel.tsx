import { useShown } from '../charts/time-frame.tsx'
import type { Series } from '../telemetry/series.ts'
import { expectedEveryMs, isLate as isLateAfter } from '../tiles/facts.ts'
import { spanWords } from '../tiles/tile-note.ts'
import { formatLook, metricLook, type Trouble, troubleOf } from '../types/look.ts'
import { formatAge, unknown } from '../ui/format.ts'
import { Lamp } from '../ui/lamp.tsx'
import { Spark } from '../ui/spark.tsx'
import { useBoardDevice } from './boards.ts'
import { OfDevice, PanelFrame } from './panel-frame.tsx'
import { type PanelOf, panelName } from './panels.ts'

export function TilePanel({ panel }: { panel: PanelOf<'tile'> }) {
  const of = useBoardDevice(panel.deviceId)
  const look = metricLook(of.type, panel.metric)
  const newest = newestOf(of.values, panel.metric)
  const shown = useShown()
  const series = shown.pictures.get(panel.deviceId)?.series[panel.metric]
  const ageMs = newest === undefined ? null : of.now - newest.time
  const trouble = newest === undefined ? null : troubleOf(newest.value, look)
  const points = series?.kind === 'number' ? series.points.map(({ t, avg }) => ({ t, value: avg })) : []
  const windowMs = shown.to - shown.from
  const rest =
    newest === undefined ? 'no reading yet' : spanWords(series, { look, from: shown.from, windowMs })
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
        <div className="btile">
          <span className={`btile__val ${inkOf(trouble)} ${typeof newest?.value === 'number' ? '' : 'cut'}`}>
            {newest === undefined ? unknown : formatLook(newest.value, look)}
            {newest !== undefined && look.unit !== '' && <small>{look.unit}</small>}
          </span>
          {typeof newest?.value === 'number' && (
            <Spark
              points={points.filter(({ t }) => t >= shown.from && t <= shown.to)}
              from={shown.from}
              to={shown.to}
              width={160}
              height={36}
            />
          )}
        </div>
        <TroubleLine trouble={trouble} rest={rest} />
      </OfDevice>
    </PanelFrame>
  )
}

export function newestOf<V>(values: Record<string, V>, metric: string): V | undefined {
  return Object.hasOwn(values, metric) ? values[metric] : undefined
}

/** Older than three of its usual intervals; text comes as its changes, whose age says nothing. */
export function isLate(ageMs: number | null, series: Series | undefined): boolean {
  return ageMs !== null && isLateAfter(ageMs, expectedEveryMs(series))
}

export function inkOf(trouble: Trouble | null): string {
  if (trouble === null) return ''
  return trouble.level === 'alarm' ? 'ink-bad' : 'ink-warn'
}

/** Colour never speaks alone: a lamp and the words say which threshold. */
export function TroubleLine({ trouble, rest }: { trouble: Trouble | null; rest: string }) {
  if (trouble === null) return <span className="bpanel__note ink-3">{rest}</span>
  return (
    <span className={`bpanel__note iconline ${inkOf(trouble)}`}>
      <Lamp shape="alarm" tone={trouble.level === 'alarm' ? 'bad' : 'warn'} />
      {trouble.words}
    </span>
  )
}
