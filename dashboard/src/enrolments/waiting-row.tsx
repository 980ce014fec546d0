import { notifications } from '@mantine/notifications'
import { useMutation, useQueryClient } from '@tanstack/react-query'
import type { Enrolment } from '@telltale/api/contract'
import { useState } from 'react'
import { focusOnMount } from '../ui/focus.ts'
import { Failure } from '../ui/states.tsx'
import { When } from '../ui/when.tsx'
import { approveEnrolment, rejectEnrolment, waitingDevices } from './enrolments.ts'

export function WaitingRow({ enrolment, now }: { enrolment: Enrolment; now: number }) {
  const { deviceId, address, clientId } = enrolment
  return (
    <li className="waitingrow" aria-label={deviceId}>
      <div className="waitingrow__who">
        <span className="strong cut">{deviceId}</span>
        <span className="ink-3 cut">client id {clientId}</span>
      </div>
      <div className="waitingrow__when">
        <span className="ink-2">
          from <span className="mono">{address ?? 'an unknown address'}</span>
        </span>
        <Asked enrolment={enrolment} now={now} />
      </div>
      <Decide deviceId={deviceId} />
    </li>
  )
}

function Asked({ enrolment, now }: { enrolment: Enrolment; now: number }) {
  const { requestedAt, lastRequestedAt, attempts } = enrolment
  const first = <When at={Date.parse(requestedAt)} now={now} />
  if (attempts === 1) return <span className="ink-3">asked once, {first}</span>
  return (
    <span className="ink-3">
      asked {attempts} times, first {first}, last <When at={Date.parse(lastRequestedAt)} now={now} />
    </span>
  )
}

function Decide({ deviceId }: { deviceId: string }) {
  const [asked, setAsked] = useState(false)
  const reload = useReload()
  const approve = useMutation({
    mutationFn: () => approveEnrolment(deviceId),
    onSuccess: () =>
      notifications.show({ message: `${deviceId} is registered. It connects when it tries again.` }),
    onSettled: reload,
  })
  const reject = useMutation({
    mutationFn: () => rejectEnrolment(deviceId),
    onSuccess: () =>
      notifications.show({ message: `${deviceId} is rejected. It may ask again a day later.` }),
    onSettled: reload,
  })
  const busy = approve.isPending || reject.isPending
  const error = approve.error ?? reject.error
  return (
    <div className="waitingrow__decide">
      {asked ? (
        <>
          <span className="ink-2">It may ask again a day later.</span>
          <button type="button" className="btn btn--sm" ref={focusOnMount} onClick={() => setAsked(false)}>
            Let it wait
          </button>
          <button
            type="button"
            className="btn btn--sm btn--danger"
            disabled={busy}
            onClick={() => reject.mutate()}
          >
            Reject now
          </button>
        </>
      ) : (
        <>
          <button type="button" className="btn btn--sm" disabled={busy} onClick={() => approve.mutate()}>
            Approve<span className="vh"> {deviceId}</span>
          </button>
          <button
            type="button"
            className="btn btn--sm btn--quiet"
            disabled={busy}
            onClick={() => setAsked(true)}
          >
            Reject<span className="vh"> {deviceId}</span>
          </button>
        </>
      )}
      {error !== null && <Failure what="Not decided" error={error} />}
    </div>
  )
}

/**
 * Also after a refusal: then the list was old, and somebody else has decided. Waited for: the buttons stay disabled
 * until the row is gone.
 */
function useReload() {
  const queryClient = useQueryClient()
  return () => {
    void queryClient.invalidateQueries({ queryKey: ['fleet'] })
    void queryClient.invalidateQueries({ queryKey: ['devices', 'list'] })
    return queryClient.invalidateQueries({ queryKey: waitingDevices.queryKey })
  }
}
