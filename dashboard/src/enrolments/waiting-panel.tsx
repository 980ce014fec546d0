import './enrolments.css'
import { useInfiniteQuery } from '@tanstack/react-query'
import { DoorOpen } from 'lucide-react'
import { Failure, Quietbox, SkeletonLines } from '../ui/states.tsx'
import { useNow } from '../use-live.ts'
import { waitingDevices } from './enrolments.ts'
import { WaitingRow } from './waiting-row.tsx'

/** Who waits to be let in, all of the time: the place to look when a new device does not come. */
export function WaitingPanel() {
  return (
    <section className="panel settingspanel__waiting" aria-labelledby="waiting-panel">
      <div className="panel__head">
        <h2 className="panel__title" id="waiting-panel">
          Waiting to be let in
        </h2>
      </div>
      <Waiting />
    </section>
  )
}

function Waiting() {
  const list = useInfiniteQuery(waitingDevices)
  const now = useNow()
  if (list.data === undefined) {
    return list.isError ? (
      <Failure
        what="Could not ask who waits to be let in"
        error={list.error}
        onRetry={() => void list.refetch()}
      />
    ) : (
      <SkeletonLines lines={1} heightPx={56} />
    )
  }
  const enrolments = list.data.pages.flatMap(({ items }) => items)
  if (enrolments.length === 0) {
    return (
      <Quietbox icon={<DoorOpen className="i" aria-hidden="true" />} title="Nobody waits">
        <span>With approval, a new device that shows the enrolment key stands here until you decide.</span>
      </Quietbox>
    )
  }
  return (
    <>
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
    </>
  )
}
