import { useInfiniteQuery, useQueryClient } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { useWindowVirtualizer } from '@tanstack/react-virtual'
import type { CommandBatch, CommandBatchResult } from '@telltale/api/contract'
import { useEffect, useLayoutEffect, useRef, useState } from 'react'
import { formatClock, formatExact } from '../ui/format.ts'
import { Lamp } from '../ui/lamp.tsx'
import { Failure, Quietbox, SkeletonLines } from '../ui/states.tsx'
import { useZone } from '../ui/zone.ts'
import { batchResults } from './batches.ts'
import { type BatchStatus, stateOf } from './words.ts'

const rowHeightPx = 44
const rowsBeforeEnd = 30

type BatchResultsProps = { batch: CommandBatch; state: BatchStatus | undefined }

/** Device by device, in the order of their turns. */
export function BatchResults({ batch, state }: BatchResultsProps) {
  const results = useInfiniteQuery(batchResults(batch.id, state))
  useFollow(batch)
  if (results.data === undefined) {
    return results.isError ? (
      <Failure
        what="Could not load the devices"
        error={results.error}
        onRetry={() => void results.refetch()}
      />
    ) : (
      <SkeletonLines lines={6} heightPx={rowHeightPx} />
    )
  }
  const rows = results.data.pages.flatMap(({ items }) => items)
  if (rows.length === 0) {
    return (
      <Quietbox title={`No device is ${state === undefined ? 'in it' : stateOf(state).words.toLowerCase()}`}>
        {state !== undefined && (
          <Link className="btn btn--sm" from="/batches/$batchId" to="." search={{}}>
            Show all
          </Link>
        )}
      </Quietbox>
    )
  }
  const loadMore = () => {
    if (results.hasNextPage && !results.isFetching) void results.fetchNextPage()
  }
  return <Rows rows={rows} hasMore={results.hasNextPage} onNearEnd={loadMore} />
}

/** The counts are asked for each second; only when one has moved are the rows worth reading again. */
function useFollow(batch: CommandBatch): void {
  const queryClient = useQueryClient()
  const counts = JSON.stringify([batch.status, batch.results])
  const seen = useRef(counts)
  const { id } = batch
  useEffect(() => {
    if (seen.current === counts) return
    seen.current = counts
    void queryClient.invalidateQueries({ queryKey: ['command-batches', 'results', id] })
  }, [queryClient, counts, id])
}

type RowsProps = { rows: CommandBatchResult[]; hasMore: boolean; onNearEnd: () => void }

function Rows({ rows, hasMore, onNearEnd }: RowsProps) {
  const box = useRef<HTMLUListElement>(null)
  const [offsetPx, setOffset] = useState(0)
  useLayoutEffect(() => {
    const top = box.current?.getBoundingClientRect().top
    if (top !== undefined) setOffset(top + window.scrollY)
  })
  const virtualizer = useWindowVirtualizer({
    count: rows.length,
    estimateSize: () => rowHeightPx,
    overscan: 8,
    scrollMargin: offsetPx,
  })
  const shown = virtualizer.getVirtualItems()
  const lastRow = shown.at(-1)?.index ?? 0
  useEffect(() => {
    if (hasMore && lastRow >= rows.length - rowsBeforeEnd) onNearEnd()
  }, [hasMore, lastRow, rows.length, onNearEnd])
  return (
    <section className="results" aria-label="Devices">
      <ul
        ref={box}
        className="results__list"
        aria-label="Devices"
        style={{ height: virtualizer.getTotalSize() }}
      >
        {shown.map(({ index, start }) => {
          const row = rows[index]
          return row === undefined ? null : (
            <ResultRow
              key={row.deviceId}
              row={row}
              place={index + 1}
              setSize={hasMore ? -1 : rows.length}
              topPx={start - offsetPx}
            />
          )
        })}
      </ul>
    </section>
  )
}

type ResultRowProps = { row: CommandBatchResult; place: number; setSize: number; topPx: number }

function ResultRow({ row, place, setSize, topPx }: ResultRowProps) {
  const { words, shape, tone } = stateOf(row.status)
  useZone()
  const expiresAt = row.expiresAt === null ? null : Date.parse(row.expiresAt)
  const finishedAt = row.finishedAt === null ? null : Date.parse(row.finishedAt)
  return (
    <li
      className="result"
      aria-posinset={place}
      aria-setsize={setSize}
      style={{ transform: `translateY(${topPx}px)` }}
    >
      <Lamp shape={shape} tone={tone} />
      <Link
        className="result__device cut"
        to="/devices/$deviceId"
        params={{ deviceId: row.deviceId }}
        search={{ tab: 'commands' }}
      >
        <bdi title={row.deviceId}>{row.deviceName ?? row.deviceId}</bdi>
      </Link>
      <span className="result__state cut">
        {words}
        {row.error !== null && <span className="ink-2">: {row.error}</span>}
        {expiresAt !== null && <span className="ink-2 num">, waits until {formatClock(expiresAt)}</span>}
      </span>
      <span className="result__when ink-3">
        {finishedAt !== null && (
          <time dateTime={new Date(finishedAt).toISOString()} title={formatExact(finishedAt)}>
            {formatClock(finishedAt)}
          </time>
        )}
      </span>
    </li>
  )
}
