import { queryOptions, useQuery, useQueryClient } from '@tanstack/react-query'
import type { Command } from '@telltale/api/contract'
import { createContext, useCallback, useContext, useEffect, useState, useSyncExternalStore } from 'react'
import { ApiError, get, send } from '../api.ts'
import { randomUuid } from '../ui/uuid.ts'
import { useLiveEvents } from '../use-live.ts'
import type { CommandRequest, CommandSocket } from './command-socket.ts'
import { mergeCommands } from './track.ts'

const shownMax = 50

export const CommandSocketContext = createContext<CommandSocket | null>(null)

function useCommandSocket(): CommandSocket {
  const socket = useContext(CommandSocketContext)
  if (socket === null) throw new Error('useCommandSocket needs a CommandSocketContext above it')
  return socket
}

export function useSocketPhase() {
  const socket = useCommandSocket()
  useEffect(() => socket.use(), [socket])
  return useSyncExternalStore(socket.subscribePhase, socket.getPhase)
}

type CommandPage = { items: Command[]; nextCursor: string | null }

const commandList = (deviceId: string) =>
  queryOptions({
    queryKey: ['commands', deviceId],
    queryFn: ({ signal }) => get<CommandPage>(`/devices/${deviceId}/commands`, { limit: shownMax }, signal),
    staleTime: 30_000,
  })

/** The history of a device, kept up to date by the socket, the event stream, and refetches. */
export function useCommands(deviceId: string) {
  const query = useQuery(commandList(deviceId))
  const remember = useRemember()
  const socket = useCommandSocket()
  useEffect(
    () => socket.onCommand((command) => command.deviceId === deviceId && remember(command)),
    [socket, deviceId, remember],
  )
  useLiveEvents((event) => {
    if (event.type === 'command' && event.data.deviceId === deviceId) remember(event.data)
  })
  return { commands: query.data?.items ?? [], query, remember }
}

function useRemember() {
  const queryClient = useQueryClient()
  return useCallback(
    (command: Command) => {
      queryClient.setQueryData<CommandPage>(commandList(command.deviceId).queryKey, (page) => ({
        items: mergeCommands(page?.items ?? [], [command]).slice(0, shownMax),
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
  | { kind: 'sending' }
  | { kind: 'refused'; words: string; requestId: string }
  /** Sent, but the line broke before the answer, and the platform has no record: it was not taken. */
  | { kind: 'lost' }

/** Sends at once or not at all. When the line breaks in between, the record decides what happened. */
export function useSend(deviceId: string, remember: (command: Command) => void) {
  const socket = useCommandSocket()
  const [sending, setSending] = useState<Sending>({ kind: 'idle' })
  const sendNow = async (request: Omit<CommandRequest, 'id' | 'deviceId'>) => {
    const id = randomUuid()
    setSending({ kind: 'sending' })
    const outcome = await socket.send({ id, deviceId, ...request })
    if (outcome.kind === 'recorded') {
      remember(outcome.command)
      setSending({ kind: 'idle' })
    } else if (outcome.kind === 'refused') {
      const { detail, title, requestId, errors } = outcome.problem
      setSending({ kind: 'refused', words: errors?.[0]?.message ?? detail ?? title, requestId })
    } else {
      setSending(await lookUp(id, remember))
    }
  }
  return { sending, sendNow }
}

async function lookUp(id: string, remember: (command: Command) => void): Promise<Sending> {
  try {
    remember(await get<Command>(`/commands/${id}`))
    return { kind: 'idle' }
  } catch (error) {
    if (error instanceof ApiError && error.problem.status === 404) return { kind: 'lost' }
    const requestId = error instanceof ApiError ? error.problem.requestId : ''
    return {
      kind: 'refused',
      words:
        'The connection broke, and it is not known whether the command was taken. The list below will show it.',
      requestId,
    }
  }
}
