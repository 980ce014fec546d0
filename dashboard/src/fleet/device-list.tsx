import './list.css'
import { useQuery } from '@tanstack/react-query'
import { Link, useRouter } from '@tanstack/react-router'
import { Search } from 'lucide-react'
import { useEffect, useMemo, useRef, useState } from 'react'
import { typeList } from '../types/types.ts'
import { formatCount } from '../ui/format.ts'
import { Failure, Quietbox } from '../ui/states.tsx'
import { useLate } from '../ui/use-late.ts'
import { DeviceRow, type RowActions } from './device-row.tsx'
import { ListHead } from './list-head.tsx'
import { newsWords } from './order.ts'
import type { RowMenuAt } from './row-menu.tsx'
import { type FleetSearch, searchWords } from './search.ts'
import { isSelected } from './selection.ts'
import { useListKeys } from './use-list-keys.ts'
import type { Order } from './use-order.ts'
import { useRowData } from './use-row-data.ts'
import type { Selecting } from './use-selection.ts'
import { useVirtualRows } from './use-virtual-rows.ts'

const loadMenu = () => import('./row-menu.tsx').then(({ RowMenu }) => RowMenu)

type DeviceListProps = { order: Order; filter: FleetSearch; selecting: Selecting }

export function DeviceList({ order, filter, selecting }: DeviceListProps) {
  const { ids, onScreen, isTruncated } = order
  const [at, setAt] = useState<string | null>(null)
  const atIndex = useMemo(() => (at === null ? -1 : ids.indexOf(at)), [ids, at])
  const { box, rows, heightPx, scrollTo } = useVirtualRows(ids.length, atIndex)
  const nearRows = rows.filter(({ index }) => index !== atIndex || rows.length === 1)
  const place = { first: nearRows[0]?.index ?? 0, last: nearRows.at(-1)?.index ?? 0 }
  onScreen.current = place
  const data = useRowData(ids, place)
  const types = useQuery(typeList).data
  const typesByName = useMemo(() => new Map(types?.map((type) => [type.name, type])), [types])
  const [menuAt, setMenuAt] = useState<RowMenuAt | null>(null)
  const closeMenu = () => setMenuAt(null)
  const [RowMenu, wantMenu] = useLate(loadMenu, menuAt !== null, closeMenu)
  const comeNear = useComeNear(wantMenu)
  const actions = useActions({ select: selecting.select, openMenu: setMenuAt, focus: setAt })
  const keys = useListKeys({ box, ids, at: atIndex, first: place.first, setAt, scrollTo, selecting })
  const tabbed = atIndex >= 0 ? atIndex : place.first
  if (ids.length === 0) return <NoMatch filter={filter} />
  return (
    <div className="list">
      <ListHead selecting={selecting} />
      <ChangedNote order={order} />
      <ul
        ref={box}
        aria-label="Devices"
        className="list__body"
        style={{ height: heightPx }}
        onKeyDown={keys}
        onPointerMove={({ movementX, movementY }) => (movementX !== 0 || movementY !== 0) && comeNear()}
        onFocus={comeNear}
      >
        {rows.map(({ index, topPx }) => {
          const id = ids[index]
          if (id === undefined) return null
          const device = data.devices.get(id)
          return (
            <DeviceRow
              key={id}
              id={id}
              device={device}
              type={device?.type == null ? undefined : typesByName.get(device.type)}
              latest={data.latest.get(id)}
              line={data.lines.get(id)}
              day={data.days.get(id)}
              isSelected={isSelected(selecting.selection, id)}
              isTabbed={index === tabbed}
              place={index + 1}
              setSize={ids.length}
              topPx={topPx}
              actions={actions}
            />
          )
        })}
      </ul>
      {data.error !== null && data.devices.size === 0 && (
        <div className="list__error">
          <Failure what="Could not load these devices" error={data.error} />
        </div>
      )}
      {isTruncated && (
        <p className="list__end">
          These are the first {formatCount(ids.length)}. Narrow the filter to see the others.
        </p>
      )}
      {RowMenu !== null && <RowMenu at={menuAt} onClose={closeMenu} />}
    </div>
  )
}

/** What a row leads to, once somebody moves here: a list that appears under a resting pointer asks for nothing. */
function useComeNear(wantMenu: () => void): () => void {
  const router = useRouter()
  const isNear = useRef(false)
  return () => {
    if (isNear.current) return
    isNear.current = true
    wantMenu()
    // Without a network the press itself says so.
    router.loadRouteChunk(router.routesById['/shell/devices/$deviceId'])?.catch(() => undefined)
  }
}

/** Never another object, so that no row is drawn for it; what it does is always the newest. */
function useActions(newest: {
  select: Selecting['select']
  openMenu: (at: RowMenuAt) => void
  focus: (id: string) => void
}): RowActions {
  const current = useRef(newest)
  useEffect(() => {
    current.current = newest
  })
  return useMemo(
    () => ({
      select: (id, isRange) => current.current.select(id, isRange),
      openMenu: (id, button) => current.current.openMenu({ id, button }),
      focus: (id) => current.current.focus(id),
    }),
    [],
  )
}

/** New order waits for a press: rows never move under the eyes. */
function ChangedNote({ order: { news, showNews } }: { order: Order }) {
  if (news === null || news.added + news.gone === 0) return null
  return (
    <div className="list__news" role="status">
      {newsWords(news)}
      <button type="button" className="btn btn--sm" onClick={showNews}>
        Show
      </button>
    </div>
  )
}

function NoMatch({ filter }: { filter: FleetSearch }) {
  return (
    <Quietbox
      icon={<Search className="i" aria-hidden="true" />}
      title={`Nothing matches ${searchWords(filter)}`}
    >
      <span>The devices are there; this filter leaves none of them.</span>
      <Link className="btn btn--sm" to="/" search={{}}>
        Remove the filter
      </Link>
    </Quietbox>
  )
}
