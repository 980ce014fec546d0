import { Menu } from '@mantine/core'
import { notifications } from '@mantine/notifications'
import { useMutation, useQueryClient } from '@tanstack/react-query'
import type { Role, User } from '@telltale/api/contract'
import { Check, EllipsisVertical } from 'lucide-react'
import { useState } from 'react'
import { currentSession, useSession } from '../session/session.ts'
import { formatMoment } from '../ui/format.ts'
import { When } from '../ui/when.tsx'
import { useNow } from '../use-live.ts'
import { type Question, UserQuestion } from './user-question.tsx'
import { changeUser, userList } from './users.ts'
import { refusalWords, roles } from './words.ts'

export function UserRow({ user }: { user: User }) {
  const now = useNow()
  const isSelf = useSession().user.username === user.username
  const [asked, setAsked] = useState<Question | null>(null)
  return (
    <li className="peoplerow userrow" aria-label={user.username}>
      <div className="peoplerow__who">
        <span className="avatar" aria-hidden="true">
          {user.username.charAt(0).toUpperCase()}
        </span>
        <div className="peoplerow__two">
          <span className="peoplerow__name">
            <span className="strong cut" title={user.username}>
              {user.username}
            </span>
            {isSelf && <span className="badge">you</span>}
            {user.disabledAt !== null && <span className="badge badge--warn">disabled</span>}
          </span>
          <span className="ink-3">
            added <When at={Date.parse(user.createdAt)} now={now} />
          </span>
        </div>
      </div>
      <span className={user.role === 'admin' ? 'strong' : undefined}>
        <span className="peoplelabel">Role </span>
        {user.role}
      </span>
      <SignedIn user={user} now={now} />
      <span className="ink-2">
        <span className="peoplelabel">Open </span>
        {browserWords(user.sessions)}
      </span>
      <Actions user={user} isSelf={isSelf} onAsk={setAsked} />
      {asked !== null && (
        <UserQuestion user={user} isSelf={isSelf} question={asked} onDone={() => setAsked(null)} />
      )}
    </li>
  )
}

function SignedIn({ user, now }: { user: User; now: number }) {
  const { signedInAt, linkUntil, hasPassword } = user
  const link = linkUntil === null ? null : `link works until ${formatMoment(Date.parse(linkUntil), now)}`
  return (
    <span className="peoplerow__two">
      {signedInAt === null ? (
        <span className="ink-2">
          <span className="peoplelabel">Last sign-in </span>never
        </span>
      ) : (
        <span className="ink-2">
          <span className="peoplelabel">Last sign-in </span>
          <When at={Date.parse(signedInAt)} now={now} />
        </span>
      )}
      {link !== null && <span className="ink-3">{link}</span>}
      {link === null && !hasPassword && user.disabledAt === null && (
        <span className="ink-warn">no password, no link: reset the sign-in</span>
      )}
    </span>
  )
}

function browserWords(count: number): string {
  if (count === 0) return 'nowhere'
  return count === 1 ? 'in 1 browser' : `in ${count} browsers`
}

type ActionsProps = { user: User; isSelf: boolean; onAsk: (question: Question) => void }

/** What takes something away is asked for again, in the row. */
function Actions({ user, isSelf, onAsk }: ActionsProps) {
  const change = useChangeRole(user)
  const choose = (role: Role) => {
    if (role === user.role) return
    if (isSelf) onAsk({ kind: 'role', role })
    else change.mutate(role)
  }
  return (
    <Menu position="bottom-end" width={224}>
      <Menu.Target>
        <button
          type="button"
          className="btn btn--quiet btn--icon peoplerow__end"
          aria-label={`Change ${user.username}`}
          disabled={change.isPending}
        >
          <EllipsisVertical className="i" aria-hidden="true" />
        </button>
      </Menu.Target>
      <Menu.Dropdown>
        <Menu.Label>Role</Menu.Label>
        {roles.map((role) => (
          <Menu.Item
            key={role}
            leftSection={<Check className="i" aria-hidden="true" opacity={role === user.role ? 1 : 0} />}
            aria-current={role === user.role}
            onClick={() => choose(role)}
          >
            {role.charAt(0).toUpperCase() + role.slice(1)}
          </Menu.Item>
        ))}
        <Menu.Divider />
        <Menu.Item disabled={isSelf || user.disabledAt !== null} onClick={() => onAsk({ kind: 'reset' })}>
          {user.hasPassword ? 'Reset sign-in…' : 'New sign-in link…'}
        </Menu.Item>
        <Menu.Item onClick={() => onAsk({ kind: user.disabledAt === null ? 'disable' : 'enable' })}>
          {user.disabledAt === null ? 'Disable…' : 'Enable…'}
        </Menu.Item>
        <Menu.Item onClick={() => onAsk({ kind: 'delete' })}>
          <span className="ink-bad">Delete…</span>
        </Menu.Item>
      </Menu.Dropdown>
    </Menu>
  )
}

function useChangeRole({ id, username }: User) {
  const queryClient = useQueryClient()
  return useMutation({
    mutationFn: (role: Role) => changeUser(id, { role }),
    onSuccess: ({ role }) => notifications.show({ message: `${username} is ${article(role)} ${role} now.` }),
    onError: (error) => notifications.show({ title: 'Not changed', message: refusalWords(error) }),
    onSettled: () => {
      void queryClient.invalidateQueries({ queryKey: currentSession.queryKey })
      return queryClient.invalidateQueries({ queryKey: userList.queryKey })
    },
  })
}

function article(role: Role): string {
  return role === 'viewer' ? 'a' : 'an'
}
