import { infiniteQueryOptions } from '@tanstack/react-query'
import type { NewToken, Token, TokenCreated } from '@telltale/api/contract'
import { get, send } from '../api.ts'

type TokenPage = { items: Token[]; nextCursor: string | null }

/** When one was used last changes without anybody pressing a button here. */
const refreshMs = 30_000

export const tokenList = infiniteQueryOptions({
  queryKey: ['tokens'],
  queryFn: ({ pageParam, signal }) => get<TokenPage>('/tokens', { cursor: pageParam }, signal),
  initialPageParam: undefined as string | undefined,
  getNextPageParam: (page) => page.nextCursor ?? undefined,
  refetchInterval: refreshMs,
})

export function createToken(token: NewToken): Promise<TokenCreated> {
  return send<TokenCreated>('POST', '/tokens', token)
}

export function revokeToken(id: string): Promise<void> {
  return send<void>('DELETE', `/tokens/${id}`)
}
