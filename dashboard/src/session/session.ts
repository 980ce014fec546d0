import { queryOptions, useSuspenseQuery } from '@tanstack/react-query'
import type { Role, Session, SignIn } from '@telltale/api/contract'
import { get, send } from '../api.ts'

export const currentSession = queryOptions({
  queryKey: ['session'],
  queryFn: ({ signal }) => get<Session>('/session', {}, signal),
  staleTime: 5 * 60_000,
  // Without a network the first screen says so, at once; it would wait for one otherwise (offline/unreachable.tsx).
  networkMode: 'always',
  retry: false,
})

/** Only below the shell, whose loader has fetched it. */
export function useSession(): Session {
  return useSuspenseQuery(currentSession).data
}

const rank: Record<Role, number> = { viewer: 0, operator: 1, admin: 2 }

export function useMay(role: Role): boolean {
  return rank[useSession().user.role] >= rank[role]
}

export function signIn(credentials: SignIn): Promise<Session> {
  return send<Session>('POST', '/session', credentials)
}

export function signOut(): Promise<void> {
  return send<void>('DELETE', '/session')
}
