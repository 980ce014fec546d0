import { infiniteQueryOptions, useInfiniteQuery } from '@tanstack/react-query'
import type { Deletion } from '@telltale/api/contract'
import { get } from '../api.ts'
import { formatCount, formatDuration, formatMoment } from '../ui/format.ts'
import { Lamp } from '../ui/lamp.tsx'
import { Failure } from '../ui/states.tsx'
import { Panel } from './panel.tsx'

type DeletionPage = { items: Deletion[]; nextCursor: string | null }

const pageSize = 10
const whileRunningMs = 3_000
const otherwiseMs = 60_000

const deletionList = infiniteQueryOptions({
  queryKey: ['deletions'],
  queryFn: ({ pageParam, signal }) =>
    get<DeletionPage>('/deletions', { limit: pageSize, cursor: pageParam }, signal),
  initialPageParam: undefined as string | undefined,
  getNextPageParam: (page) => page.nextCursor ?? undefined,
  refetchInterval: ({ state }) =>
    state.data?.pages.some(({ items }) => items.some(isRunning)) ? whileRunningMs : otherwiseMs,
})

function isRunning({ finishedAt }: Deletion): boolean {
  return finishedAt === null
}

/** Only when a device was ever deleted. */
export function Deletions({ open, now }: { open: number; now: number }) {
  const list = useInfiniteQuery(deletionList)
  if (list.data === undefined) {
    if (!list.isError) return null
    return (
      <Panel title="Deleted devices">
        <Failure
          what="Could not load the deleted devices"
          error={list.error}
          onRetry={() => void list.refetch()}
        />
      </Panel>
    )
  }
  const deletions = list.data.pages.flatMap(({ items }) => items)
  if (deletions.length === 0) return null
  const running = Math.max(open, deletions.filter(isRunning).length)
  return (
    <Panel title="Deleted devices" note={running > 0 ? `${formatCount(running)} being removed` : undefined}>
      <ul className="deletions">
        {deletions.map((deletion) => (
          <DeletionRow key={deletion.id} deletion={deletion} now={now} />
        ))}
      </ul>
      {list.hasNextPage && (
        <div className="system__more">
          <button
            type="button"
            className="btn btn--sm"
            disabled={list.isFetchingNextPage}
            onClick={() => void list.fetchNextPage()}
          >
            Show older
          </button>
        </div>
      )}
    </Panel>
  )
}

function DeletionRow({ deletion, now }: { deletion: Deletion; now: number }) {
  const { deviceId, requestedAt, requestedBy, readingsDeleted, finishedAt } = deletion
  const began = Date.parse(requestedAt)
  return (
    <li>
      <span className="deletions__device">{deviceId}</span>
      <span className="ink-2">
        deleted {formatMoment(began, now)} by {requestedBy}
      </span>
      <span className="deletions__readings">
        {formatCount(readingsDeleted)} <span className="ink-2">readings removed</span>
      </span>
      <span className="iconline">
        <Lamp shape={finishedAt === null ? 'busy' : 'done'} />
        {finishedAt === null ? 'removing' : `done in ${formatDuration(Date.parse(finishedAt) - began)}`}
      </span>
    </li>
  )
}
