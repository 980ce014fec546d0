import { notifications } from '@mantine/notifications'
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import type { OwnSession } from '@telltale/api/contract'
import { Failure, SkeletonLines } from '../ui/states.tsx'
import { When } from '../ui/when.tsx'
import { useNow } from '../use-live.ts'
import { endSession, ownSessions } from './account.ts'
import { browserWords } from './browser-words.ts'

export function SessionList() {
  const list = useQuery(ownSessions)
  const now = useNow()
  if (list.data === undefined) {
    return list.isError ? (
      <Failure what="Could not load your sessions" error={list.error} onRetry={() => void list.refetch()} />
    ) : (
      <SkeletonLines lines={2} heightPx={56} />
    )
  }
  return (
    <ul aria-label="Your sessions">
      {list.data.map((session) => (
        <SessionRow key={session.id} session={session} now={now} />
      ))}
    </ul>
  )
}

function SessionRow({ session, now }: { session: OwnSession; now: number }) {
  const { userAgent, address, createdAt, usedAt, isCurrent } = session
  const words = browserWords(userAgent)
  return (
    <li className="peoplerow sessionrow" aria-label={words}>
      <div className="peoplerow__two">
        <span className="peoplerow__name">
          <span className="strong cut" title={userAgent ?? undefined}>
            {words}
          </span>
          {isCurrent && <span className="badge">this one</span>}
        </span>
        <span className="ink-3 cut">from {address ?? 'an unknown address'}</span>
      </div>
      <div className="peoplerow__two">
        <span className="ink-2">
          used <When at={Date.parse(usedAt)} now={now} />
        </span>
        <span className="ink-3">
          signed in <When at={Date.parse(createdAt)} now={now} />
        </span>
      </div>
      {!isCurrent && <EndButton id={session.id} words={words} />}
    </li>
  )
}

/** Not asked for again: whoever was signed out signs in again. */
function EndButton({ id, words }: { id: string; words: string }) {
  const queryClient = useQueryClient()
  const end = useMutation({
    mutationFn: () => endSession(id),
    onSuccess: () => notifications.show({ message: `${words} is signed out.` }),
    // Also after a refusal: then the list was old.
    onSettled: () => queryClient.invalidateQueries({ queryKey: ownSessions.queryKey }),
  })
  return (
    <div className="peoplerow__end">
      <button type="button" className="btn btn--sm" disabled={end.isPending} onClick={() => end.mutate()}>
        Sign out<span className="vh"> {words}</span>
      </button>
      {end.isError && <Failure what="Not signed out" error={end.error} />}
    </div>
  )
}
