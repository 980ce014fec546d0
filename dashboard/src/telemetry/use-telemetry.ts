import { queryOptions, useQuery } from '@tanstack/react-query'
import type { Readings } from '@telltale/api/contract'
import { useEffect, useMemo, useState, useSyncExternalStore } from 'react'
import { get } from '../api.ts'
import type { Range } from '../devices/search.ts'
import type { LiveClient } from '../live/client.ts'
import { readWatched } from '../live/snapshot.ts'
import { useLive, useLiveEvents } from '../use-live.ts'
import type { Picture } from './series.ts'
import { Telemetry } from './telemetry.ts'

const minute = 60_000

export const rangeMs: Record<Range, number> = {
  '5m': 5 * minute,
  '15m': 15 * minute,
  '1h': 60 * minute,
  '6h': 360 * minute,
  '24h': 1_440 * minute,
  '7d': 10_080 * minute,
}

/** Live readings keep the line going; reading it anew now and then also brings late backlogs and true averages. */
const reloadMs: Record<Range, number> = {
  '5m': 2 * minute,
  '15m': 2 * minute,
  '1h': 3 * minute,
  '6h': 5 * minute,
  '24h': 5 * minute,
  '7d': 10 * minute,
}

/** Contract: a device's clock may be ahead by so much. What it has sent is there already, and shown when it is due. */
const aheadMs = 5 * minute
const pointsMax = 500

export const history = (live: LiveClient, deviceId: string, range: Range) =>
  queryOptions({
    queryKey: ['readings', deviceId, range],
    queryFn: ({ signal }) =>
      readWatched(live, [deviceId], () =>
        get<Readings>(
          `/devices/${deviceId}/readings`,
          { from: `now-${range}`, to: 'now+5m', bucket: 'auto', maxPoints: pointsIn(range) },
          signal,
        ),
      ),
    refetchInterval: reloadMs[range],
    staleTime: minute,
    // What came while no chart was shown is in no chart.
    refetchOnMount: 'always',
    gcTime: minute,
  })

/** Of the window and what lies ahead of it, so that buckets are as narrow as for the window alone. */
function pointsIn(range: Range): number {
  return Math.ceil(pointsMax * (1 + aheadMs / rangeMs[range]))
}

/** History and live readings of a device, joined, for one window that ends now. */
export function useTelemetry(deviceId: string, range: Range) {
  const live = useLive()
  const query = useQuery(history(live, deviceId, range))
  const telemetry = useMemo(() => {
    void deviceId
    return new Telemetry(rangeMs[range], () => live.serverNow())
  }, [live, deviceId, range])
  useLiveEvents((event) => {
    if (event.type === 'reading' && event.data.deviceId === deviceId) telemetry.add(event.data)
  })
  const { data } = query
  useEffect(() => {
    if (data !== undefined) telemetry.load(data, data.to - aheadMs)
  }, [telemetry, data])
  useEffect(() => {
    const look = () => telemetry.hold(document.hidden)
    look()
    document.addEventListener('visibilitychange', look)
    return () => document.removeEventListener('visibilitychange', look)
  }, [telemetry])
  const picture = useSyncExternalStore(telemetry.subscribe, telemetry.getPicture)
  return { picture, query }
}

/** A finer clock for a window: it moves when the picture would move by about a pixel, at most ten times a second. */
export function useSlidingNow(windowMs: number): number {
  const live = useLive()
  const [now, setNow] = useState(() => live.serverNow())
  useEffect(() => {
    const stepMs = Math.max(100, windowMs / 1_000)
    let frame = 0
    let shownAt = 0
    const slide = (frameAt: number) => {
      if (frameAt - shownAt >= stepMs) {
        shownAt = frameAt
        setNow(live.serverNow())
      }
      frame = requestAnimationFrame(slide)
    }
    frame = requestAnimationFrame(slide)
    return () => cancelAnimationFrame(frame)
  }, [live, windowMs])
  return now
}

export type View = { picture: Picture; now: number }

/** Holds charts still while somebody reads them; the stream goes on behind. */
export function usePause(picture: Picture | null, now: number) {
  const [held, setHeld] = useState<View | null>(null)
  const view: View | null = held ?? (picture === null ? null : { picture, now })
  return {
    view,
    paused: held !== null,
    arrived: held === null || picture === null ? 0 : Math.max(0, picture.arrived - held.picture.arrived),
    pause: () => {
      if (picture !== null) setHeld((old) => old ?? { picture, now })
    },
    resume: () => setHeld(null),
  }
}
