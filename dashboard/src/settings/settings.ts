import { queryOptions } from '@tanstack/react-query'
import type { Settings } from '@telltale/api/contract'
import { get } from '../api.ts'

/** A broker tells its settings when it starts. */
const refreshMs = 30_000

export const currentSettings = queryOptions({
  queryKey: ['settings'],
  queryFn: ({ signal }) => get<Settings>('/settings', {}, signal),
  refetchInterval: refreshMs,
})
