import './rejected.css'
import { useInfiniteQuery } from '@tanstack/react-query'
import type { RejectedMessage } from '@telltale/api/contract'
import { CopyButton } from '../ui/copy.tsx'
import { formatCount } from '../ui/format.ts'
import { Lamp } from '../ui/lamp.tsx'
import { Failure, Quietbox, SkeletonLines } from '../ui/states.tsx'
import { When } from '../ui/when.tsx'
import { useNow } from '../use-live.ts'
import { adviceOn, reasonTitle } from './advice.ts'
import { rejectedOf } from './rejects.ts'

/** Messages the platform acknowledged and kept, but could not store as readings. */
export function Rejected({ deviceId }: { deviceId: string }) {
  const list = useInfiniteQuery(rejectedOf(deviceId))
  if (list.data === undefined) {
    if (list.isPending) return <SkeletonLines lines={3} />
    return (
      <Failure
        what="Could not load the rejected messages"
        error={list.error}
        onRetry={() => void list.refetch()}
      />
    )
  }
  const messages = list.data.pages.flatMap((page) => page.items)
  if (messages.length === 0) {
    return (
      <div className="panel">
        <Quietbox icon={<Lamp shape="done" />} title="Nothing has been rejected">
          <span>
            A message that cannot be read is kept here with its reason; the device is not disturbed.
          </span>
        </Quietbox>
      </div>
    )
  }
  return (
    <section className="panel" aria-label="Rejected messages">
      <ol className="rejects">
        {messages.map((message) => (
          <Reject key={message.id} message={message} />
        ))}
      </ol>
      <div className="rejects__more">
        {list.hasNextPage ? (
          <button
            type="button"
            className="btn btn--sm"
            disabled={list.isFetchingNextPage}
            onClick={() => void list.fetchNextPage()}
          >
            Show older
          </button>
        ) : (
          <span className="ink-3">That is all of them. The newest 1,000 are kept.</span>
        )}
      </div>
    </section>
  )
}

function Reject({ message }: { message: RejectedMessage }) {
  const now = useNow()
  const { payload, payloadBytes, reason, topic } = message
  const shown = new Blob([payload]).size
  const advice = adviceOn(reason)
  return (
    <li className="reject">
      <div className="reject__head">
        <Lamp shape="fail" tone="warn" />
        <bdi className="strong reject__reason">{reasonTitle(reason)}</bdi>
        <When at={Date.parse(message.receivedAt)} now={now} />
      </div>
      {advice !== '' && <p className="ink-2">{advice}</p>}
      <div className="reject__payload">
        <p className="mono ink-3 cut" title={topic}>
          {topic}
        </p>
        {payload !== '' && <CopyButton text={payload} label="Copy the payload" />}
      </div>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: it scrolls, so the keyboard must reach it */}
      <pre className="payload" dir="ltr" tabIndex={0}>
        {payload === '' ? '(empty)' : payload}
      </pre>
      {payloadBytes > shown && (
        <p className="ink-3">
          the first {formatCount(shown)} of {formatCount(payloadBytes)} bytes
        </p>
      )}
    </li>
  )
}
