import { queryOptions, useQueries, useQueryClient } from '@tanstack/react-query'
import type { Command, PresenceHistory } from '@telltale/api/contract'
import { useEffect, useRef, useState } from 'react'
import { get } from '../api.ts'
import { newerOf } from '../commands/track.ts'
import type { LiveClient } from '../live/client.ts'
import { readWatched } from '../live/snapshot.ts'
import { useLive, useLiveEvents } from '../use-live.ts'
import { commandMarks, type EventMark, presenceMarks, withHeard } from './event-marks.ts'
import { formatWindow, type TimeRange } from './time-range.ts'

const minute = 60_000
/** The most the API gives at once; a lane with more is full anyway. */
const commandsMax = 200
/** Of commands heard since the list was read. */
const heardMax = 1_000
/** A device that flaps is asked about once in this time. */
const rereadMs = 1_000

type CommandPage = { items: Command[]; nextCursor: string | null }

function keyOf(range: TimeRange): string {
  return range.kind === 'live' ? formatWindow(range.windowMs) : `${range.from}-${range.to}`
}

/** A minute ahead: the database's clock need not be ours. */
function timesOf(range: TimeRange) {
  return range.kind === 'live'
    ? { from: `now-${formatWindow(range.windowMs)}`, to: 'now+1m' }
    : { from: range.from, to: range.to }
}

const reload = (range: TimeRange) => ({
  staleTime: minute,
  gcTime: minute,
  refetchInterval: range.kind === 'live' ? minute : (false as const),
  refetchOnMount: 'always' as const,
})

const commandsIn = (live: LiveClient, deviceId: string, range: TimeRange) =>
  queryOptions({
    queryKey: ['commands', deviceId, 'marks', keyOf(range)],
    queryFn: ({ signal }) =>
      readWatched(live, [deviceId], () =>
        get<CommandPage>(`/devices/${deviceId}/commands`, { ...timesOf(range), limit: commandsMax }, signal),
      ),
    ...reload(range),
  })

const presenceIn = (live: LiveClient, deviceId: string, range: TimeRange) =>
  queryOptions({
    queryKey: ['presence', deviceId, 'marks', keyOf(range)],
    queryFn: ({ signal }) =>
      readWatched(live, [deviceId], () =>
        get<PresenceHistory>(`/devices/${deviceId}/presence`, timesOf(range), signal),
      ),
    ...reload(range),
  })

export type Events = {
  marks: readonly EventMark[]
  /** Of what came before this nothing is known: there were more than a lane holds. */
  knownSince: number | null
  isPending: boolean
  /** The first failure, and how to try all that failed again. */
  error: Error | null
  retry: () => void
}

/** What happened to these devices over the range, kept up to date by what is heard. */
export function useEvents(deviceIds: readonly string[], range: TimeRange): Events {
  const live = useLive()
  const commands = useQueries({ queries: deviceIds.map((id) => commandsIn(live, id, range)) })
  const presence = useQueries({ queries: deviceIds.map((id) => presenceIn(live, id, range)) })
  const heard = useHeardCommands(deviceIds)
  useRereadPresence(deviceIds)
  const lists = commands.map(({ data }) => data)
  const histories = presence.map(({ data }) => data)
  const listed = lists.flatMap((list) => list?.items ?? [])
  const sent = commandMarks(withHeard(listed, heard), live.serverNow())
  const connected = histories.flatMap((one) =>
    one === undefined ? [] : presenceMarks(one.deviceId, one.sessions),
  )
  const failed = [...commands, ...presence].filter(({ isError, data }) => isError && data === undefined)
  return {
    marks: [...sent, ...connected],
    knownSince: knownSince(lists, histories),
    isPending: [...commands, ...presence].some(({ isPending, isError }) => isPending && !isError),
    error: failed[0]?.error ?? null,
    retry: () => {
      for (const query of failed) void query.refetch()
    },
  }
}

function knownSince(
  lists: readonly (CommandPage | undefined)[],
  histories: readonly (PresenceHistory | undefined)[],
): number | null {
  const oldest = [
    ...lists.map((list) => (list?.nextCursor == null ? undefined : list.items.at(-1)?.createdAt)),
    ...histories.map((one) => (one?.truncated === true ? one.sessions.at(-1)?.connectedAt : undefined)),
  ].flatMap((time) => (time === undefined ? [] : [Date.parse(time)]))
  return oldest.length === 0 ? null : Math.max(...oldest)
}

const none: ReadonlyMap<string, Command> = new Map()

function useHeardCommands(deviceIds: readonly string[]): ReadonlyMap<string, Command> {
  const [heard, setHeard] = useState(none)
  useLiveEvents((event) => {
    if (event.type !== 'command' || !deviceIds.includes(event.data.deviceId)) return
    const command = event.data
    setHeard((known) => {
      const all = new Map(known)
      all.delete(command.id)
      const [oldest] = all.keys()
      if (all.size >= heardMax && oldest !== undefined) all.delete(oldest)
      return all.set(command.id, newerOf(known.get(command.id), command))
    })
  })
  return heard
}

/** An event says that something changed; the history says what, with the times that are kept. */
function useRereadPresence(deviceIds: readonly string[]): void {
  const queryClient = useQueryClient()
  const waiting = useRef(new Map<string, ReturnType<typeof setTimeout>>())
  useEffect(() => {
    const timers = waiting.current
    return () => {
      for (const timer of timers.values()) clearTimeout(timer)
      timers.clear()
    }
  }, [])
  useLiveEvents((event) => {
    if (event.type !== 'presence') return
    const { deviceId } = event.data
    if (!deviceIds.includes(deviceId) || waiting.current.has(deviceId)) return
    const reread = () => {
      waiting.current.delete(deviceId)
      void queryClient.invalidateQueries({ queryKey: ['presence', deviceId, 'marks'] })
    }
    waiting.current.set(deviceId, setTimeout(reread, rereadMs))
  })
}
