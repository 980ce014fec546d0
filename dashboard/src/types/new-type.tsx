import { Modal, TextInput } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { useNavigate } from '@tanstack/react-router'
import { type SyntheticEvent, useState } from 'react'
import { typeList, typeNameError } from './types.ts'

/** Only the name, which cannot change later. The page of that name does the rest, and nothing is saved before. */
export function NewTypeDialog({ open, onClose }: { open: boolean; onClose: () => void }) {
  return (
    <Modal
      opened={open}
      onClose={onClose}
      title="New device type"
      centered
      closeButtonProps={{ 'aria-label': 'Close' }}
    >
      <NameForm />
    </Modal>
  )
}

function NameForm() {
  const navigate = useNavigate()
  const types = useQuery(typeList).data ?? []
  const [name, setName] = useState('')
  const taken = types.some((type) => type.name === name)
  const error = typeNameError(name) ?? (taken ? 'There is already a type of that name.' : null)
  const submit = (event: SyntheticEvent) => {
    event.preventDefault()
    if (name !== '' && error === null) void navigate({ to: '/types/$typeName', params: { typeName: name } })
  }
  return (
    <form className="typeform" onSubmit={submit}>
      <TextInput
        label="Name"
        placeholder="cold-room"
        description="Devices name their type with it, so it stays as it is. How people read it comes next."
        inputWrapperOrder={['label', 'input', 'description', 'error']}
        data-autofocus
        spellCheck={false}
        autoCapitalize="none"
        value={name}
        error={error}
        onChange={(event) => setName(event.currentTarget.value)}
      />
      <div>
        <button type="submit" className="btn btn--primary" disabled={name === '' || error !== null}>
          Go on
        </button>
      </div>
    </form>
  )
}
