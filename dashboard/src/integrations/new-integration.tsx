import { Modal, TextInput } from '@mantine/core'
import { useMutation, useQueryClient } from '@tanstack/react-query'
import type { IntegrationCreated } from '@telltale/api/contract'
import { type ReactNode, type SyntheticEvent, useId, useState } from 'react'
import { ApiError } from '../api.ts'
import { ConnectionShown } from './connection-shown.tsx'
import { createIntegration, integrationList } from './integrations.ts'
import { nameError } from './words.ts'

type NewIntegrationDialogProps = { open: boolean; onClose: () => void }

/** A form that turns into what it made; the secret lives no longer than this dialog. */
export function NewIntegrationDialog({ open, onClose }: NewIntegrationDialogProps) {
  const [created, setCreated] = useState<IntegrationCreated | null>(null)
  const close = () => {
    onClose()
    setCreated(null)
  }
  return (
    <Modal
      opened={open}
      onClose={close}
      title={created === null ? 'New integration' : `${created.name} may connect now`}
      size={created === null ? 480 : 640}
      centered
      closeOnClickOutside={false}
      closeOnEscape={created === null}
      closeButtonProps={{ 'aria-label': 'Close' }}
    >
      {created === null ? (
        <Form onCreated={setCreated} />
      ) : (
        <>
          <ConnectionShown integration={created} />
          <div>
            <button type="button" className="btn btn--primary" onClick={close}>
              I have saved it
            </button>
          </div>
        </>
      )}
    </Modal>
  )
}

function Form({ onCreated }: { onCreated: (integration: IntegrationCreated) => void }) {
  const [name, setName] = useState('')
  const [read, setRead] = useState(true)
  const [write, setWrite] = useState(false)
  const create = useCreate(onCreated)
  const submit = (event: SyntheticEvent) => {
    event.preventDefault()
    create.mutate({ name, read, write })
  }
  const ready = name !== '' && nameError(name) === null && (read || write) && !create.isPending
  return (
    <form className="newintegration" onSubmit={submit}>
      <TextInput
        label="Name"
        placeholder="node-red"
        description={`It connects with the user name @${name || 'node-red'}.`}
        inputWrapperOrder={['label', 'input', 'description', 'error']}
        data-autofocus
        spellCheck={false}
        autoCapitalize="none"
        value={name}
        error={nameError(name) ?? (create.error && refusalWords(create.error, name))}
        onChange={(event) => {
          setName(event.currentTarget.value)
          create.reset()
        }}
      />
      <fieldset className="choices">
        <legend className="field__label">Rights</legend>
        <Choice title="May read" checked={read} onChange={setRead}>
          Sees everything devices send and are sent, as it comes: a Node-RED flow, sensors in Home Assistant,
          Telegraf filling another database.
        </Choice>
        <Choice title="May write" checked={write} onChange={setWrite}>
          Sends readings in the name of any device, and uses all other topics as on any broker: Telegraf or a
          gateway that brings readings in, Node-RED or Home Assistant that also publish.
        </Choice>
        {!read && !write && <p className="ink-bad">Choose one of them, or both.</p>}
      </fieldset>
      <div>
        <button type="submit" className="btn btn--primary" disabled={!ready}>
          {create.isPending ? 'Making…' : 'Make integration'}
        </button>
      </div>
    </form>
  )
}

type ChoiceProps = {
  title: string
  checked: boolean
  onChange: (checked: boolean) => void
  children: ReactNode
}

function Choice({ title, checked, onChange, children }: ChoiceProps) {
  const note = useId()
  return (
    <label className="choice">
      <input
        type="checkbox"
        checked={checked}
        aria-label={title}
        aria-describedby={note}
        onChange={(event) => onChange(event.currentTarget.checked)}
      />
      <span>
        <span className="strong">{title}</span>
        <span className="choice__note" id={note}>
          {children}
        </span>
      </span>
    </label>
  )
}

function useCreate(onCreated: (integration: IntegrationCreated) => void) {
  const queryClient = useQueryClient()
  return useMutation({
    mutationFn: createIntegration,
    onSuccess: (integration) => {
      void queryClient.invalidateQueries({ queryKey: integrationList.queryKey })
      onCreated(integration)
    },
  })
}

function refusalWords(error: Error, name: string): string {
  if (!(error instanceof ApiError)) return error.message
  const { status, detail, title, errors, requestId } = error.problem
  if (status === 409) return `There is already an integration called ${name}. Choose another name.`
  const sentence = errors?.[0]?.message ?? detail ?? title
  return requestId === '' ? sentence : `${sentence} (request ${requestId})`
}
