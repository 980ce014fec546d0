import { useQuery, useQueryClient } from '@tanstack/react-query'
import type { LiveEvent, Readiness } from '@telltale/api/contract'
import { useEffect, useRef } from 'react'
import { getHealth } from '../api.ts'
import { askForFailed } from '../live/refresh.ts'
import { useLiveEvents } from '../use-live.ts'

const calmEveryMs = 10_000
/** While there is something to count. It is asked of the server's memory. */
const troubleEveryMs = 2_000
const rereadWithinMs = 1_500

type Totals = Extract<LiveEvent, { type: 'totals' }>['data']

/** How the server is. The live stream says within a second that something has changed; then it is asked. */
export function useReadiness(): Readiness | undefined {
  const queryClient = useQueryClient()
  const {
    data: readiness,
    isError,
    refetch,
  } = useQuery({
    queryKey: ['readiness'],
    queryFn: ({ signal }) => getHealth<Readiness>('/readyz', signal),
    refetchInterval: ({ state }) => (isTroubled(state.data) ? troubleEveryMs : calmEveryMs),
    staleTime: troubleEveryMs,
  })
  useLiveEvents((event) => {
    // Of a request that is under way nobody knows whether it saw the change: the next second asks again.
    if (event.type === 'totals' && isNews(event.data, readiness)) void refetch({ cancelRefetch: false })
  })
  const isWithoutDatabase = isAway(readiness, 'database')
  useWhenOver(isWithoutDatabase, () => askForFailed(queryClient))
  // What was stored late is in no answer from before. Spread, for all screens see the end of it at once.
  const isLate = isWithoutDatabase || (readiness?.spool?.state ?? 'empty') !== 'empty'
  useWhenOver(isLate, () => {
    setTimeout(() => void queryClient.invalidateQueries(), Math.random() * rereadWithinMs)
  })
  // A server that is away says nothing any more: what it said last may be over.
  return isError ? undefined : readiness
}

function isTroubled(readiness: Readiness | undefined): boolean {
  return readiness !== undefined && (!readiness.ready || (readiness.spool?.state ?? 'empty') !== 'empty')
}

function isAway(readiness: Readiness | undefined, name: string): boolean {
  return readiness?.checks.some((check) => check.name === name && !check.ok) ?? false
}

/** Exported for its test. */
export function isNews({ spool }: Totals, readiness: Readiness | undefined): boolean {
  return readiness !== undefined && spool !== undefined && spool?.state !== readiness.spool?.state
}

function useWhenOver(isOn: boolean, act: () => void): void {
  const was = useRef(false)
  const newest = useRef(act)
  newest.current = act
  useEffect(() => {
    if (was.current && !isOn) newest.current()
    was.current = isOn
  }, [isOn])
}
