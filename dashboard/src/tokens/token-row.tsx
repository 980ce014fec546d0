import { notifications } from '@mantine/notifications'
import { useMutation, useQueryClient } from '@tanstack/react-query'
import type { Token } from '@telltale/api/contract'
import { useState } from 'react'
import { focusOnMount } from '../ui/focus.ts'
import { formatMoment } from '../ui/format.ts'
import { Failure } from '../ui/states.tsx'
import { When } from '../ui/when.tsx'
import { useNow } from '../use-live.ts'
import { revokeToken, tokenList } from './tokens.ts'
import { expiryOf } from './words.ts'

export function TokenRow({ token }: { token: Token }) {
  const { name, role, createdAt, createdBy, usedAt } = token
  const now = useNow()
  const [asked, setAsked] = useState(false)
  return (
    <li className="peoplerow tokenrow" aria-label={name}>
      <div className="peoplerow__two">
        <span className="strong cut" title={name}>
          {name}
        </span>
        <span className="ink-3 cut">
          made <When at={Date.parse(createdAt)} now={now} /> by {createdBy}
        </span>
      </div>
      <span className={role === 'admin' ? 'strong' : undefined}>
        <span className="peoplelabel">Role </span>
        {role}
      </span>
      <span className="ink-2">
        <span className="peoplelabel">Last used </span>
        {usedAt === null ? 'not yet' : <When at={Date.parse(usedAt)} now={now} />}
      </span>
      <Expiry expiresAt={token.expiresAt} now={now} />
      {!asked && (
        <button type="button" className="btn btn--sm peoplerow__end" onClick={() => setAsked(true)}>
          Revoke<span className="vh"> {name}</span>
        </button>
      )}
      {asked && <RevokeQuestion token={token} onKeep={() => setAsked(false)} />}
    </li>
  )
}

function Expiry({ expiresAt, now }: { expiresAt: string | null; now: number }) {
  const state = expiryOf(expiresAt, now)
  const until = <span className="peoplelabel">Works until </span>
  if (expiresAt === null) return <span className="ink-2">{until}it is revoked</span>
  const moment = formatMoment(Date.parse(expiresAt), now)
  if (state === 'over') return <span className="ink-3">ended {moment}</span>
  return (
    <span className={state === 'soon' ? 'ink-warn' : 'ink-2'}>
      {until}
      {moment}
    </span>
  )
}

/** The safe answer has the keyboard. */
function RevokeQuestion({ token: { id, name }, onKeep }: { token: Token; onKeep: () => void }) {
  const queryClient = useQueryClient()
  const revoke = useMutation({
    mutationFn: () => revokeToken(id),
    onSuccess: () => {
      notifications.show({ message: `${name} is revoked; its streams are closed.` })
      // Waited for: the button stays disabled until the row is gone.
      return queryClient.invalidateQueries({ queryKey: tokenList.queryKey })
    },
  })
  return (
    <div className="peopleask">
      <p className="ink-bad">Scripts that use it are refused at once, and it never works again.</p>
      <button type="button" className="btn btn--sm" ref={focusOnMount} onClick={onKeep}>
        Keep it
      </button>
      <button
        type="button"
        className="btn btn--sm btn--danger"
        disabled={revoke.isPending}
        onClick={() => revoke.mutate()}
      >
        Revoke now
      </button>
      {revoke.isError && <Failure what="Not revoked" error={revoke.error} />}
    </div>
  )
}
