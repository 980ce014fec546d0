import './fleet.css'
import './overview.css'
import { useQuery } from '@tanstack/react-query'
import { Link, useSearch } from '@tanstack/react-router'
import { Plus } from 'lucide-react'
import { SendMany } from '../batches/send-many.tsx'
import { Waiting } from '../enrolments/waiting.tsx'
import { TopBar } from '../shell/top-bar.tsx'
import { Failure, SkeletonLines } from '../ui/states.tsx'
import { usePictureIsOld } from '../use-live.ts'
import { BulkBar } from './bulk-bar.tsx'
import { ClockProvider, useNewClock } from './clock.ts'
import { DeviceList } from './device-list.tsx'
import { EmptyFleet } from './empty.tsx'
import { Filter } from './filter.tsx'
import { fleetFacets } from './fleet-queries.ts'
import { Overview } from './overview.tsx'
import { useFleetSummary } from './summary.ts'
import { useOrder } from './use-order.ts'
import { useSelection } from './use-selection.ts'

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
  const order = useOrder(filter)
  const matching = useQuery(fleetFacets(filter)).data?.matching ?? order.ids.length
  const selecting = useSelection(filter, order, Math.max(matching, order.ids.length))
  const isOld = usePictureIsOld()
  return (
    <ClockProvider value={useNewClock()}>
      <div className={isOld ? 'page fleet is-old' : 'page fleet'}>
        <Waiting />
        <Overview />
        <Filter filter={filter}>
          <SendMany filter={filter} />
        </Filter>
        {order.isPending && order.error === null && <SkeletonLines lines={8} />}
        {order.error !== null && order.ids.length === 0 && (
          <Failure what="Could not load the devices" error={order.error} onRetry={order.retry} />
        )}
        {!order.isPending && <DeviceList order={order} filter={filter} selecting={selecting} />}
        <BulkBar selecting={selecting} filter={filter} />
      </div>
    </ClockProvider>
  )
}
