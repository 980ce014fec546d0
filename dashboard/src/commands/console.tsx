import './commands.css'
import { Modal } from '@mantine/core'
import { useQuery, useQueryClient } from '@tanstack/react-query'
import type { Device } from '@telltale/api/contract'
import { memo, useCallback, useEffect, useState } from 'react'
import { oneDevice } from '../devices/devices.ts'
import { typeList, useTypeOf } from '../types/types.ts'
import { Failure, SkeletonLines } from '../ui/states.tsx'
import { CommandForm, type NewCommandRequest } from './command-form.tsx'
import { CommandHistory } from './command-history.tsx'
import { type Sending, useRemember, useSend } from './commands.ts'
import { type Commands, calledOf, commandOf } from './draft.ts'
import { TypedConfirm } from './typed-confirm.tsx'

const noCommands: Commands = {}

/** What of a device matters here; when it was seen changes with every reading. */
type Addressee = Pick<Device, 'id' | 'name' | 'type'> & { offline: boolean }

function toAddressee({ id, name, type, presence: { status } }: Device): Addressee {
  return { id, name, type, offline: status === 'offline' || status === 'never' }
}

/** Send, and see how far it got. */
export const Console = memo(function Console({ deviceId }: { deviceId: string }) {
  const { data: device } = useQuery({ ...oneDevice(deviceId), select: toAddressee })
  const { sending, sendNow } = useSend(deviceId, useRemember())
  const [asked, setAsked] = useState<NewCommandRequest | null>(null)
  const type = useTypeOf(device?.type ?? null)
  const known = type.data?.commands ?? noCommands
  useRereadWhenRefused(sending)
  const offline = device?.offline === true
  const ask = useCallback(
    (request: NewCommandRequest) => {
      if (commandOf(request.name, known)?.dangerous === true) setAsked(request)
      else void sendNow(request)
    },
    [known, sendNow],
  )
  return (
    <section className="panel console" aria-label="Commands">
      <div className="panel__head">
        <h2 className="panel__title">Send a command</h2>
      </div>
      {type.isLoading || device === undefined ? (
        <div className="console__form">
          <SkeletonLines lines={2} />
        </div>
      ) : (
        <CommandForm
          key={type.data?.name ?? ''}
          commands={known}
          offline={offline}
          sending={sending}
          onSend={ask}
        />
      )}
      {type.isError && type.data === undefined && (
        <Failure
          what="Could not load the commands of its type"
          error={type.error}
          onRetry={() => void type.refetch()}
        />
      )}
      {device !== undefined && (
        <DangerousQuestion
          device={device}
          request={asked}
          called={calledOf(asked?.name ?? '', known)}
          onKeep={() => setAsked(null)}
          onConfirm={(request) => {
            setAsked(null)
            void sendNow(request)
          }}
        />
      )}
      <CommandHistory deviceId={deviceId} commands={known} offline={offline} onSendAgain={ask} />
    </section>
  )
})

/** Params that passed here and not there: the type has changed since it was read. */
function useRereadWhenRefused(sending: Sending): void {
  const queryClient = useQueryClient()
  useEffect(() => {
    if (sending.kind === 'refused' && sending.params.length > 0)
      void queryClient.invalidateQueries({ queryKey: typeList.queryKey })
  }, [queryClient, sending])
}

type DangerousQuestionProps = {
  device: Addressee
  request: NewCommandRequest | null
  called: string
  onKeep: () => void
  onConfirm: (request: NewCommandRequest) => void
}

function DangerousQuestion({ device, request, called, onKeep, onConfirm }: DangerousQuestionProps) {
  return (
    <Modal
      opened={request !== null}
      onClose={onKeep}
      title={<bdi>{`Send ${called}?`}</bdi>}
      centered
      closeButtonProps={{ 'aria-label': 'Close' }}
    >
      {request !== null && (
        <TypedConfirm
          label="Name or id of the device"
          answers={[device.name, device.id]}
          action={`Send ${called}`}
          onKeep={onKeep}
          onConfirm={() => onConfirm(request)}
        >
          <p className="ink-2">
            Its type calls this command dangerous. It goes to{' '}
            <b className="strong">
              <bdi>{device.name}</bdi>
            </b>{' '}
            ({device.id}). Type its name to send it.
          </p>
        </TypedConfirm>
      )}
    </Modal>
  )
}
