import { PasswordInput } from '@mantine/core'
import { notifications } from '@mantine/notifications'
import { useMutation, useQueryClient } from '@tanstack/react-query'
import { useNavigate } from '@tanstack/react-router'
import type { Session } from '@telltale/api/contract'
import { type SyntheticEvent, useState } from 'react'
import { ApiError } from '../api.ts'
import { currentSession, useSession } from '../session/session.ts'
import { refusalWords } from '../users/words.ts'
import { changePassword, ownSessions } from './account.ts'

type State = NonNullable<Session['passwordState']>

/** Whoever came by a link chooses one; everybody else shows the current one first. */
export function PasswordForm({ state }: { state: State }) {
  const { user } = useSession()
  const [current, setCurrent] = useState('')
  const [password, setPassword] = useState('')
  const change = useChangePassword(state, () => {
    setCurrent('')
    setPassword('')
  })
  const submit = (event: SyntheticEvent) => {
    event.preventDefault()
    change.mutate({ password, ...(state === 'set' && { current }) })
  }
  const refusal = change.isError ? placed(change.error) : null
  const ready = password !== '' && (state !== 'set' || current !== '') && !change.isPending
  return (
    <form className="account__form" onSubmit={submit} aria-busy={change.isPending}>
      {/* For password managers: whose password this is. */}
      <input
        className="vh"
        type="text"
        name="username"
        autoComplete="username"
        value={user.username}
        readOnly
        tabIndex={-1}
        aria-hidden="true"
      />
      {state === 'set' && (
        <PasswordInput
          label="Current password"
          autoComplete="current-password"
          value={current}
          error={refusal?.at === 'current' && refusal.words}
          onChange={(event) => setCurrent(event.currentTarget.value)}
          visibilityToggleButtonProps={{ 'aria-label': 'Show the current password', tabIndex: 0 }}
        />
      )}
      <PasswordInput
        label="New password"
        description="At least 10 characters. Four random words are easy to keep; any character will do."
        autoComplete="new-password"
        value={password}
        error={refusal?.at === 'password' && refusal.words}
        onChange={(event) => setPassword(event.currentTarget.value)}
        visibilityToggleButtonProps={{ 'aria-label': 'Show the new password', tabIndex: 0 }}
      />
      {refusal?.at === 'form' && (
        <p className="ink-bad" role="alert">
          {refusal.words}
        </p>
      )}
      <div>
        <button type="submit" className="btn btn--primary" disabled={!ready}>
          {change.isPending ? 'Saving…' : state === 'missing' ? 'Set the password' : 'Change the password'}
        </button>
      </div>
    </form>
  )
}

function placed(error: Error): { at: 'current' | 'password' | 'form'; words: string } {
  const path = error instanceof ApiError ? error.problem.errors?.[0]?.path : undefined
  const at = path === 'body/current' ? 'current' : path === 'body/password' ? 'password' : 'form'
  return { at, words: refusalWords(error) }
}

function useChangePassword(state: State, onDone: () => void) {
  const queryClient = useQueryClient()
  const navigate = useNavigate()
  return useMutation({
    mutationFn: changePassword,
    onSuccess: async () => {
      onDone()
      notifications.show({
        message:
          state === 'missing'
            ? 'Your password is set. From now on you sign in with it.'
            : 'Your password is changed. Other browsers are signed out.',
      })
      void queryClient.invalidateQueries({ queryKey: ownSessions.queryKey })
      await queryClient.invalidateQueries({ queryKey: currentSession.queryKey })
      if (state === 'missing') await navigate({ to: '/' })
    },
  })
}
