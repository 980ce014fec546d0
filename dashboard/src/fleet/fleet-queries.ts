import { queryOptions } from '@tanstack/react-query'
import type {
  DevicesChange,
  DevicesChanged,
  FleetAlarms,
  FleetDays,
  FleetFacets,
  FleetIndex,
  FleetSparklines,
} from '@telltale/api/contract'
import { get, send } from '../api.ts'
import type { FleetSearch } from './search.ts'

/** Silence is decided by the server as time passes; what else changes is told by events. */
const indexStaleMs = 60_000
const facetsRefreshMs = 15_000
const alarmsRefreshMs = 15_000
const minuteMs = 60_000
const dayRefreshMs = 5 * minuteMs
/** Rows out of sight are forgotten soon: a list of ten thousand takes no more memory than one of a hundred. */
const unseenKeptMs = 15_000

/** Every matching device in order of id, with its state: what the list is as long as, and the lamp panel. */
export const fleetIndex = (filter: FleetSearch) =>
  queryOptions({
    queryKey: ['devices', 'list', 'index', filter],
    queryFn: ({ signal }) => get<FleetIndex>('/fleet/index', filter, signal),
    refetchInterval: indexStaleMs,
    gcTime: unseenKeptMs,
    // A filter that changes keeps the old rows until the new ones are there: no flash of emptiness.
    placeholderData: (previous) => previous,
  })

export const fleetFacets = (filter: FleetSearch) =>
  queryOptions({
    queryKey: ['devices', 'list', 'facets', filter],
    queryFn: ({ signal }) => get<FleetFacets>('/fleet/facets', filter, signal),
    refetchInterval: facetsRefreshMs,
    gcTime: unseenKeptMs,
    placeholderData: (previous) => previous,
  })

export const fleetAlarms = queryOptions({
  queryKey: ['fleet', 'alarms'],
  queryFn: ({ signal }) => get<FleetAlarms>('/fleet/alarms', {}, signal),
  refetchInterval: alarmsRefreshMs,
})

export const sparklinesOf = (ids: readonly string[]) =>
  queryOptions({
    queryKey: ['fleet-rows', 'sparklines', ids],
    queryFn: ({ signal }) => get<FleetSparklines>('/fleet/sparklines', { devices: ids.join(',') }, signal),
    staleTime: minuteMs,
    refetchInterval: minuteMs,
    gcTime: unseenKeptMs,
  })

export const daysOf = (ids: readonly string[]) =>
  queryOptions({
    queryKey: ['fleet-rows', 'days', ids],
    queryFn: ({ signal }) => get<FleetDays>('/fleet/days', { devices: ids.join(',') }, signal),
    staleTime: dayRefreshMs,
    refetchInterval: dayRefreshMs,
    gcTime: unseenKeptMs,
  })

/** How many devices a change would reach. */
export const devicesCount = (filter: DevicesChange['filter']) =>
  queryOptions({
    queryKey: ['fleet', 'count', filter],
    queryFn: () => changeDevices({ filter, dryRun: true }),
    staleTime: 0,
    gcTime: 0,
  })

export function changeDevices(change: DevicesChange): Promise<DevicesChanged> {
  return send<DevicesChanged>('PATCH', '/devices', change)
}
