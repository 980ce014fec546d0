import type { Query, QueryClient } from '@tanstack/react-query'
import type { Device, DevicePage, Latest, LiveEvent } from '@telltale/api/contract'
import { applyToCache } from '../devices/devices.ts'
import { fleetSummary } from '../fleet/summary.ts'
import type { LiveClient } from '../live/client.ts'
import { Recent } from '../live/recent.ts'

/** A busy fleet sends hundreds of events a second; the screen changes four times in that second. */
const applyEveryMs = 250
const recountEveryMs = 1_000
/** Kept while nobody looks; above, reading everything anew is the lesser work. */
const waitingMax = 5_000

/** `at` is when it arrived at Telltale, as far as that is known. */
type Heard = { event: LiveEvent; at: number }

/** Keeps every cached answer in step with the stream until the returned function is called. */
export function keepInStep(live: LiveClient, queryClient: QueryClient): () => void {
  let waiting: Heard[] = []
  let isBehind = false
  let recountAt = 0
  const recent = new Recent<Heard>(Date.now)
  const apply = () => {
    if (document.hidden) return
    if (isBehind) reread(queryClient, isInStep)
    isBehind = false
    const heard = waiting
    waiting = []
    if (heard.length === 0) return
    applyEvents(queryClient, heard)
    if (!heard.some(({ event }) => event.type === 'presence') || Date.now() < recountAt) return
    recountAt = Date.now() + recountEveryMs
    void queryClient.invalidateQueries({ queryKey: fleetSummary.queryKey })
  }
  const hear = (event: LiveEvent) => {
    if (event.type === 'resync') {
      recent.clear()
      return reread(queryClient, isInStep)
    }
    if (event.type !== 'presence' && event.type !== 'reading') return
    const heard = { event, at: arrivalOf(event, live) }
    waiting.push(heard)
    recent.add(heard)
    if (waiting.length <= waitingMax) return
    waiting = []
    isBehind = true
  }
  const timer = setInterval(apply, applyEveryMs)
  const forgetEvents = live.subscribe(hear)
  const forgetWatched = live.subscribeWatched((devices) => rereadOlder(queryClient, devices))
  let { phase } = live.getState()
  const forgetState = live.subscribeState(() => {
    const before = phase
    phase = live.getState().phase
    if (before !== 'reconnecting' && before !== 'offline') return
    // What a command did meanwhile is worth a question of its own, whatever the stream says it replays.
    if (phase === 'catching-up') void queryClient.invalidateQueries({ queryKey: ['commands'] })
  })
  const forgetAnswers = queryClient.getQueryCache().subscribe((change) => {
    if (change.type !== 'updated' || change.action.type !== 'success' || change.action.manual) return
    const isMeant = mayUndo(change.query)
    waiting.unshift(...recent.events().filter(({ event }) => isMeant(event)))
  })
  return () => {
    clearInterval(timer)
    forgetEvents()
    forgetWatched()
    forgetState()
    forgetAnswers()
  }
}

/** What is replayed after a break arrived while this page did not hear it: at its own time, or somewhat later. */
function arrivalOf(event: LiveEvent, live: LiveClient): number {
  const now = live.serverNow()
  const isReplayed = event.type === 'reading' && live.getState().phase !== 'live'
  return isReplayed ? Math.min(now, event.data.time) : now
}

/** The raw tail goes on from where it began, and says itself what it missed. */
function isInStep({ queryKey: [kind] }: Query): boolean {
  return kind !== 'raw'
}

/** An answer may have been read before the newest events and come after them: then it would undo them. */
function mayUndo({ queryKey: [kind], state }: Query): (event: LiveEvent) => boolean {
  if (kind === 'latest') return ({ type }) => type === 'reading'
  if (kind !== 'devices') return () => false
  const since = new Map(devicesIn(state.data).map(({ id, presence }) => [id, presence.since ?? 0]))
  // Not every change is an event: an answer may also know better.
  return ({ type, data }) => type === 'presence' && data.since > (since.get(data.deviceId) ?? Infinity)
}

function devicesIn(data: unknown): Device[] {
  if (typeof data !== 'object' || data === null) return []
  if ('presence' in data) return [data as Device]
  if ('items' in data) return (data as DevicePage).items
  return 'pages' in data ? (data.pages as Partial<DevicePage>[]).flatMap(({ items = [] }) => items) : []
}

/** What the fleet's events are about, whichever devices are watched. */
const fleetKeys = ['devices', 'fleet', 'commands', 'rejected', 'presence']

/** Answers from before the watching of `devices` began do not know what happened until it did. */
function rereadOlder(queryClient: QueryClient, devices: readonly string[]): void {
  const newly = new Set(devices)
  // After this turn: an answer that has just come is in the cache by then.
  setTimeout(() => {
    reread(queryClient, ({ queryKey: [kind, of], state }) => {
      if (newly.has('*') && fleetKeys.includes(String(kind))) return true
      if (kind === 'latest') return Array.isArray(of) && of.some((id) => newly.has(id))
      // One on its way sees to it itself (live/snapshot.ts).
      return kind === 'readings' && newly.has(String(of)) && state.fetchStatus === 'idle'
    })
  })
}

function reread(queryClient: QueryClient, isMeant: (query: Query) => boolean): void {
  for (const query of queryClient.getQueryCache().findAll({ predicate: isMeant })) {
    const again = () => queryClient.invalidateQueries({ queryKey: query.queryKey, exact: true })
    // A first answer on its way is as old as its request, and is not asked for again by itself.
    const isFirst = query.state.data === undefined && query.state.fetchStatus === 'fetching'
    if (isFirst) void query.promise?.then(again, () => undefined)
    else void again()
  }
}

function applyEvents(queryClient: QueryClient, heard: Heard[]): void {
  for (const { event, at } of newestOfEach(heard)) applyToCache(queryClient, event, at)
  applyReadings(
    queryClient,
    heard.map(({ event }) => event),
  )
}

/** Of many readings of one device only one moves its presence; presence events all count, in order. */
function newestOfEach(heard: Heard[]): Heard[] {
  const reading = new Set<string>()
  return heard
    .toReversed()
    .filter(({ event }) => {
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
