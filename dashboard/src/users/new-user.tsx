import { Modal, PasswordInput, TextInput } from '@mantine/core'
import { notifications } from '@mantine/notifications'
import { useMutation, useQueryClient } from '@tanstack/react-query'
import type { Role, UserWithLink } from '@telltale/api/contract'
import { type SyntheticEvent, useState } from 'react'
import { Choice } from './choice.tsx'
import { LinkShown } from './link-shown.tsx'
import { RoleChoice } from './role-choice.tsx'
import { createUser, userList } from './users.ts'
import { refusalWords, usernameError } from './words.ts'

type NewUserDialogProps = { open: boolean; onClose: () => void }

/** A form that turns into the link it made; the link lives no longer than this dialog. */
export function NewUserDialog({ open, onClose }: NewUserDialogProps) {
  const [created, setCreated] = useState<UserWithLink | null>(null)
  const close = () => {
    onClose()
    setCreated(null)
  }
  const onCreated = (user: UserWithLink) => {
    if (user.link !== null) return setCreated(user)
    notifications.show({ message: `${user.username} may sign in with that password.` })
    close()
  }
  return (
    <Modal
      opened={open}
      onClose={close}
      title={created === null ? 'New user' : `${created.username} may sign in`}
      size={created === null ? 480 : 560}
      centered
      closeOnClickOutside={false}
      closeOnEscape={created === null}
      closeButtonProps={{ 'aria-label': 'Close' }}
    >
      {created?.link == null ? (
        <Form onCreated={onCreated} />
      ) : (
        <>
          <LinkShown username={created.username} link={created.link} />
          <div>
            <button type="button" className="btn btn--primary" onClick={close}>
              I have sent it
            </button>
          </div>
        </>
      )}
    </Modal>
  )
}

function Form({ onCreated }: { onCreated: (user: UserWithLink) => void }) {
  const [username, setUsername] = useState('')
  const [role, setRole] = useState<Role>('viewer')
  const [way, setWay] = useState<'link' | 'password'>('link')
  const [password, setPassword] = useState('')
  const create = useCreate(onCreated)
  const submit = (event: SyntheticEvent) => {
    event.preventDefault()
    create.mutate({ username, role, ...(way === 'password' && { password }) })
  }
  const ready = username !== '' && usernameError(username) === null && (way === 'link' || password !== '')
  return (
    <form className="peopleform" onSubmit={submit}>
      <TextInput
        label="User name"
        placeholder="rosa or rosa@example.org"
        data-autofocus
        spellCheck={false}
        autoCapitalize="none"
        autoComplete="off"
        value={username}
        error={usernameError(username)}
        onChange={(event) => {
          setUsername(event.currentTarget.value.trim())
          create.reset()
        }}
      />
      <RoleChoice legend="Role" value={role} onChange={setRole} />
      <fieldset className="peoplechoices">
        <legend className="field__label">First sign-in</legend>
        <Choice name="way" title="With a link" checked={way === 'link'} onChange={() => setWay('link')}>
          Works once. They choose a password that nobody else knows.
        </Choice>
        <Choice
          name="way"
          title="With a password you set"
          checked={way === 'password'}
          onChange={() => setWay('password')}
        >
          For a screen on a wall, or where links cannot be sent.
        </Choice>
      </fieldset>
      {way === 'password' && (
        <PasswordInput
          label="Password"
          description="At least 10 characters. Four random words are easy to keep."
          autoComplete="new-password"
          value={password}
          onChange={(event) => {
            setPassword(event.currentTarget.value)
            create.reset()
          }}
          visibilityToggleButtonProps={{ 'aria-label': 'Show the password', tabIndex: 0 }}
        />
      )}
      {create.isError && (
        <p className="peopleform__error" role="alert">
          {refusalWords(create.error)}
        </p>
      )}
      <div>
        <button type="submit" className="btn btn--primary" disabled={!ready || create.isPending}>
          {create.isPending ? 'Adding…' : 'Add user'}
        </button>
      </div>
    </form>
  )
}

function useCreate(onCreated: (user: UserWithLink) => void) {
  const queryClient = useQueryClient()
  return useMutation({
    mutationFn: createUser,
    onSuccess: (user) => {
      void queryClient.invalidateQueries({ queryKey: userList.queryKey })
      onCreated(user)
    },
  })
}
