import { infiniteQueryOptions, queryOptions, useQuery } from '@tanstack/react-query'
import type {
  CommandBatch,
  CommandBatchCount,
  CommandBatchResult,
  CommandBatchSummary,
  DeviceFilter,
  NewCommandBatch,
} from '@telltale/api/contract'
import { get, send, sendOnce } from '../api.ts'
import { typeList } from '../types/types.ts'
import { type BatchStatus, commandWords, failedStates, isOpen, retryMax } from './words.ts'

type Page<T> = { items: T[]; nextCursor: string | null }

const openRefreshMs = 1_000
const listRefreshMs = 5_000
const resultsPageSize = 200

export const batchList = infiniteQueryOptions({
  queryKey: ['command-batches', 'list'],
  queryFn: ({ pageParam, signal }) =>
    get<Page<CommandBatchSummary>>('/command-batches', { limit: 50, cursor: pageParam }, signal),
  initialPageParam: undefined as string | undefined,
  getNextPageParam: (page) => page.nextCursor ?? undefined,
  refetchInterval: listRefreshMs,
})

/** Commands answer in their own time, long after the last one was made: it is looked at until all have. */
export const oneBatch = (id: string) =>
  queryOptions({
    queryKey: ['command-batches', 'one', id],
    queryFn: ({ signal }) => get<CommandBatch>(`/command-batches/${id}`, {}, signal),
    refetchInterval: ({ state: { data } }) => (data !== undefined && isOpen(data) ? openRefreshMs : false),
  })

/** In the list each is counted once it is on the screen: not by the list's own answer, which may hold 50 large ones. */
export const listedBatch = (id: string) =>
  queryOptions({
    ...oneBatch(id),
    staleTime: ({ state: { data } }) =>
      data !== undefined && !isOpen(data) ? Number.POSITIVE_INFINITY : listRefreshMs,
    refetchInterval: ({ state: { data } }) => (data !== undefined && isOpen(data) ? listRefreshMs : false),
  })

export const batchResults = (id: string, status: BatchStatus | undefined) =>
  infiniteQueryOptions({
    queryKey: ['command-batches', 'results', id, status ?? ''],
    queryFn: ({ pageParam, signal }) =>
      get<Page<CommandBatchResult>>(
        `/command-batches/${id}/results`,
        { status, limit: resultsPageSize, cursor: pageParam },
        signal,
      ),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: (page) => page.nextCursor ?? undefined,
    placeholderData: (previous) => previous,
  })

/** How many devices a filter matches now. The name is asked for and has no part in the answer. */
export const selectionCount = (filter: DeviceFilter) =>
  queryOptions({
    queryKey: ['command-batches', 'count', filter],
    queryFn: () =>
      send<CommandBatchCount>('POST', '/commands', {
        filter,
        name: 'count',
        dryRun: true,
      } satisfies NewCommandBatch),
    staleTime: 0,
    gcTime: 0,
  })

/** Those the command did not work for, in the order of their turns. */
export async function failedDevices(batchId: string): Promise<string[]> {
  const ids: string[] = []
  for (const status of failedStates) {
    let cursor: string | undefined
    while (ids.length < retryMax) {
      const query = { status, limit: resultsPageSize, cursor }
      const page = await get<Page<CommandBatchResult>>(`/command-batches/${batchId}/results`, query)
      ids.push(...page.items.map(({ deviceId }) => deviceId))
      if (page.nextCursor === null) break
      cursor = page.nextCursor
    }
  }
  return [...new Set(ids)].slice(0, retryMax)
}

export function useCommandWords(name: string): string {
  return commandWords(name, useQuery(typeList).data ?? [])
}

export function createBatch(batch: NewCommandBatch, key: string): Promise<CommandBatch> {
  return sendOnce<CommandBatch>('/commands', batch, key)
}

export function stopBatch(id: string): Promise<CommandBatch> {
  return send<CommandBatch>('DELETE', `/command-batches/${id}`)
}
