import { Modal } from '@mantine/core'
import { notifications } from '@mantine/notifications'
import { useMutation, useQueryClient } from '@tanstack/react-query'
import { useNavigate } from '@tanstack/react-router'
import type { DeviceType } from '@telltale/api/contract'
import { useState } from 'react'
import { formatCount } from '../ui/format.ts'
import { Failure } from '../ui/states.tsx'
import { deleteType, typeList } from './types.ts'

type DeleteTypeProps = { type: DeviceType; may: boolean; onDeleted: () => void }

export function DeleteType({ type, may, onDeleted }: DeleteTypeProps) {
  const [open, setOpen] = useState(false)
  return (
    <>
      <button
        type="button"
        className="btn btn--danger savebar__delete"
        disabled={!may}
        onClick={() => setOpen(true)}
      >
        Delete…
      </button>
      <Modal
        opened={open}
        onClose={() => setOpen(false)}
        title={`Delete ${type.name}?`}
        centered
        closeButtonProps={{ 'aria-label': 'Close' }}
      >
        <Confirm type={type} onKeep={() => setOpen(false)} onDeleted={onDeleted} />
      </Modal>
    </>
  )
}

type ConfirmProps = { type: DeviceType; onKeep: () => void; onDeleted: () => void }

/** The safe answer has the keyboard. */
function Confirm({ type, onKeep, onDeleted }: ConfirmProps) {
  const navigate = useNavigate()
  const queryClient = useQueryClient()
  const remove = useMutation({
    mutationFn: () => deleteType(type.name),
    onSuccess: async () => {
      onDeleted()
      await navigate({ to: '/types', ignoreBlocker: true })
      notifications.show({ message: `${type.label ?? type.name} is deleted.` })
      await queryClient.invalidateQueries({ queryKey: typeList.queryKey })
    },
  })
  return (
    <>
      <p className="ink-2">{consequences(type.devices)}</p>
      <div className="confirm__answers">
        <button type="button" className="btn" data-autofocus onClick={onKeep}>
          Keep it
        </button>
        <button
          type="button"
          className="btn btn--danger"
          disabled={remove.isPending}
          onClick={() => remove.mutate()}
        >
          Delete
        </button>
      </div>
      {remove.isError && <Failure what="Not deleted" error={remove.error} />}
    </>
  )
}

function consequences(devices: number): string {
  if (devices === 0) return 'No device names it. Its description is gone for good.'
  const who =
    devices === 1 ? '1 device names it and keeps' : `${formatCount(devices)} devices name it and keep`
  return `${who} the name, all readings and all commands sent so far. Units, thresholds and forms are gone, and params are no longer checked.`
}
