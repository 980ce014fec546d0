import { useMutation } from '@tanstack/react-query'
import { KeyRound } from 'lucide-react'
import { createCredential } from '../devices/devices.ts'
import { useMay } from '../session/session.ts'
import { NeedsRole } from '../ui/locked.tsx'
import { Failure } from '../ui/states.tsx'

type LostSecretProps = { deviceId: string; onSecret: (secret: string) => void }

export function LostSecret({ deviceId, onSecret }: LostSecretProps) {
  const may = useMay('operator')
  const renew = useMutation({
    mutationFn: () => createCredential(deviceId),
    onSuccess: ({ secret }) => onSecret(secret),
  })
  return (
    <>
      <p className="ink-2">
        The secret was shown once, before this page was reloaded. Telltale keeps only a hash of it, so it
        cannot show it again. If you saved it, carry on: this page is still listening. If not, make a new one.
      </p>
      <div className="nameform__go">
        <button
          type="button"
          className="btn"
          disabled={!may || renew.isPending}
          onClick={() => renew.mutate()}
        >
          <KeyRound className="i" aria-hidden="true" />
          Make a new secret
        </button>
        {!may && <NeedsRole needed="operator" />}
      </div>
      {renew.isError && (
        <Failure what="No new secret was made" error={renew.error} onRetry={() => renew.mutate()} />
      )}
    </>
  )
}
