import { infiniteQueryOptions, useInfiniteQuery, useQueryClient } from '@tanstack/react-query'
import type { RejectedMessage } from '@telltale/api/contract'
import { get } from '../api.ts'
import { useLiveEvents } from '../use-live.ts'

type RejectedPage = { items: RejectedMessage[]; nextCursor: string | null }

const pageSize = 50
const day = 86_400_000

export const rejectedOf = (deviceId: string) =>
  infiniteQueryOptions({
    queryKey: ['rejected', deviceId],
    queryFn: ({ pageParam, signal }) =>
      get<RejectedPage>(`/devices/${deviceId}/rejected`, { limit: pageSize, cursor: pageParam }, signal),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: (page) => page.nextCursor ?? undefined,
  })

/** Reads the list anew when a message is rejected; an event comes once a second at most. */
export function useFollowRejected(deviceId: string): void {
  const queryClient = useQueryClient()
  useLiveEvents((event) => {
    if (event.type !== 'rejected' || event.data.deviceId !== deviceId) return
    void queryClient.invalidateQueries({ queryKey: ['rejected', deviceId] }, { cancelRefetch: false })
  })
}

/** For the tab: those of the last day; older ones are known to whoever wants to know. */
export function useRecentRejects(deviceId: string, now: number): string {
  const pages = useInfiniteQuery(rejectedOf(deviceId)).data?.pages ?? []
  return countWords(pages, now - day)
}

/** `7`, or `50+` when all that is known is recent and there is more. */
export function countWords(
  pages: readonly { items: readonly Pick<RejectedMessage, 'receivedAt'>[]; nextCursor: string | null }[],
  since: number,
): string {
  const all = pages.flatMap(({ items }) => items)
  const recent = all.filter(({ receivedAt }) => Date.parse(receivedAt) >= since)
  if (recent.length === 0) return ''
  const isMore = recent.length === all.length && pages.at(-1)?.nextCursor !== null
  return isMore ? `${recent.length}+` : String(recent.length)
}

export function useNewestRejectedAt(deviceId: string): number | null {
  const newest = useInfiniteQuery(rejectedOf(deviceId)).data?.pages[0]?.items[0]
  return newest === undefined ? null : Date.parse(newest.receivedAt)
}
