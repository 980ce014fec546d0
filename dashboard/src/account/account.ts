import { queryOptions } from '@tanstack/react-query'
import type { OwnSession, PasswordChange } from '@telltale/api/contract'
import { get, send } from '../api.ts'

const refreshMs = 60_000

export const ownSessions = queryOptions({
  queryKey: ['sessions'],
  queryFn: async ({ signal }) => (await get<{ items: OwnSession[] }>('/sessions', {}, signal)).items,
  refetchInterval: refreshMs,
})

export function changePassword(change: PasswordChange): Promise<void> {
  return send<void>('PUT', '/session/password', change)
}

export function endSession(id: string): Promise<void> {
  return send<void>('DELETE', `/sessions/${id}`)
}
