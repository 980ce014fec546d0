import { useQuery } from '@tanstack/react-query'
import { useEffect, useMemo, useSyncExternalStore } from 'react'
import { useLive, useLiveEvents } from '../use-live.ts'
import { aheadMs, type HistoryOf, history } from './history.ts'
import { Telemetry } from './telemetry.ts'

/** History and live readings of a device, joined. The caller keeps `range` and `metrics` the same objects. */
export function useTelemetry({ deviceId, range, metrics }: HistoryOf) {
  const live = useLive()
  const query = useQuery({ ...history(live, { deviceId, range, metrics }), notifyOnChangeProps: 'all' })
  const telemetry = useMemo(() => {
    void deviceId
    return new Telemetry({ range, metrics, now: () => live.serverNow() })
  }, [live, deviceId, range, metrics])
  useLiveEvents((event) => {
    if (event.type === 'reading' && event.data.deviceId === deviceId) telemetry.add(event.data)
  })
  const { data, dataUpdatedAt } = query
  useEffect(() => {
    if (data === undefined) return
    const readAt = live.serverNow() - (Date.now() - dataUpdatedAt)
    telemetry.load(data, range.kind === 'live' ? data.to - aheadMs : readAt)
  }, [telemetry, data, range, live, dataUpdatedAt])
  useEffect(() => {
    const look = () => telemetry.hold(document.hidden)
    look()
    document.addEventListener('visibilitychange', look)
    return () => document.removeEventListener('visibilitychange', look)
  }, [telemetry])
  const picture = useSyncExternalStore(telemetry.subscribe, telemetry.getPicture)
  return { picture, query }
}
