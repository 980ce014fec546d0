import { queryOptions } from '@tanstack/react-query'
import type { RejectedSummary, SystemNow } from '@telltale/api/contract'
import { get } from '../api.ts'

export const refreshMs = 5_000
const rejectedMs = 30_000

export const systemNow = queryOptions({
  queryKey: ['system', 'now'],
  queryFn: ({ signal }) => get<SystemNow>('/system', {}, signal),
  refetchInterval: ({ state }) => (state.status === 'error' && state.data === undefined ? false : refreshMs),
})

export const rejectedSummary = queryOptions({
  queryKey: ['system', 'rejected'],
  queryFn: ({ signal }) => get<RejectedSummary>('/system/rejected', {}, signal),
  refetchInterval: ({ state }) => (state.status === 'error' && state.data === undefined ? false : rejectedMs),
})
