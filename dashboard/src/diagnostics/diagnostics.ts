import { infiniteQueryOptions, queryOptions } from '@tanstack/react-query'
import type { DeviceDiagnostics, FleetProblem } from '@telltale/api/contract'
import { get } from '../api.ts'

type FleetProblemPage = { items: FleetProblem[]; nextCursor: string | null }

const refreshMs = 10_000
const pageSize = 10

export const problemsOf = (deviceId: string) =>
  queryOptions({
    queryKey: ['diagnostics', deviceId],
    queryFn: async ({ signal }) => {
      const answer = await get<DeviceDiagnostics>(`/devices/${deviceId}/diagnostics`, {}, signal)
      return answer.items
    },
    refetchInterval: refreshMs,
  })

export const fleetProblems = infiniteQueryOptions({
  queryKey: ['fleet-diagnostics'],
  queryFn: ({ pageParam, signal }) =>
    get<FleetProblemPage>('/diagnostics', { limit: pageSize, cursor: pageParam }, signal),
  initialPageParam: undefined as string | undefined,
  getNextPageParam: (page) => page.nextCursor ?? undefined,
  refetchInterval: refreshMs,
})
