import { infiniteQueryOptions, useInfiniteQuery } from '@tanstack/react-query'
import type { RejectedMessage } from '@telltale/api/contract'
import { get } from '../api.ts'
import { formatMoment } from '../ui/format.ts'
import { Lamp } from '../ui/lamp.tsx'
import { Failure, Quietbox, SkeletonLines } from '../ui/states.tsx'
import { useLiveEvents, useNow } from '../use-live.ts'

type RejectedPage = { items: RejectedMessage[]; nextCursor: string | null }

const rejectedOf = (deviceId: string) =>
  infiniteQueryOptions({
    queryKey: ['rejected', deviceId],
    queryFn: ({ pageParam, signal }) =>
      get<RejectedPage>(`/devices/${deviceId}/rejected`, { limit: 50, cursor: pageParam }, signal),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: (page) => page.nextCursor ?? undefined,
  })

/** Messages the platform acknowledged and kept, but could not store as readings. */
export function Rejected({ deviceId }: { deviceId: string }) {
  const list = useInfiniteQuery(rejectedOf(deviceId))
  useLiveEvents((event) => {
    if (event.type === 'rejected' && event.data.deviceId === deviceId) void list.refetch()
  })
  if (list.isPending) return <SkeletonLines lines={3} />
  if (list.data === undefined) {
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
      {list.hasNextPage && (
        <div className="rejects__more">
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
    </section>
  )
}

function Reject({ message }: { message: RejectedMessage }) {
  const now = useNow()
  const shown = new Blob([message.payload]).size
  return (
    <li className="reject">
      <div className="reject__head">
        <Lamp shape="fail" tone="warn" />
        <span className="strong">{message.reason}</span>
        <time>{formatMoment(Date.parse(message.receivedAt), now)}</time>
      </div>
      <p className="mono ink-3">{message.topic}</p>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: it scrolls, so the keyboard must reach it */}
      <pre className="payload" tabIndex={0}>
        {message.payload === '' ? '(empty)' : message.payload}
      </pre>
      {message.payloadBytes > shown && (
        <p className="ink-3">
          the first {shown} of {message.payloadBytes} bytes
        </p>
      )}
    </li>
  )
}
