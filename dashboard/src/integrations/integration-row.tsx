import { notifications } from '@mantine/notifications'
import { useMutation, useQueryClient } from '@tanstack/react-query'
import type { Integration } from '@telltale/api/contract'
import { useState } from 'react'
import { CopyButton } from '../ui/copy.tsx'
import { focusOnMount } from '../ui/focus.ts'
import { formatMoment } from '../ui/format.ts'
import { Failure } from '../ui/states.tsx'
import { When } from '../ui/when.tsx'
import { useNow } from '../use-live.ts'
import { integrationList, revokeIntegration } from './integrations.ts'
import { rightsWords } from './words.ts'

export function IntegrationRow({ integration }: { integration: Integration }) {
  const { name, username, createdAt, createdBy } = integration
  const now = useNow()
  const [asked, setAsked] = useState(false)
  return (
    <li className="integration" aria-label={name}>
      <div className="integration__name">
        <span className="strong cut">{name}</span>
        <span className="integration__user">
          <span className="mono ink-3 cut">{username}</span>
          <CopyButton text={username} label={`Copy the user name of ${name}`} />
        </span>
      </div>
      <span>{rightsWords(integration)}</span>
      <span className="ink-2">
        made {formatMoment(Date.parse(createdAt), now)} by {createdBy}
      </span>
      <LastConnected integration={integration} now={now} />
      {!asked && (
        <button type="button" className="btn btn--sm" onClick={() => setAsked(true)}>
          Revoke<span className="vh"> {name}</span>
        </button>
      )}
      {asked && <RevokeQuestion name={name} onKeep={() => setAsked(false)} />}
    </li>
  )
}

function LastConnected({ integration: { lastConnectedAt }, now }: { integration: Integration; now: number }) {
  if (lastConnectedAt === null) return <span className="ink-3">has not connected yet</span>
  return (
    <span className="ink-2">
      connected <When at={Date.parse(lastConnectedAt)} now={now} />
    </span>
  )
}

/** The safe answer has the keyboard. */
function RevokeQuestion({ name, onKeep }: { name: string; onKeep: () => void }) {
  const queryClient = useQueryClient()
  const revoke = useMutation({
    mutationFn: () => revokeIntegration(name),
    onSuccess: () => {
      notifications.show({ message: `${name} is revoked; its connections are closed.` })
      // Waited for: the button stays disabled until the row is gone.
      return queryClient.invalidateQueries({ queryKey: integrationList.queryKey })
    },
  })
  return (
    <div className="integration__ask">
      <span className="ink-bad">Its connections are closed at once, and its secret never works again.</span>
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
