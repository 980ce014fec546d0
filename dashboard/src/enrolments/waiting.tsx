import './enrolments.css'
import { useInfiniteQuery } from '@tanstack/react-query'
import { ChevronDown, DoorOpen } from 'lucide-react'
import { useState } from 'react'
import { useMay } from '../session/session.ts'
import { Failure } from '../ui/states.tsx'
import { useNow } from '../use-live.ts'
import { waitingDevices } from './enrolments.ts'
import { WaitingRow } from './waiting-row.tsx'

/** Nothing at all while nobody waits, and for those who may not decide. */
export function Waiting() {
  const may = useMay('operator')
  return may ? <Asking /> : null
}

function Asking() {
  const list = useInfiniteQuery(waitingDevices)
  const [open, setOpen] = useState(false)
  const now = useNow()
  if (list.data === undefined) {
    if (!list.isError) return null
    return (
      <div className="panel waiting">
        <Failure
          what="Could not ask who waits to be let in"
          error={list.error}
          onRetry={() => void list.refetch()}
        />
      </div>
    )
  }
  const enrolments = list.data.pages.flatMap(({ items }) => items)
  if (enrolments.length === 0) return null
  return (
    <section className="panel waiting" aria-labelledby="waiting">
      <div className="waiting__head">
        <DoorOpen className="i ink-3" aria-hidden="true" />
        <p>
          <b id="waiting">{waitingWords(enrolments.length, list.hasNextPage)}</b>{' '}
          <span className="ink-2 not-phone">New, with the right enrolment key.</span>
        </p>
        <button
          type="button"
          className={open ? 'btn btn--sm is-open' : 'btn btn--sm'}
          aria-expanded={open}
          aria-controls="waiting-list"
          onClick={() => setOpen(!open)}
        >
          {open ? 'Hide' : 'Show'}
          <ChevronDown className="i i--sm" aria-hidden="true" />
        </button>
      </div>
      <div id="waiting-list" hidden={!open}>
        <ul>
          {enrolments.map((enrolment) => (
            <WaitingRow key={enrolment.deviceId} enrolment={enrolment} now={now} />
          ))}
        </ul>
        {list.hasNextPage && (
          <div className="waiting__more">
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
      </div>
    </section>
  )
}

function waitingWords(count: number, more: boolean): string {
  if (more) return `More than ${count} devices wait to be let in`
  return count === 1 ? '1 device waits to be let in' : `${count} devices wait to be let in`
}
