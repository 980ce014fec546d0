import { useQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { useWindowVirtualizer } from '@tanstack/react-virtual'
import type { Device } from '@telltale/api/contract'
import { Search } from 'lucide-react'
import { useEffect, useLayoutEffect, useRef, useState } from 'react'
import { typeList } from '../types/types.ts'
import { Quietbox } from '../ui/states.tsx'
import { useMediaQuery } from '../ui/use-media-query.ts'
import { useNow, useWatch } from '../use-live.ts'
import { DeviceRow } from './device-row.tsx'
import type { FleetSearch } from './search.ts'
import { useLatest } from './use-latest.ts'

const rowHeightPx = 46
const phoneRowHeightPx = 64
const rowsBeforeEnd = 20

type DeviceListProps = {
  devices: Device[]
  filter: FleetSearch
  hasMore: boolean
  onNearEnd: () => void
}

export function DeviceList({ devices, filter, hasMore, onNearEnd }: DeviceListProps) {
  const now = useNow()
  const { box, rows, heightPx, offsetPx } = useRows(devices.length)
  const visible = rows.flatMap((row) => devices[row.index]?.id ?? [])
  useWatch(visible)
  const types = useQuery(typeList).data
  const latest = useLatest(devices, rows[0]?.index ?? 0, rows.at(-1)?.index ?? 0)
  const lastRow = rows.at(-1)?.index ?? 0
  useEffect(() => {
    if (hasMore && lastRow >= devices.length - rowsBeforeEnd) onNearEnd()
  }, [hasMore, lastRow, devices.length, onNearEnd])
  if (devices.length === 0) return <NoMatch filter={filter} />
  return (
    <div className="list">
      <ListHead />
      <ul ref={box} aria-label="Devices" className="list__body" style={{ height: heightPx }}>
        {rows.map((row) => {
          const device = devices[row.index]
          if (device === undefined) return null
          return (
            <DeviceRow
              key={device.id}
              device={device}
              type={types?.find(({ name }) => name === device.type)}
              latest={latest.get(device.id)}
              now={now}
              place={row.index + 1}
              setSize={hasMore ? -1 : devices.length}
              topPx={row.start - offsetPx}
            />
          )
        })}
      </ul>
    </div>
  )
}

function useRows(count: number) {
  const box = useRef<HTMLUListElement>(null)
  const phone = useMediaQuery('(max-width: 767px)')
  const [offsetPx, setOffset] = useState(0)
  useLayoutEffect(() => {
    const top = box.current?.getBoundingClientRect().top
    if (top !== undefined) setOffset(top + window.scrollY)
  })
  const virtualizer = useWindowVirtualizer({
    count,
    estimateSize: () => (phone ? phoneRowHeightPx : rowHeightPx),
    overscan: 6,
    scrollMargin: offsetPx,
  })
  useEffect(() => {
    virtualizer.options.estimateSize = () => (phone ? phoneRowHeightPx : rowHeightPx)
    virtualizer.measure()
  }, [phone, virtualizer])
  return { box, rows: virtualizer.getVirtualItems(), heightPx: virtualizer.getTotalSize(), offsetPx }
}

/** For the eye: every row says the same in words. */
function ListHead() {
  return (
    <div className="row row--head" aria-hidden="true">
      <span>Device</span>
      <span>State</span>
      <span>Last values</span>
      <span className="seen">Seen</span>
    </div>
  )
}

function NoMatch({ filter }: { filter: FleetSearch }) {
  const words = [
    filter.q,
    filter.tag && `tag:${filter.tag}`,
    filter.status && `status:${filter.status}`,
  ].filter(Boolean)
  return (
    <Quietbox icon={<Search className="i" aria-hidden="true" />} title={`Nothing matches ${words.join(' ')}`}>
      <span>The devices are there; this filter leaves none of them.</span>
      <Link className="btn btn--sm" to="/" search={{}}>
        Remove the filter
      </Link>
    </Quietbox>
  )
}
