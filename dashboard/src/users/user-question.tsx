import { Modal } from '@mantine/core'
import { notifications } from '@mantine/notifications'
import { useMutation, useQueryClient } from '@tanstack/react-query'
import type { Role, SignInLink, User } from '@telltale/api/contract'
import { useState } from 'react'
import { currentSession } from '../session/session.ts'
import { focusOnMount } from '../ui/focus.ts'
import { LinkShown } from './link-shown.tsx'
import { changeUser, deleteUser, userList } from './users.ts'
import { refusalWords } from './words.ts'

export type Question = { kind: 'reset' | 'disable' | 'enable' | 'delete' } | { kind: 'role'; role: Role }

type Words = { sentence: string; action: string; keep: string; done: string; isDanger: boolean }

type UserQuestionProps = { user: User; isSelf: boolean; question: Question; onDone: () => void }

/** The safe answer has the keyboard. */
export function UserQuestion({ user, isSelf, question, onDone }: UserQuestionProps) {
  const [link, setLink] = useState<SignInLink | null>(null)
  const { sentence, action, keep, done, isDanger } = wordsFor(user, isSelf, question)
  const act = useAnswer({ user, question }, (made) => {
    notifications.show({ message: done })
    if (made === null) onDone()
    else setLink(made)
  })
  return (
    <div className="peopleask">
      <p className={isDanger ? 'ink-bad' : 'ink-2'}>{sentence}</p>
      <button type="button" className="btn btn--sm" ref={focusOnMount} onClick={onDone}>
        {keep}
      </button>
      <button
        type="button"
        className={isDanger ? 'btn btn--sm btn--danger' : 'btn btn--sm'}
        disabled={act.isPending || link !== null}
        onClick={() => act.mutate()}
      >
        {action}
      </button>
      {act.isError && (
        <p className="ink-bad" role="alert">
          {refusalWords(act.error)}
        </p>
      )}
      <Modal
        opened={link !== null}
        onClose={onDone}
        title={`A new link for ${user.username}`}
        size={560}
        centered
        closeOnClickOutside={false}
        closeOnEscape={false}
        closeButtonProps={{ 'aria-label': 'Close' }}
      >
        {link !== null && <LinkShown username={user.username} link={link} />}
        <div>
          <button type="button" className="btn btn--primary" onClick={onDone}>
            I have sent it
          </button>
        </div>
      </Modal>
    </div>
  )
}

function wordsFor({ username, hasPassword }: User, isSelf: boolean, question: Question): Words {
  const you = isSelf ? 'This is you: you are signed out at once. ' : ''
  switch (question.kind) {
    case 'role':
      return {
        sentence: `This is you: as ${question.role} you no longer see this page.`,
        action: `Become ${question.role}`,
        keep: 'Stay admin',
        done: `You are ${question.role} now.`,
        isDanger: true,
      }
    case 'reset':
      return {
        sentence: hasPassword
          ? `${username} is signed out everywhere, the password is forgotten, and you get a link to send.`
          : 'Older links stop working, and you get a new one to send.',
        action: hasPassword ? 'Reset now' : 'Make a link',
        keep: hasPassword ? 'Keep the password' : 'Not now',
        done: `${username} signs in with the new link.`,
        isDanger: hasPassword,
      }
    case 'disable':
      return {
        sentence: `${you}${username} is signed out everywhere and cannot sign in. Tokens they made go on working.`,
        action: 'Disable now',
        keep: 'Keep enabled',
        done: `${username} is disabled.`,
        isDanger: true,
      }
    case 'enable':
      return {
        sentence: `${username} may sign in again, with the password from before.`,
        action: 'Enable now',
        keep: 'Leave disabled',
        done: `${username} may sign in again.`,
        isDanger: false,
      }
    case 'delete':
      return {
        sentence: `${you}${username} is gone for good, with their own boards; boards they share become yours. Tokens they made go on working; the audit log keeps the name.`,
        action: 'Delete now',
        keep: 'Keep the user',
        done: `${username} is deleted.`,
        isDanger: true,
      }
  }
}

/** Done with the link it made, if any. Waited for: the buttons stay disabled until the list is new. */
function useAnswer(asked: { user: User; question: Question }, onDone: (link: SignInLink | null) => void) {
  const queryClient = useQueryClient()
  return useMutation({
    mutationFn: () => answer(asked.user.id, asked.question),
    onSuccess: async (link) => {
      await Promise.all([
        queryClient.invalidateQueries({ queryKey: userList.queryKey }),
        queryClient.invalidateQueries({ queryKey: currentSession.queryKey }),
      ])
      onDone(link)
    },
  })
}

async function answer(id: string, question: Question): Promise<SignInLink | null> {
  switch (question.kind) {
    case 'role':
      await changeUser(id, { role: question.role })
      return null
    case 'reset':
      return (await changeUser(id, { reset: true })).link
    case 'disable':
    case 'enable':
      await changeUser(id, { disabled: question.kind === 'disable' })
      return null
    case 'delete':
      await deleteUser(id)
      return null
  }
}
