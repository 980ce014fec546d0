import { infiniteQueryOptions } from '@tanstack/react-query'
import type { Integration, IntegrationCreated, NewIntegration } from '@telltale/api/contract'
import { get, send } from '../api.ts'

type IntegrationPage = { items: Integration[]; nextCursor: string | null }

/** Who connected last changes without anybody pressing a button here. */
const refreshMs = 30_000

export const integrationList = infiniteQueryOptions({
  queryKey: ['integrations'],
  queryFn: ({ pageParam, signal }) => get<IntegrationPage>('/integrations', { cursor: pageParam }, signal),
  initialPageParam: undefined as string | undefined,
  getNextPageParam: (page) => page.nextCursor ?? undefined,
  refetchInterval: refreshMs,
})

export function createIntegration(integration: NewIntegration): Promise<IntegrationCreated> {
  return send<IntegrationCreated>('POST', '/integrations', integration)
}

export function revokeIntegration(name: string): Promise<void> {
  return send<void>('DELETE', `/integrations/${name}`)
}
