import './batches.css'
import { Modal } from '@mantine/core'
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { Link, useParams, useSearch } from '@tanstack/react-router'
import type { CommandBatch } from '@telltale/api/contract'
import { ChevronLeft, ChevronRight, CircleStop } from 'lucide-react'
import { useState } from 'react'
import { ApiError } from '../api.ts'
import { useMay } from '../session/session.ts'
import { TopBar } from '../shell/top-bar.tsx'
import { formatMoment, formatSpan } from '../ui/format.ts'
import { NeedsRole } from '../ui/locked.tsx'
import { Failure, Quietbox, SkeletonLines } from '../ui/states.tsx'
import { useNow } from '../use-live.ts'
import { Bar, States } from './batch-bar.tsx'
import { BatchResults } from './batch-results.tsx'
import { oneBatch, stopBatch, useCommandWords } from './batches.ts'
import { SendFailedAgain } from './send-failed-again.tsx'
import { devicesWords, filterWords, isOpen, progressWords, stopWords } from './words.ts'

export function BatchPage() {
  const { batchId } = useParams({ from: '/shell/batches/$batchId' })
  const batch = useQuery(oneBatch(batchId))
  const name = batch.data?.name ?? 'Command to many'
  const label = useCommandWords(name)
  return (
    <>
      <title>{`${label} · Telltale`}</title>
      <TopBar>
        <Link className="btn btn--quiet btn--icon only-phone" to="/batches" aria-label="Back to the list">
          <ChevronLeft className="i" aria-hidden="true" />
        </Link>
        <span className="crumb not-phone">
          <Link to="/">Fleet</Link>
          <ChevronRight className="i i--sm" aria-hidden="true" />
          <Link to="/batches">Commands to many</Link>
          <ChevronRight className="i i--sm" aria-hidden="true" />
        </span>
        <h1 className="top__title cut">
          <bdi>{label}</bdi>
          {label !== name && <small className="ink-3"> {name}</small>}
        </h1>
      </TopBar>
      <div className="page">
        {batch.data !== undefined ? (
          <Body batch={batch.data} old={batch.isError ? batch.error : null} />
        ) : batch.isError ? (
          <NoBatch error={batch.error} onRetry={() => void batch.refetch()} />
        ) : (
          <SkeletonLines lines={5} />
        )}
      </div>
    </>
  )
}

function NoBatch({ error, onRetry }: { error: Error; onRetry: () => void }) {
  if (error instanceof ApiError && [400, 404].includes(error.problem.status)) {
    return (
      <Quietbox title="There is no such command to many">
        <span>It may be old and forgotten, or its address is mistyped.</span>
        <Link className="btn btn--sm" to="/batches">
          Show all
        </Link>
      </Quietbox>
    )
  }
  return <Failure what="Could not load it" error={error} onRetry={onRetry} />
}

function Body({ batch, old }: { batch: CommandBatch; old: Error | null }) {
  const { state } = useSearch({ from: '/shell/batches/$batchId' })
  const now = useNow()
  return (
    <>
      {old !== null && (
        <div className="banner banner--off" role="status">
          The newest state cannot be read at the moment; what is shown is the last that was.
        </div>
      )}
      <section className="panel batch" aria-label="Progress">
        <div className="batch__head">
          <div className="batch__words">
            <p className="batch__progress" role="status">
              {progressWords(batch)}
            </p>
            <p className="ink-2">
              {filterWords(batch.filter)} · {devicesWords(batch.devices)} · made{' '}
              {formatMoment(Date.parse(batch.createdAt), now)} by <bdi>{batch.createdBy}</bdi> · each expires
              after {formatSpan(batch.ttlMs)}
            </p>
          </div>
          <Stop batch={batch} />
          {!isOpen(batch) && <SendFailedAgain batch={batch} />}
        </div>
        <Bar batch={batch} />
        <States batch={batch} chosen={state} />
        {hasParams(batch.params) && (
          <div className="payload batch__params">{JSON.stringify(batch.params)}</div>
        )}
      </section>
      <BatchResults batch={batch} state={state} />
    </>
  )
}

function hasParams(params: unknown): boolean {
  return params !== null && params !== undefined && JSON.stringify(params) !== '{}'
}

function Stop({ batch }: { batch: CommandBatch }) {
  const may = useMay('operator')
  const [open, setOpen] = useState(false)
  const { can } = stopWords(batch)
  if (!can || batch.status === 'stopped') return null
  return (
    <div className="batch__stop">
      {!may && <NeedsRole needed="operator" />}
      <button type="button" className="btn" disabled={!may} onClick={() => setOpen(true)}>
        <CircleStop className="i" aria-hidden="true" />
        Stop…
      </button>
      <Modal
        opened={open}
        onClose={() => setOpen(false)}
        title={<bdi>{`Stop ${batch.name}?`}</bdi>}
        centered
        closeButtonProps={{ 'aria-label': 'Close' }}
      >
        <StopQuestion batch={batch} onClose={() => setOpen(false)} />
      </Modal>
    </div>
  )
}

/** The numbers go on while it is asked; the answer is about the moment of the press. */
function StopQuestion({ batch, onClose }: { batch: CommandBatch; onClose: () => void }) {
  const queryClient = useQueryClient()
  const { sent, waiting } = stopWords(batch)
  const stop = useMutation({
    mutationFn: () => stopBatch(batch.id),
    onSuccess: () => {
      onClose()
      return queryClient.invalidateQueries({ queryKey: ['command-batches'] })
    },
  })
  return (
    <>
      <p className="ink-2 num">
        {waiting} {sent}
      </p>
      <div className="confirm__answers">
        <button type="button" className="btn" data-autofocus onClick={onClose}>
          Let it go on
        </button>
        <button
          type="button"
          className="btn btn--danger"
          disabled={stop.isPending}
          onClick={() => stop.mutate()}
        >
          Stop it
        </button>
      </div>
      {stop.isError && <Failure what="Not stopped" error={stop.error} />}
    </>
  )
}
