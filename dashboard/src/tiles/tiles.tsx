import { useQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import type { Device, Latest } from '@telltale/api/contract'
import { Search } from 'lucide-react'
import { useState } from 'react'
import { latestOf } from '../devices/devices.ts'
import { metricLook } from '../types/look.ts'
import { useTypeOf } from '../types/types.ts'
import { formatCount } from '../ui/format.ts'
import { Failure, Late, Quietbox } from '../ui/states.tsx'
import { useNow, usePictureIsOld } from '../use-live.ts'
import { inOrder, matches, shownMax } from './names.ts'
import { useRecent } from './recent.tsx'
import { Tile } from './tile.tsx'
import { useClock } from './use-clock.ts'

/** The newest value of every metric. Tiles go on while charts are paused. */
export function Tiles({ device }: { device: Device }) {
  const latest = useQuery(latestOf([device.id]))
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
  const values = latest.data.items[0]?.values ?? {}
  if (Object.keys(values).length === 0) return <NoValues deviceId={device.id} />
  return <ValueTiles device={device} values={values} />
}

type ValueTilesProps = { device: Device; values: Latest['values'] }

function ValueTiles({ device, values }: ValueTilesProps) {
  const now = useNow()
  const isOld = usePictureIsOld()
  const { data: type, isLoading: isTypeLoading } = useTypeOf(device.type)
  const clock = useClock(device)
  const { picture, showAll } = useRecent()
  const [search, setSearch] = useState('')
  const names = inOrder(Object.keys(values), type)
  const wanted = showAll ? names.filter((name) => matches(search, name, metricLook(type, name).label)) : names
  const shown = showAll ? wanted : names.slice(0, shownMax)
  // Without its type a value would be written otherwise for a moment, and without its unit.
  if (isTypeLoading) return <LoadingTiles count={shown.length} />
  const old = isOld || device.presence.status === 'offline' || device.presence.status === 'silent'
  return (
    <>
      <section className="tiles" aria-label="Newest values">
        {shown.map((metric) => {
          const newest = values[metric]
          return newest === undefined ? null : (
            <Tile
              key={metric}
              metric={metric}
              type={type}
              newest={newest}
              series={picture?.series[metric]}
              now={now}
              aheadMs={clock?.aheadMs ?? 0}
              old={old}
            />
          )
        })}
      </section>
      {names.length > shownMax && (
        <More total={names.length} found={wanted.length} search={search} onSearch={setSearch} />
      )}
    </>
  )
}

type MoreProps = { total: number; found: number; search: string; onSearch: (search: string) => void }

function More({ total, found, search, onSearch }: MoreProps) {
  const { showAll, setShowAll } = useRecent()
  if (!showAll) {
    return (
      <div className="tiles__more">
        <button type="button" className="btn btn--sm" onClick={() => setShowAll(true)}>
          Show all {formatCount(total)}
        </button>
        <span className="ink-3">The first {shownMax} are shown.</span>
      </div>
    )
  }
  const fewer = () => {
    onSearch('')
    setShowAll(false)
  }
  return (
    <div className="tiles__more">
      <label className="input tiles__search">
        <Search className="i ink-3" aria-hidden="true" />
        <input
          type="search"
          aria-label="Search the metrics"
          placeholder="Search the metrics"
          value={search}
          onChange={(event) => onSearch(event.currentTarget.value)}
        />
      </label>
      <button type="button" className="btn btn--sm" onClick={fewer}>
        Show the first {shownMax}
      </button>
      <span className="ink-3" role="status">
        {search.trim() === ''
          ? `All ${formatCount(total)} are shown.`
          : `${formatCount(found)} of ${formatCount(total)} match.`}
      </span>
    </div>
  )
}

/** Its boxes are there at once, so that nothing below moves when the values come. */
function LoadingTiles({ count = 3 }: { count?: number }) {
  return (
    <div className="tiles" role="status" aria-label="Loading the newest values">
      {Array.from({ length: count }, (_, place) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: identical, never reordered
        <div className="tile" key={place}>
          <span className="tile__head">{'\u00a0'}</span>
          <span className="tile__row tile__row--loading">
            <Late>
              <span className="skel" style={{ width: 84, height: 20, margin: '5px 0' }} />
            </Late>
          </span>
          <span className="tile__note">{'\u00a0'}</span>
        </div>
      ))}
    </div>
  )
}

function NoValues({ deviceId }: { deviceId: string }) {
  return (
    <div className="panel">
      <Quietbox title="No values yet">
        <span>The first reading shows up here within a second of being stored.</span>
        <Link className="btn btn--sm" to="/connect" search={{ device: deviceId }}>
          How to connect it
        </Link>
      </Quietbox>
    </div>
  )
}
