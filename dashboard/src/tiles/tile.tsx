import type { DeviceType } from '@telltale/api/contract'
import { type Series, wordsOf } from '../telemetry/series.ts'
import { formatLook, metricLook, troubleOf } from '../types/look.ts'
import { formatAge, formatExact } from '../ui/format.ts'
import { expectedEveryMs, isLate, type Newest } from './facts.ts'
import { recentMs } from './recent.tsx'
import { noteOf } from './tile-note.ts'
import { tileShape } from './tile-shape.ts'

type TileProps = {
  metric: string
  type: DeviceType | null | undefined
  newest: Newest
  series: Series | undefined
  /** The server's time. */
  now: number
  /** How far the device's clock is ahead; 0 when it agrees. */
  aheadMs: number
  /** Nobody is there to say something newer. */
  old: boolean
}

export function Tile({ metric, type, newest, series, now, aheadMs, old }: TileProps) {
  const look = metricLook(type, metric)
  const trouble = troubleOf(newest.value, look)
  const deviceNow = now + aheadMs
  const ageMs = deviceNow - newest.time
  // A metric may change its type: what is drawn is what the newest value is.
  const drawn = typeof newest.value === 'number' ? series : (wordsOf(series) ?? undefined)
  const everyMs = expectedEveryMs(drawn)
  const isStale = old || isLate(ageMs, everyMs)
  const from = deviceNow - recentMs
  const isSkewed = aheadMs !== 0
  const note = noteOf({ newest, series, look, trouble, isStale, everyMs, isSkewed, from, now: deviceNow })
  const ink = trouble === null ? '' : trouble.level === 'alarm' ? 'ink-bad' : 'ink-warn'
  const value = formatLook(newest.value, look)
  return (
    <div className={isStale ? 'tile is-stale' : 'tile'}>
      <span className="tile__head">
        <bdi className="cut" title={metric}>
          {look.label}
        </bdi>
        <span className="tile__age" title={formatExact(newest.time)}>
          {formatAge(ageMs)}
        </span>
      </span>
      <span className="tile__row">
        <span className={`tile__val cut ${ink}`} title={value.length > 9 ? value : undefined}>
          <bdi>{value}</bdi>
          {look.unit !== '' && <small>{look.unit}</small>}
        </span>
        <TileSpark
          series={drawn}
          from={from}
          to={deviceNow}
          limit={trouble?.level === 'alarm' ? trouble.limit : null}
        />
      </span>
      <span className="tile__note cut">
        <span className={note.ink}>{note.words === '' ? '\u00a0' : note.words}</span>
      </span>
    </div>
  )
}

const width = 64
const height = 26
/** Closer to the edge than this, nothing is missing yet. */
const tailPx = 8

type TileSparkProps = { series: Series | undefined; from: number; to: number; limit: number | null }

/** Decoration: the words beside it are the information. Red only beyond a threshold, which is drawn too. */
function TileSpark({ series, from, to, limit }: TileSparkProps) {
  const { line, fill, end, limitY } = tileShape(series, { from, to, width, height }, limit)
  const tail = end === null ? 2 : end.x + 4
  return (
    <svg
      className={limit === null ? 'spark' : 'spark spark--bad'}
      viewBox={`0 0 ${width} ${height}`}
      preserveAspectRatio="none"
      aria-hidden="true"
    >
      {fill !== '' && <path className="spark__fill" d={fill} />}
      {limitY !== null && <path className="spark__thr" d={`M2 ${limitY}H${width - 3}`} />}
      {tail < width - tailPx && <path className="spark__none" d={`M${tail} ${height - 3}H${width - 3}`} />}
      {line !== '' && <path d={line} />}
      {end !== null && <circle cx={end.x} cy={end.y} r="2" />}
    </svg>
  )
}
