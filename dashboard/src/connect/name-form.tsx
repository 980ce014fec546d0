import { TextInput } from '@mantine/core'
import { useMutation, useQueryClient } from '@tanstack/react-query'
import type { DeviceCreated } from '@telltale/api/contract'
import { type SyntheticEvent, useState } from 'react'
import { ApiError } from '../api.ts'
import { createDevice } from '../devices/devices.ts'
import { useMay } from '../session/session.ts'
import { NeedsRole } from '../ui/locked.tsx'
import { idError, suggestId } from './device-id.ts'

export function NameForm({ onCreated }: { onCreated: (device: DeviceCreated) => void }) {
  const may = useMay('operator')
  const [name, setName] = useState('')
  const [ownId, setOwnId] = useState<string | null>(null)
  const id = ownId ?? suggestId(name)
  const create = useCreate(onCreated)
  const submit = (event: SyntheticEvent) => {
    event.preventDefault()
    create.mutate({ name: name.trim(), ...(id !== '' && { id }) })
  }
  const refusal = create.error === null ? null : refusalWords(create.error, id)
  const ready = may && name.trim() !== '' && idError(id) === null && !create.isPending
  return (
    <form className="nameform" onSubmit={submit}>
      <TextInput
        label="Name"
        placeholder="Bay 7 climate"
        size="lg"
        maxLength={200}
        autoFocus
        disabled={!may}
        value={name}
        onChange={(event) => setName(event.currentTarget.value)}
      />
      <TextInput
        label="Id"
        description="The user name of the device and part of its topic. It stays; the name can change."
        inputWrapperOrder={['label', 'input', 'description', 'error']}
        size="lg"
        disabled={!may}
        value={id}
        error={idError(id) ?? refusal}
        spellCheck={false}
        autoCapitalize="none"
        onChange={(event) => setOwnId(event.currentTarget.value)}
      />
      <div className="nameform__go">
        <button type="submit" className="btn btn--primary btn--lg" disabled={!ready}>
          {create.isPending ? 'Creating…' : 'Create device'}
        </button>
        {!may && <NeedsRole needed="operator" />}
      </div>
    </form>
  )
}

function useCreate(onCreated: (device: DeviceCreated) => void) {
  const queryClient = useQueryClient()
  return useMutation({
    mutationFn: createDevice,
    onSuccess: (device) => {
      void queryClient.invalidateQueries({ queryKey: ['fleet'] })
      void queryClient.invalidateQueries({ queryKey: ['devices', 'list'] })
      onCreated(device)
    },
  })
}

function refusalWords(error: Error, id: string): string {
  if (!(error instanceof ApiError)) return error.message
  const { status, detail, title, errors, requestId } = error.problem
  if (status === 409) return `There is already a device with the id ${id}. Choose another id.`
  const sentence = errors?.[0]?.message ?? detail ?? title
  return requestId === '' ? sentence : `${sentence} (request ${requestId})`
}
