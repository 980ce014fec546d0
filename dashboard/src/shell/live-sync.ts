import { type QueryClient, useQueryClient } from '@tanstack/react-query'
import type { Latest, LiveEvent } from '@telltale/api/contract'
import { useEffect, useRef } from 'react'
import { applyToCache } from '../devices/devices.ts'
import { fleetSummary } from '../fleet/summary.ts'
import { useLive } from '../use-live.ts'

/** A busy fleet sends hundreds of events a second; the screen changes four times in that second. */
const applyEveryMs = 250
const recountEveryMs = 1_000

/** Keeps every cached answer in step with the stream, whichever page shows it. */
export function useLiveSync(): void {
  const live = useLive()
  const queryClient = useQueryClient()
  const waiting = useRef<LiveEvent[]>([])
  useEffect(() => {
    let recountAt = 0
    const apply = setInterval(() => {
      const events = waiting.current.splice(0)
      if (events.length === 0) return
      const arrivedAt = live.serverNow()
      for (const event of newestOfEach(events)) applyToCache(queryClient, event, arrivedAt)
      applyReadings(queryClient, events)
      if (!events.some((event) => event.type === 'presence') || Date.now() < recountAt) return
      recountAt = Date.now() + recountEveryMs
      void queryClient.invalidateQueries({ queryKey: fleetSummary.queryKey })
    }, applyEveryMs)
    const unsubscribe = live.subscribe((event) => {
      if (event.type === 'resync') void queryClient.invalidateQueries()
      else if (event.type === 'presence' || event.type === 'reading') waiting.current.push(event)
    })
    return () => {
      clearInterval(apply)
      unsubscribe()
    }
  }, [live, queryClient])
}

/** Of many readings of one device only one moves its presence; presence events all count, in order. */
function newestOfEach(events: LiveEvent[]): LiveEvent[] {
  const reading = new Set<string>()
  return events
    .toReversed()
    .filter((event) => {
      if (event.type !== 'reading') return true
      if (reading.has(event.data.deviceId)) return false
      reading.add(event.data.deviceId)
      return true
    })
    .toReversed()
}

function applyReadings(queryClient: QueryClient, events: LiveEvent[]): void {
  const readings = events.flatMap((event) => (event.type === 'reading' ? [event.data] : []))
  if (readings.length === 0) return
  queryClient.setQueriesData<{ items: Latest[] }>({ queryKey: ['latest'] }, (answer) => {
    if (answer === undefined) return answer
    const ours = readings.filter((reading) => answer.items.some((item) => item.deviceId === reading.deviceId))
    return ours.length === 0 ? answer : { items: ours.reduce(withReading, answer.items) }
  })
}

/** Newest is by event time: a backlog that arrives late must not replace a newer value. */
function withReading(
  items: Latest[],
  reading: { deviceId: string; time: number; values: Record<string, Latest['values'][string]['value']> },
): Latest[] {
  return items.map((item) => {
    if (item.deviceId !== reading.deviceId) return item
    const values = { ...item.values }
    for (const [metric, value] of Object.entries(reading.values)) {
      if ((values[metric]?.time ?? 0) <= reading.time) values[metric] = { value, time: reading.time }
    }
    return { ...item, values }
  })
}
