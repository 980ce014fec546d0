import { infiniteQueryOptions, queryOptions } from '@tanstack/react-query'
import type { PresenceHistory } from '@telltale/api/contract'
import { get } from '../api.ts'

const day = 86_400_000

export const spans = [
  { label: '24 h', from: 'now-24h', bars: 24 },
  { label: '7 d', from: 'now-7d', bars: 7 },
  { label: '30 d', from: 'now-30d', bars: 30 },
] as const
export type Span = (typeof spans)[number]

export const presenceOf = (deviceId: string, { from, label }: Span) =>
  queryOptions({
    queryKey: ['presence', deviceId, label],
    queryFn: ({ signal }) =>
      get<PresenceHistory>(`/devices/${deviceId}/presence`, { from, to: 'now' }, signal),
    refetchInterval: 60_000,
  })

type Stretch = { from: string | number; to: string | number }

/** The last day first, then a month at a time, back to when the device was added. */
export const sessionsOf = (deviceId: string, createdAt: number) =>
  infiniteQueryOptions({
    queryKey: ['presence', deviceId, 'sessions'],
    queryFn: ({ pageParam, signal }) =>
      get<PresenceHistory>(`/devices/${deviceId}/presence`, pageParam, signal),
    initialPageParam: { from: 'now-24h', to: 'now' } as Stretch,
    getNextPageParam: (page) => older(page, createdAt),
    refetchInterval: 60_000,
  })

/** What comes before a page; undefined when the device was not there yet. */
export function older(
  { from, sessions, truncated }: Pick<PresenceHistory, 'from' | 'sessions' | 'truncated'>,
  createdAt: number,
): Stretch | undefined {
  const oldest = sessions.at(-1)
  if (truncated && oldest !== undefined) return { from, to: Date.parse(oldest.connectedAt) }
  return from <= createdAt ? undefined : { from: Math.max(createdAt, from - 30 * day), to: from }
}

export type Session = PresenceHistory['sessions'][number]

/** Newest first, each once: one that lasted over the end of a page is in both. */
export function allSessions(pages: readonly Pick<PresenceHistory, 'sessions'>[]): Session[] {
  const byStart = new Map(
    pages.flatMap(({ sessions }) => sessions).map((session) => [session.connectedAt, session]),
  )
  return [...byStart.values()].sort((a, b) => b.connectedAt.localeCompare(a.connectedAt))
}
