import { infiniteQueryOptions } from '@tanstack/react-query'
import type { AuditEntry } from '@telltale/api/contract'
import { get } from '../api.ts'
import type { AuditSearch } from './search.ts'

type AuditPage = { items: AuditEntry[]; nextCursor: string | null }

/** Not asked for again by itself: rows do not move under the eyes of whoever reads them. */
export function auditList({ since, ...filter }: AuditSearch) {
  const from = since && { from: `now-${since}` }
  return infiniteQueryOptions({
    queryKey: ['audit', { since, ...filter }],
    queryFn: ({ pageParam, signal }) =>
      get<AuditPage>('/audit', { ...filter, ...from, limit: 50, cursor: pageParam }, signal),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: (page) => page.nextCursor ?? undefined,
    staleTime: Number.POSITIVE_INFINITY,
    refetchOnMount: 'always',
  })
}
