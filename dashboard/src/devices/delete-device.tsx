import { Modal, TextInput } from '@mantine/core'
import { notifications } from '@mantine/notifications'
import { useMutation, useQueryClient } from '@tanstack/react-query'
import { useNavigate } from '@tanstack/react-router'
import type { Device } from '@telltale/api/contract'
import { type SyntheticEvent, useState } from 'react'
import { Failure } from '../ui/states.tsx'
import { deleteDevice } from './devices.ts'

export function DeleteDevice({ device, may }: { device: Device; may: boolean }) {
  const [open, setOpen] = useState(false)
  return (
    <>
      <button type="button" className="btn btn--danger" disabled={!may} onClick={() => setOpen(true)}>
        Delete…
      </button>
      <DeleteModal device={device} open={open} onClose={() => setOpen(false)} />
    </>
  )
}

type DeleteModalProps = { device: Device; open: boolean; onClose: () => void }

export function DeleteModal({ device, open, onClose }: DeleteModalProps) {
  return (
    <Modal
      opened={open}
      onClose={onClose}
      title={
        <>
          Delete <bdi>{device.name}</bdi>?
        </>
      }
      centered
      closeButtonProps={{ 'aria-label': 'Close' }}
    >
      <Confirm device={device} onKeep={onClose} />
    </Modal>
  )
}

/** The safe answer is the default; the other one asks for the id. */
function Confirm({ device, onKeep }: { device: Device; onKeep: () => void }) {
  const navigate = useNavigate()
  const queryClient = useQueryClient()
  const [typed, setTyped] = useState('')
  const remove = useMutation({
    mutationFn: () => deleteDevice(device.id),
    onSuccess: async () => {
      notifications.show({
        message: `${device.name} is deleted. Its readings are being removed; the System page shows how far.`,
      })
      await navigate({ to: '/' })
      queryClient.removeQueries({ queryKey: ['devices', 'one', device.id] })
      void queryClient.invalidateQueries()
    },
  })
  const submit = (event: SyntheticEvent) => {
    event.preventDefault()
    if (typed === device.id) remove.mutate()
  }
  return (
    <form className="devsettings__form" onSubmit={submit}>
      <p className="ink-2">
        The device, its secrets and its commands are gone at once. Its readings are removed in the background;
        the System page shows how far that is. This cannot be undone.
      </p>
      <TextInput
        label={`Type ${device.id} to confirm`}
        data-autofocus
        spellCheck={false}
        autoCapitalize="none"
        value={typed}
        onChange={(event) => setTyped(event.currentTarget.value)}
      />
      <div className="devsettings__answers">
        <button type="button" className="btn" onClick={onKeep}>
          Keep it
        </button>
        <button type="submit" className="btn btn--danger" disabled={typed !== device.id || remove.isPending}>
          Delete
        </button>
      </div>
      {remove.isError && <Failure what="Not deleted" error={remove.error} />}
    </form>
  )
}
