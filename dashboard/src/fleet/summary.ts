import { queryOptions, useQuery } from '@tanstack/react-query'
import type { FleetSummary } from '@telltale/api/contract'
import { get } from '../api.ts'

/** Silence is decided by the server as time passes, so counts are asked for even when no event came. */
const recountMs = 10_000

export const fleetSummary = queryOptions({
  queryKey: ['fleet'],
  queryFn: ({ signal }) => get<FleetSummary>('/fleet', {}, signal),
  refetchInterval: recountMs,
})

export function useFleetSummary() {
  return useQuery(fleetSummary)
}
