import { useQuery } from '@tanstack/react-query'
import type { Device, DeviceType, Latest } from '@telltale/api/contract'
import { latestOf } from '../devices/devices.ts'
import { formatLook, metricLook, type Trouble, troubleOf } from '../types/look.ts'
import { useTypeOf } from '../types/types.ts'
import { formatAge, unknown } from '../ui/format.ts'
import { Spark } from '../ui/spark.tsx'
import { Failure, Late, Quietbox } from '../ui/states.tsx'
import { useNow, usePictureIsOld } from '../use-live.ts'
import { usualIntervalMs } from './gaps.ts'
import type { Picture, Series } from './series.ts'

const staleAfterIntervals = 3
const staleAfterMinMs = 10_000

type TilesProps = { device: Device; picture: Picture | null; windowMs: number }

/** The newest value of every metric. Tiles go on while charts are paused. */
export function Tiles({ device, picture, windowMs }: TilesProps) {
  const now = useNow()
  const old = usePictureIsOld()
  const latest = useQuery(latestOf([device.id]))
  const type = useTypeOf(device.type).data
  if (latest.isError && latest.data === undefined) {
    return (
      <Failure
        what="Could not load the newest values"
        error={latest.error}
        onRetry={() => void latest.refetch()}
      />
    )
  }
  if (latest.data === undefined) return <LoadingTiles />
  const values = Object.entries(latest.data.items[0]?.values ?? {})
  if (values.length === 0) return <NoValues />
  return (
    <section className="tiles" aria-label="Newest values">
      {values.map(([metric, newest]) => (
        <Tile
          key={metric}
          metric={metric}
          type={type}
          newest={newest}
          series={picture?.series[metric]}
          window={{ from: now - windowMs, to: now }}
          old={old || device.presence.status === 'offline' || device.presence.status === 'silent'}
        />
      ))}
    </section>
  )
}

type TileProps = {
  metric: string
  type: DeviceType | null | undefined
  newest: Latest['values'][string]
  series: Series | undefined
  window: { from: number; to: number }
  old: boolean
}

function Tile({ metric, type, newest, series, window, old }: TileProps) {
  const look = metricLook(type, metric)
  const trouble = troubleOf(newest.value, look)
  const ageMs = window.to - newest.time
  const usual = usualIntervalMs(series?.points.map((point) => point.t) ?? [])
  // Text comes as its changes only: how long it has held is no sign of silence.
  const steady = series?.kind === 'state' && series.changesOnly
  const late = usual !== null && !steady && ageMs > Math.max(staleAfterMinMs, usual * staleAfterIntervals)
  const points =
    series?.kind === 'number'
      ? series.points.filter(({ t }) => t >= window.from).map(({ t, avg }) => ({ t, value: avg }))
      : []
  return (
    <div className={late || old ? 'tile is-stale' : 'tile'}>
      <span className="tile__head">
        <span className="cut" title={metric}>
          {look.label}
        </span>
        <span className="tile__age">{formatAge(ageMs)}</span>
      </span>
      <span className="tile__row">
        <span className={`tile__val ${typeof newest.value === 'number' ? '' : 'cut'} ${inkOf(trouble)}`}>
          {formatLook(newest.value, look)}
          {look.unit !== '' && <small>{look.unit}</small>}
        </span>
        {typeof newest.value === 'number' && (
          <Spark points={points} from={window.from} to={window.to} width={64} height={26} />
        )}
      </span>
      {trouble !== null && (
        <span className="tile__note">
          <span className={inkOf(trouble)}>{trouble.words}</span>
        </span>
      )}
    </div>
  )
}

function inkOf(trouble: Trouble | null): string {
  if (trouble === null) return ''
  return trouble.level === 'alarm' ? 'ink-bad' : 'ink-warn'
}

function LoadingTiles() {
  return (
    <Late>
      <div className="tiles" role="status" aria-label="Loading the newest values">
        {['a', 'b', 'c'].map((key) => (
          <div className="tile" key={key}>
            <span className="tile__head">{unknown}</span>
            <span className="tile__row">
              <span className="skel" style={{ width: 84, height: 20, margin: '5px 0' }} />
            </span>
          </div>
        ))}
      </div>
    </Late>
  )
}

function NoValues() {
  return (
    <div className="panel">
      <Quietbox title="No values yet">
        <span>The first reading shows up here within a second of being stored.</span>
      </Quietbox>
    </div>
  )
}
