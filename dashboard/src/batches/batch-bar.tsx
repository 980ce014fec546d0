import { Link } from '@tanstack/react-router'
import type { CommandBatch } from '@telltale/api/contract'
import { formatCount } from '../ui/format.ts'
import { Lamp } from '../ui/lamp.tsx'
import { type BatchStatus, segmentsOf } from './words.ts'

/** Shares of the devices by state. For the eye: the counts below say the same. */
export function Bar({ batch }: { batch: CommandBatch }) {
  return (
    <div className="bar" aria-hidden="true">
      {segmentsOf(batch).map(({ status, tone, open, count }) => (
        <i
          key={status}
          className={`bar__part is-${tone}${open && status !== 'accepted' ? ' bar__part--open' : ''}`}
          style={{ flexGrow: count }}
        />
      ))}
    </div>
  )
}

type StatesProps = { batch: CommandBatch; chosen: BatchStatus | undefined }

/** Counts that filter the list; the chosen one stays even when nobody is in it any more. */
export function States({ batch, chosen }: StatesProps) {
  const segments = segmentsOf(batch)
  return (
    <nav className="states" aria-label="Devices by state">
      <Link
        className={chosen === undefined ? 'facet is-on' : 'facet'}
        aria-current={chosen === undefined ? 'true' : undefined}
        from="/batches/$batchId"
        to="."
        search={{}}
        replace
      >
        All <b>{formatCount(batch.devices)}</b>
      </Link>
      {segments.map(({ status, words, shape, tone, count }) => (
        <Link
          key={status}
          className={chosen === status ? 'facet is-on' : 'facet'}
          aria-current={chosen === status ? 'true' : undefined}
          from="/batches/$batchId"
          to="."
          search={{ state: status }}
          replace
        >
          <Lamp shape={shape === 'busy' ? 'online' : shape} tone={tone} />
          {words} <b>{formatCount(count)}</b>
        </Link>
      ))}
    </nav>
  )
}
