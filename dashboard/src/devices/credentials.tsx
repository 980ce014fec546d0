import { Modal } from '@mantine/core'
import { queryOptions, useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import type { Credential, CredentialCreated } from '@telltale/api/contract'
import { KeyRound } from 'lucide-react'
import { useState } from 'react'
import { get } from '../api.ts'
import { SecretShown } from '../connect/secret.tsx'
import { formatMoment } from '../ui/format.ts'
import { Failure, SkeletonLines } from '../ui/states.tsx'
import { useNow } from '../use-live.ts'
import { createCredential, revokeCredential } from './devices.ts'

/** Of secrets; certificates have a bound of their own. */
const activeMax = 2

const credentialsOf = (deviceId: string) =>
  queryOptions({
    queryKey: ['credentials', deviceId],
    queryFn: async ({ signal }) => {
      const answer = await get<{ items: Credential[] }>(`/devices/${deviceId}/credentials`, {}, signal)
      return answer.items
    },
  })

type CredentialsProps = { deviceId: string; may: boolean }

/** Two secrets may be active, so a device can be moved to the new one before the old one goes. */
export function Credentials({ deviceId, may }: CredentialsProps) {
  // Also to look at them takes the role.
  const credentials = useQuery({ ...credentialsOf(deviceId), enabled: may })
  const [created, setCreated] = useState<CredentialCreated | null>(null)
  const queryClient = useQueryClient()
  const reload = () => queryClient.invalidateQueries({ queryKey: ['credentials', deviceId] })
  const rotate = useMutation({
    mutationFn: () => createCredential(deviceId),
    onSuccess: (credential) => {
      setCreated(credential)
      void reload()
    },
  })
  const active = credentials.data?.filter((credential) => credential.revokedAt === null) ?? []
  const isFull = active.filter(({ kind }) => kind !== 'certificate').length >= activeMax
  return (
    <section className="panel" aria-labelledby="secrets">
      <div className="panel__head">
        <h2 className="panel__title" id="secrets">
          Secrets and certificates
        </h2>
        <button
          type="button"
          className="btn btn--sm panel__action"
          disabled={!may || rotate.isPending || isFull}
          onClick={() => rotate.mutate()}
        >
          <KeyRound className="i i--sm" aria-hidden="true" />
          New secret
        </button>
      </div>
      <div className="panel__body">
        {!may && <p className="ink-3">Who may change the device also sees which secrets it has.</p>}
        {may && credentials.isPending && <SkeletonLines lines={1} />}
        {credentials.isError && (
          <Failure
            what="Could not load the secrets"
            error={credentials.error}
            onRetry={() => void credentials.refetch()}
          />
        )}
        {credentials.isSuccess && (
          <CredentialList deviceId={deviceId} active={active} may={may} onRevoked={() => void reload()} />
        )}
        {isFull && <p className="ink-3">Two secrets are active. Revoke one before making another.</p>}
        {rotate.isError && <Failure what="No new secret was made" error={rotate.error} />}
      </div>
      <NewSecret deviceId={deviceId} secret={created?.secret ?? null} onSaved={() => setCreated(null)} />
    </section>
  )
}

type NewSecretProps = { deviceId: string; secret: string | null; onSaved: () => void }

function NewSecret({ deviceId, secret, onSaved }: NewSecretProps) {
  return (
    <Modal
      opened={secret !== null}
      onClose={onSaved}
      title="The new secret, shown once"
      centered
      closeOnClickOutside={false}
      closeButtonProps={{ 'aria-label': 'Close' }}
    >
      {secret !== null && <SecretShown deviceId={deviceId} secret={secret} />}
      <button type="button" className="btn btn--primary" onClick={onSaved}>
        I have saved it
      </button>
    </Modal>
  )
}

type CredentialListProps = { deviceId: string; active: Credential[]; may: boolean; onRevoked: () => void }

function CredentialList({ deviceId, active, may, onRevoked }: CredentialListProps) {
  const now = useNow()
  const [asked, setAsked] = useState<string | null>(null)
  const revoke = useMutation({
    mutationFn: (credentialId: string) => revokeCredential(deviceId, credentialId),
    onSuccess: onRevoked,
    onSettled: () => setAsked(null),
  })
  if (active.length === 0)
    return <p className="ink-2">None is active: the device cannot connect with a secret.</p>
  return (
    <ul className="credentials">
      {active.map((credential) => (
        <li key={credential.id}>
          <Kind credential={credential} now={now} />
          {asked === credential.id ? (
            <>
              <span className="ink-bad">Its connection is closed at once.</span>
              <button type="button" className="btn btn--sm" onClick={() => setAsked(null)}>
                Keep it
              </button>
              <button
                type="button"
                className="btn btn--sm btn--danger"
                disabled={revoke.isPending}
                onClick={() => revoke.mutate(credential.id)}
              >
                Revoke now
              </button>
            </>
          ) : (
            <button
              type="button"
              className="btn btn--sm"
              disabled={!may}
              onClick={() => setAsked(credential.id)}
            >
              Revoke
            </button>
          )}
        </li>
      ))}
      {revoke.isError && <Failure what="Not revoked" error={revoke.error} />}
    </ul>
  )
}

type KindProps = { credential: Credential; now: number }

/** What it is, and the one thing that tells it from another of its kind. */
function Kind({ credential: { id, kind, fingerprint, createdAt }, now }: KindProps) {
  const when = formatMoment(Date.parse(createdAt), now)
  switch (kind) {
    case 'secret':
      return (
        <>
          <span className="strong">Secret</span>
          <span className="ink-2">made {when}</span>
          <span className="mono ink-3">{id.slice(0, 8)}</span>
        </>
      )
    case 'enrolment':
      return (
        <>
          <span className="strong">Enrolment key</span>
          <span className="ink-2">let in {when}</span>
        </>
      )
    case 'certificate':
      return (
        <>
          <span className="strong">Certificate</span>
          <span className="ink-2">first seen {when}</span>
          {fingerprint !== null && (
            <span className="mono ink-3" title={`SHA-256 ${fingerprint}`}>
              {fingerprint.slice(0, 16)}…
            </span>
          )}
        </>
      )
  }
}
