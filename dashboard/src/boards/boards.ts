import { infiniteQueryOptions, queryOptions, useQueries, useQuery } from '@tanstack/react-query'
import type { Board, BoardChange, BoardSummary, Latest, NewBoard } from '@telltale/api/contract'
import { ApiError, get, send } from '../api.ts'
import { latestOf, oneDevice } from '../devices/devices.ts'
import { useSession } from '../session/session.ts'
import { useTypeOf } from '../types/types.ts'
import { useNow, usePictureIsOld } from '../use-live.ts'

/** As many as one owner may have, so that one's own are one answer. */
const pageSize = 200
/** A board on a wall shows within a minute what somebody changed at a desk. */
const rereadMs = 60_000
const latestBlock = 25

type BoardPage = { items: BoardSummary[]; nextCursor: string | null }

export const boardKeys = { all: ['boards'], lists: ['boards', 'list'] } as const

export const boardList = (owner: 'me' | 'others') =>
  infiniteQueryOptions({
    queryKey: [...boardKeys.lists, owner],
    queryFn: ({ pageParam, signal }) =>
      get<BoardPage>('/boards', { owner, limit: pageSize, cursor: pageParam }, signal),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: (page) => page.nextCursor ?? undefined,
  })

const boardKey = (id: string) => ['boards', 'one', id]

export const oneBoard = (id: string) =>
  queryOptions({
    queryKey: boardKey(id),
    queryFn: ({ signal }) => get<Board>(`/boards/${id}`, {}, signal),
    refetchInterval: rereadMs,
  })

export function createBoard(board: NewBoard): Promise<Board> {
  return send<Board>('POST', '/boards', board)
}

export function saveBoard(id: string, board: BoardChange): Promise<Board> {
  return send<Board>('PUT', `/boards/${id}`, board)
}

export function deleteBoard(id: string): Promise<void> {
  return send<void>('DELETE', `/boards/${id}`)
}

/** What of a board is saved; the rest the server knows better. */
export type BoardContent = Pick<Board, 'name' | 'shared' | 'range' | 'panels'>

export function contentOf({ name, shared, range, panels }: BoardContent): BoardContent {
  return { name, shared, range, panels }
}

export function useMayChange(board: Pick<Board, 'owner'>): boolean {
  const { user } = useSession()
  return board.owner === user.username || user.role === 'admin'
}

export function isNotFound(error: unknown): boolean {
  return error instanceof ApiError && error.problem.status === 404
}

/** In blocks, so that a list of fifty is two questions. */
export function useLatestOf(ids: readonly string[]): Map<string, Latest['values']> {
  const blocks = Array.from({ length: Math.ceil(ids.length / latestBlock) }, (_, at) =>
    ids.slice(at * latestBlock, (at + 1) * latestBlock),
  )
  const answers = useQueries({ queries: blocks.map((block) => latestOf(block)) })
  return new Map(
    answers.flatMap(
      ({ data }) => data?.items.map(({ deviceId, values }) => [deviceId, values] as const) ?? [],
    ),
  )
}

/** What a panel needs to know of its device; `isGone` when there is none of that id (any more). */
export function useBoardDevice(deviceId: string) {
  const query = useQuery(oneDevice(deviceId))
  const device = query.data
  const isGone = isNotFound(query.error)
  const type = useTypeOf(device?.type ?? null).data ?? null
  const latest = useQuery({ ...latestOf([deviceId]), enabled: device !== undefined && !isGone })
  const status = device?.presence.status
  const isAway = status === 'offline' || status === 'silent'
  const isOld = usePictureIsOld() || isAway
  return {
    ...{ query, device, type, isGone, isOld },
    latest,
    values: isGone ? {} : (latest.data?.items[0]?.values ?? {}),
    isLoading: (query.isPending || (latest.isPending && device !== undefined)) && !isGone,
    now: useNow(),
  }
}
