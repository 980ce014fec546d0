import { useQuery } from '@tanstack/react-query'
import type { Readings } from '@telltale/api/contract'
import { useEffect, useState, useSyncExternalStore } from 'react'
import { get } from '../api.ts'
import { readWatched } from '../live/snapshot.ts'
import { useLive, useLiveEvents, useLiveState } from '../use-live.ts'
import { type Row, storedMax, Tail } from './tail.ts'

/** Further back than anybody reads single messages. */
const storedRange = { from: 'now-7d', to: 'now+5m' }

/** The messages of a device: the last that are stored, then what comes. */
export function useTail(deviceId: string) {
  const live = useLive()
  const [tail] = useState(() => new Tail())
  const { phase } = useLiveState()
  const stored = useQuery({
    // Not among what is read anew with the stream (shell/in-step.ts): a tail goes on from where it began.
    queryKey: ['raw', deviceId],
    queryFn: ({ signal }) =>
      readWatched(live, [deviceId], () =>
        get<Readings>(
          `/devices/${deviceId}/readings`,
          { ...storedRange, bucket: 'raw', maxPoints: storedMax },
          signal,
        ),
      ),
    staleTime: Number.POSITIVE_INFINITY,
    gcTime: 0,
    refetchOnWindowFocus: false,
  })
  useEffect(() => {
    if (stored.data !== undefined) tail.load(stored.data)
  }, [tail, stored.data])
  useLiveEvents((event) => {
    if (event.type === 'reading' && event.data.deviceId === deviceId) {
      // What is replayed after a break arrived at Telltale while this page did not hear it.
      tail.add(event.data, phase === 'live' ? live.serverNow() : null)
    }
    if (event.type === 'resync') tail.mark(`Some messages are missing here: ${event.data.reason}.`)
  })
  const rows = useSyncExternalStore(tail.subscribe, tail.getRows)
  return { tail, rows, stored }
}

type Held = { rows: readonly Row[]; count: number }

/** Holds the list still while somebody reads it; what comes meanwhile is counted. */
export function useHold(tail: Tail, rows: readonly Row[], isHeld: boolean) {
  const [held, setHeld] = useState<Held | null>(null)
  if (isHeld && held === null) setHeld({ rows, count: tail.count })
  if (!isHeld && held !== null) setHeld(null)
  return {
    shown: held === null ? rows : held.rows,
    arrived: held === null ? 0 : tail.count - held.count,
  }
}
