import { queryOptions, useQuery } from '@tanstack/react-query'
import type { Readings } from '@telltale/api/contract'
import { createContext, useContext, useEffect, useMemo, useSyncExternalStore } from 'react'
import { get } from '../api.ts'
import type { TimeRange } from '../charts/time-range.ts'
import type { LiveClient } from '../live/client.ts'
import { readWatched } from '../live/snapshot.ts'
import type { Picture } from '../telemetry/series.ts'
import { Telemetry } from '../telemetry/telemetry.ts'
import { useLive, useLiveEvents } from '../use-live.ts'
import { metricsParam } from './names.ts'

/** What tiles and the alarm line know of the past, whatever the charts show. */
export const recentMs = 3_600_000
const recentRange: TimeRange = { kind: 'live', windowMs: recentMs }
/** Contract: a device's clock may be ahead by so much. */
const aheadMs = 300_000
const pointsMax = 240
const reloadMs = 180_000

const recentReadings = (live: LiveClient, deviceId: string, metrics: string) =>
  queryOptions({
    queryKey: ['readings', deviceId, 'recent', metrics],
    queryFn: ({ signal }) =>
      readWatched(live, [deviceId], () =>
        get<Readings>(
          `/devices/${deviceId}/readings`,
          { metrics, from: 'now-1h', to: 'now+5m', bucket: 'auto', maxPoints: pointsMax },
          signal,
        ),
      ),
    enabled: metrics !== '',
    refetchInterval: reloadMs,
    staleTime: 60_000,
    refetchOnMount: 'always',
    gcTime: 60_000,
    // Another choice of metrics keeps what is drawn until the new one is there.
    placeholderData: (previous) => previous,
  })

/** The last hour of these metrics, history and live readings joined. It goes on while charts are paused. */
export function useRecentPicture(deviceId: string, names: readonly string[]): Picture | null {
  const live = useLive()
  const metrics = metricsParam(names)
  const { data } = useQuery(recentReadings(live, deviceId, metrics))
  const telemetry = useMemo(() => {
    void deviceId
    return new Telemetry({ range: recentRange, now: () => live.serverNow() })
  }, [live, deviceId])
  const wanted = JSON.stringify(names)
  useEffect(() => telemetry.want(JSON.parse(wanted) as string[]), [telemetry, wanted])
  useLiveEvents((event) => {
    if (event.type === 'reading' && event.data.deviceId === deviceId) telemetry.add(event.data)
  })
  useEffect(() => {
    if (data !== undefined) telemetry.load(data, data.to - aheadMs)
  }, [telemetry, data])
  useEffect(() => {
    const look = () => telemetry.hold(document.hidden)
    look()
    document.addEventListener('visibilitychange', look)
    return () => document.removeEventListener('visibilitychange', look)
  }, [telemetry])
  return useSyncExternalStore(telemetry.subscribe, telemetry.getPicture)
}

type Recent = {
  picture: Picture | null
  /** All metrics are looked at, not only the first. */
  showAll: boolean
  setShowAll: (showAll: boolean) => void
}

const none: Recent = { picture: null, showAll: false, setShowAll: () => {} }

export const RecentContext = createContext<Recent>(none)

export function useRecent(): Recent {
  return useContext(RecentContext)
}
