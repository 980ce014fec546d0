import './fleet.css'
import './overview.css'
import { useInfiniteQuery } from '@tanstack/react-query'
import { Link, useSearch } from '@tanstack/react-router'
import { Plus } from 'lucide-react'
import { SendMany } from '../batches/send-many.tsx'
import { deviceList } from '../devices/devices.ts'
import { Waiting } from '../enrolments/waiting.tsx'
import { TopBar } from '../shell/top-bar.tsx'
import { Failure, SkeletonLines } from '../ui/states.tsx'
import { DeviceList } from './device-list.tsx'
import { EmptyFleet } from './empty.tsx'
import { Filter } from './filter.tsx'
import { Overview } from './overview.tsx'
import { useFleetSummary } from './summary.ts'

export function Fleet() {
  const summary = useFleetSummary()
  const empty = summary.data?.total === 0
  return (
    <>
      <title>Fleet · Telltale</title>
      <TopBar actions={empty ? null : <ConnectLinks />}>
        <h1 className="top__title">Fleet</h1>
      </TopBar>
      {empty ? (
        <>
          <div className="empty-waiting">
            <Waiting />
          </div>
          <EmptyFleet />
        </>
      ) : (
        <FilledFleet />
      )}
    </>
  )
}

function ConnectLinks() {
  return (
    <>
      <Link className="btn not-phone" to="/connect">
        <Plus className="i" aria-hidden="true" />
        Connect a device
      </Link>
      <Link className="btn btn--quiet btn--icon only-phone" to="/connect" aria-label="Connect a device">
        <Plus className="i" aria-hidden="true" />
      </Link>
    </>
  )
}

function FilledFleet() {
  const filter = useSearch({ from: '/shell/' })
  const list = useInfiniteQuery(deviceList(filter))
  const devices = list.data?.pages.flatMap((page) => page.items) ?? []
  const loadMore = () => {
    if (list.hasNextPage && !list.isFetching) void list.fetchNextPage()
  }
  return (
    <div className="page fleet">
      <Waiting />
      <Overview />
      <Filter filter={filter} shown={devices.length} more={list.hasNextPage} devices={devices}>
        <SendMany filter={filter} devices={devices} />
      </Filter>
      {list.isPending && <SkeletonLines lines={8} />}
      {list.isError && devices.length === 0 && (
        <Failure what="Could not load the devices" error={list.error} onRetry={() => void list.refetch()} />
      )}
      {list.data !== undefined && (
        <DeviceList devices={devices} filter={filter} hasMore={list.hasNextPage} onNearEnd={loadMore} />
      )}
    </div>
  )
}
