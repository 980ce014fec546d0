import { infiniteQueryOptions } from '@tanstack/react-query'
import type { NewUser, User, UserChange, UserWithLink } from '@telltale/api/contract'
import { get, send } from '../api.ts'

type UserPage = { items: User[]; nextCursor: string | null }

/** Who signed in changes without anybody pressing a button here. */
const refreshMs = 30_000

export const userList = infiniteQueryOptions({
  queryKey: ['users'],
  queryFn: ({ pageParam, signal }) => get<UserPage>('/users', { limit: 100, cursor: pageParam }, signal),
  initialPageParam: undefined as string | undefined,
  getNextPageParam: (page) => page.nextCursor ?? undefined,
  refetchInterval: refreshMs,
})

export function createUser(user: NewUser): Promise<UserWithLink> {
  return send<UserWithLink>('POST', '/users', user)
}

export function changeUser(id: string, change: UserChange): Promise<UserWithLink> {
  return send<UserWithLink>('PATCH', `/users/${id}`, change)
}

export function deleteUser(id: string): Promise<void> {
  return send<void>('DELETE', `/users/${id}`)
}
