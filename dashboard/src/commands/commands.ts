import { queryOptions, useQuery, useQueryClient } from '@tanstack/react-query'
import type { Command, Problem } from '@telltale/api/contract'
import { useCallback, useContext, useEffect, useRef, useState, useSyncExternalStore } from 'react'
import { ApiError, get, send } from '../api.ts'
import type { LiveClient } from '../live/client.ts'
import { readWatched } from '../live/snapshot.ts'
import { randomUuid } from '../ui/uuid.ts'
import { useLive, useLiveEvents } from '../use-live.ts'
import type { ParamsError } from './check.ts'
import { type CommandRequest, CommandSocket, type SendOutcome } from './command-socket.ts'
import { type Found, lookUp } from './look-up.ts'
import { paramsErrors } from './placed-errors.ts'
import { CommandSocketContext } from './socket-context.ts'
import { mergeCommands } from './track.ts'

/** Of one answer. */
const pageSize = 50
/** Those that came since are kept beside it, or they would push out what an older page begins behind. */
const keptMax = 4 * pageSize

function useCommandSocket(): CommandSocket {
  const holder = useContext(CommandSocketContext)
  if (holder === null) throw new Error('useCommandSocket needs a CommandSocketContext above it')
  holder.socket ??= new CommandSocket()
  return holder.socket
}

export function useSocketPhase() {
  const socket = useCommandSocket()
  useEffect(() => socket.use(), [socket])
  return useSyncExternalStore(socket.subscribePhase, socket.getPhase)
}

type CommandPage = { items: Command[]; nextCursor: string | null }

const commandKey = (deviceId: string) => ['commands', deviceId]

export function readCommands(
  deviceId: string,
  { cursor, signal }: { cursor?: string; signal: AbortSignal },
): Promise<CommandPage> {
  return get<CommandPage>(`/devices/${deviceId}/commands`, { limit: pageSize, cursor }, signal)
}

const commandList = (live: LiveClient, deviceId: string) =>
  queryOptions({
    queryKey: commandKey(deviceId),
    queryFn: ({ signal }) =>
      // Steps of all commands come with the fleet's events.
      readWatched(live, ['*'], () => readCommands(deviceId, { signal })),
    staleTime: 30_000,
    // An answer may have been read before a step that was heard meanwhile: status never steps back.
    structuralSharing: (known, fresh) => keepNewer(known as CommandPage | undefined, fresh as CommandPage),
  })

/** What is known and not in the answer stays only when it is newer than all of it. */
function keepNewer(known: CommandPage | undefined, fresh: CommandPage): CommandPage {
  const listed = new Set(fresh.items.map(({ id }) => id))
  const newest = fresh.items[0]?.createdAt ?? ''
  const kept = (known?.items ?? []).filter(({ id, createdAt }) => listed.has(id) || createdAt > newest)
  return { ...fresh, items: mergeCommands(kept, fresh.items).slice(0, keptMax) }
}

/** The history of a device, kept up to date by the socket, the event stream, and refetches. */
export function useCommands(deviceId: string) {
  const query = useQuery(commandList(useLive(), deviceId))
  const remember = useRemember()
  const socket = useCommandSocket()
  useRereadWhenBack(socket, deviceId)
  useEffect(
    () => socket.onCommand((command) => command.deviceId === deviceId && remember(command)),
    [socket, deviceId, remember],
  )
  useLiveEvents((event) => {
    if (event.type === 'command' && event.data.deviceId === deviceId) remember(event.data)
  })
  return { commands: query.data?.items ?? [], nextCursor: query.data?.nextCursor ?? null, query, remember }
}

/** Steps that were told while the socket was away were told to nobody here. */
function useRereadWhenBack(socket: CommandSocket, deviceId: string): void {
  const queryClient = useQueryClient()
  useEffect(() => {
    let wasLost = false
    return socket.subscribePhase(() => {
      const phase = socket.getPhase()
      if (phase === 'open' && wasLost)
        void queryClient.invalidateQueries({ queryKey: commandKey(deviceId), exact: true })
      wasLost = phase === 'closed'
    })
  }, [socket, queryClient, deviceId])
}

/** A step that was heard or answered, for every list that shows it. */
export function useRemember() {
  const queryClient = useQueryClient()
  return useCallback(
    (command: Command) => {
      queryClient.setQueryData<CommandPage>(commandKey(command.deviceId), (page) => ({
        items: mergeCommands(page?.items ?? [], [command]).slice(0, keptMax),
        nextCursor: page?.nextCursor ?? null,
      }))
    },
    [queryClient],
  )
}

export function cancelCommand(id: string): Promise<Command> {
  return send<Command>('DELETE', `/commands/${id}`)
}

export type Sending =
  | { kind: 'idle' }
  /** `checking`: the line broke before the answer, and the record is looked up as soon as there is a line again. */
  | { kind: 'sending'; checking: boolean }
  /** `params`: what is said about single values; it is shown beside them. */
  | { kind: 'refused'; words: string; requestId: string; params: ParamsError[] }
  /** There was no line, or the server said after the line broke that it has no such command. */
  | { kind: 'lost' }

/** Sends at once or not at all, one at a time. When the line breaks in between, the record decides what happened. */
export function useSend(deviceId: string, remember: (command: Command) => void) {
  const socket = useCommandSocket()
  const [sending, setSending] = useState<Sending>({ kind: 'idle' })
  const busyWith = useRef<string | null>(null)
  const isSending = useRef(false)
  const isGone = useRef(false)
  useEffect(() => {
    isGone.current = false
    return () => {
      isGone.current = true
    }
  }, [])
  // Said to be lost, and there it is: a network may hold a frame for a long time.
  useLiveEvents((event) => {
    const isOurs = event.type === 'command' && event.data.id === busyWith.current
    if (isOurs) setSending((old) => (old.kind === 'lost' ? { kind: 'idle' } : old))
  })
  const sendNow = useCallback(
    async (request: Omit<CommandRequest, 'id' | 'deviceId'>) => {
      // A second press while the first is on its way.
      if (isSending.current) return
      const id = randomUuid()
      busyWith.current = id
      isSending.current = true
      setSending({ kind: 'sending', checking: false })
      const outcome = await socket.send({ id, deviceId, ...request })
      if (outcome.kind === 'unknown') setSending({ kind: 'sending', checking: true })
      const sent = outcome.kind === 'unknown' ? await whatBecameOf(id, socket, isGone) : outcome
      isSending.current = false
      if (sent.kind === 'recorded') remember(sent.command)
      setSending(toSending(sent))
    },
    [socket, deviceId, remember],
  )
  return { sending, sendNow }
}

type Sent = Exclude<SendOutcome, { kind: 'unknown' }>

function toSending(sent: Sent): Sending {
  switch (sent.kind) {
    case 'recorded':
      return { kind: 'idle' }
    case 'refused':
      return refusal(sent.problem)
    case 'not-sent':
      return { kind: 'lost' }
  }
}

function refusal({ detail, title, requestId, errors = [] }: Problem): Sending {
  const { params, others } = paramsErrors(errors)
  const words = others[0] ?? (params.length > 0 ? title : (detail ?? title))
  return { kind: 'refused', words, requestId, params }
}

async function whatBecameOf(id: string, socket: CommandSocket, isGone: { current: boolean }): Promise<Sent> {
  const command = await lookUp(id, {
    find,
    whenOpen: () => socket.whenOpen(),
    pause: (ms) => new Promise((resolve) => setTimeout(resolve, ms)),
    isOver: () => isGone.current,
  })
  return command === null ? { kind: 'not-sent' } : { kind: 'recorded', command }
}

async function find(id: string): Promise<Found> {
  try {
    return { kind: 'command', command: await get<Command>(`/commands/${id}`) }
  } catch (error) {
    const isNone = error instanceof ApiError && error.problem.code === 'command_not_found'
    return { kind: isNone ? 'none' : 'unreachable' }
  }
}
