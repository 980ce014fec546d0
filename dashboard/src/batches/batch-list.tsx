import './batches.css'
import { useInfiniteQuery, useQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import type { CommandBatchSummary } from '@telltale/api/contract'
import { ChevronLeft, ChevronRight, Send } from 'lucide-react'
import { useSeen } from '../charts/use-seen.ts'
import { TopBar } from '../shell/top-bar.tsx'
import { formatMoment } from '../ui/format.ts'
import { Failure, Quietbox, SkeletonLines } from '../ui/states.tsx'
import { useNow } from '../use-live.ts'
import { Bar } from './batch-bar.tsx'
import { batchList, listedBatch, useCommandWords } from './batches.ts'
import { devicesWords, filterWords, outcomeWords } from './words.ts'

export function Batches() {
  return (
    <>
      <title>Commands to many · Telltale</title>
      <TopBar>
        <Link className="btn btn--quiet btn--icon only-phone" to="/" aria-label="Back to the fleet">
          <ChevronLeft className="i" aria-hidden="true" />
        </Link>
        <span className="crumb not-phone">
          <Link to="/">Fleet</Link>
          <ChevronRight className="i i--sm" aria-hidden="true" />
        </span>
        <h1 className="top__title cut">Commands to many</h1>
      </TopBar>
      <div className="page">
        <List />
      </div>
    </>
  )
}

function List() {
  const list = useInfiniteQuery(batchList)
  if (list.data === undefined) {
    return list.isError ? (
      <Failure
        what="Could not load the commands to many"
        error={list.error}
        onRetry={() => void list.refetch()}
      />
    ) : (
      <SkeletonLines lines={4} heightPx={64} />
    )
  }
  const batches = list.data.pages.flatMap(({ items }) => items)
  if (batches.length === 0) {
    return (
      <div className="panel">
        <Quietbox icon={<Send className="i" aria-hidden="true" />} title="Nothing was sent to many yet">
          <span>Filter the fleet, then press “Send command…” there: it goes to all the filter matches.</span>
          <Link className="btn btn--sm" to="/">
            Go to the fleet
          </Link>
        </Quietbox>
      </div>
    )
  }
  return (
    <section className="panel" aria-label="Commands to many">
      <ul>
        {batches.map((batch) => (
          <BatchRow key={batch.id} batch={batch} />
        ))}
      </ul>
      {list.hasNextPage && (
        <div className="batches__more">
          <button
            type="button"
            className="btn btn--sm"
            disabled={list.isFetchingNextPage}
            onClick={() => void list.fetchNextPage()}
          >
            Show more
          </button>
        </div>
      )}
    </section>
  )
}

function BatchRow({ batch }: { batch: CommandBatchSummary }) {
  const now = useNow()
  const label = useCommandWords(batch.name)
  const { ref, isSeen } = useSeen()
  const counted = useQuery({ ...listedBatch(batch.id), enabled: isSeen })
  return (
    <li ref={ref} className="batchrow">
      <Link className="batchrow__name" to="/batches/$batchId" params={{ batchId: batch.id }}>
        <span className="cut">
          <bdi className="strong">{label}</bdi>
          {label !== batch.name && <small className="ink-3"> {batch.name}</small>}
        </span>
        <span className="ink-3 cut">
          {filterWords(batch.filter)} · {devicesWords(batch.devices)}
        </span>
      </Link>
      <span className="batchrow__how">
        {counted.data === undefined ? (
          <span className="ink-3 cut">{counted.isError ? 'could not be counted' : '\u00a0'}</span>
        ) : (
          <>
            <Bar batch={counted.data} />
            <span className="ink-2 cut num">{outcomeWords(counted.data)}</span>
          </>
        )}
      </span>
      <span className="ink-3 cut num batchrow__when">
        {formatMoment(Date.parse(batch.createdAt), now)} by <bdi>{batch.createdBy}</bdi>
      </span>
    </li>
  )
}
