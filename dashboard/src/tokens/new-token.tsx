import { Modal, TextInput } from '@mantine/core'
import { useMutation, useQueryClient } from '@tanstack/react-query'
import type { Role, TokenCreated } from '@telltale/api/contract'
import { type SyntheticEvent, useState } from 'react'
import { CopyButton } from '../ui/copy.tsx'
import { focusOnMount } from '../ui/focus.ts'
import { RoleChoice } from '../users/role-choice.tsx'
import { refusalWords } from '../users/words.ts'
import { createToken, tokenList } from './tokens.ts'
import { curlLine, type Days, expiryIn, lifetimes } from './words.ts'

type NewTokenDialogProps = { open: boolean; onClose: () => void }

/** A form that turns into what it made; the token lives no longer than this dialog. */
export function NewTokenDialog({ open, onClose }: NewTokenDialogProps) {
  const [created, setCreated] = useState<TokenCreated | null>(null)
  const close = () => {
    onClose()
    setCreated(null)
  }
  return (
    <Modal
      opened={open}
      onClose={close}
      title={created === null ? 'New token' : `${created.name} is ready`}
      size={created === null ? 480 : 640}
      centered
      closeOnClickOutside={false}
      closeOnEscape={created === null}
      closeButtonProps={{ 'aria-label': 'Close' }}
    >
      {created === null ? <Form onCreated={setCreated} /> : <TokenShown token={created.token} />}
      {created !== null && (
        <div>
          <button type="button" className="btn btn--primary" onClick={close}>
            I have saved it
          </button>
        </div>
      )}
    </Modal>
  )
}

function TokenShown({ token }: { token: string }) {
  const line = curlLine(window.location.origin, token)
  return (
    <div className="shownlink" tabIndex={-1} ref={focusOnMount}>
      <div className="secret">
        <code data-testid="token">{token}</code>
        <CopyButton text={token} label="Copy the token">
          Copy
        </CopyButton>
      </div>
      <p className="ink-3">
        It is shown once: Telltale keeps only a hash of it. Lost it? Revoke it and make another.
      </p>
      <div className="tokenline">
        <div className="tokenline__head">
          <span className="ink-2">Try it with curl</span>
          <CopyButton text={line} label="Copy the curl line">
            Copy
          </CopyButton>
        </div>
        <pre className="payload">{line}</pre>
      </div>
    </div>
  )
}

function Form({ onCreated }: { onCreated: (token: TokenCreated) => void }) {
  const [name, setName] = useState('')
  const [role, setRole] = useState<Role>('viewer')
  const [days, setDays] = useState<Days>(90)
  const create = useCreate(onCreated)
  const submit = (event: SyntheticEvent) => {
    event.preventDefault()
    create.mutate({ name: name.trim(), role, ...expiryIn(days, Date.now()) })
  }
  return (
    <form className="peopleform" onSubmit={submit}>
      <TextInput
        label="Name"
        placeholder="nightly report"
        description="What it is for: the audit log says token:{name}."
        inputWrapperOrder={['label', 'input', 'description', 'error']}
        data-autofocus
        maxLength={128}
        value={name}
        onChange={(event) => setName(event.currentTarget.value)}
      />
      <RoleChoice legend="Role" value={role} onChange={setRole} />
      <fieldset className="peoplechoices">
        <legend className="field__label">Works for</legend>
        <div className="seg">
          {lifetimes.map((lifetime) => (
            <button
              key={lifetime.label}
              type="button"
              className={lifetime.days === days ? 'is-active' : ''}
              aria-pressed={lifetime.days === days}
              onClick={() => setDays(lifetime.days)}
            >
              {lifetime.label}
            </button>
          ))}
        </div>
      </fieldset>
      {create.isError && (
        <p className="peopleform__error" role="alert">
          {refusalWords(create.error)}
        </p>
      )}
      <div>
        <button type="submit" className="btn btn--primary" disabled={name.trim() === '' || create.isPending}>
          {create.isPending ? 'Making…' : 'Make token'}
        </button>
      </div>
    </form>
  )
}

function useCreate(onCreated: (token: TokenCreated) => void) {
  const queryClient = useQueryClient()
  return useMutation({
    mutationFn: createToken,
    onSuccess: (token) => {
      void queryClient.invalidateQueries({ queryKey: tokenList.queryKey })
      onCreated(token)
    },
  })
}
