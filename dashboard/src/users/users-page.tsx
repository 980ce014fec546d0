import './users.css'
import { useInfiniteQuery } from '@tanstack/react-query'
import { Plus } from 'lucide-react'
import { useState } from 'react'
import { useMay } from '../session/session.ts'
import { TopBar } from '../shell/top-bar.tsx'
import { Failure, SkeletonLines } from '../ui/states.tsx'
import { AdminsOnly } from './admins-only.tsx'
import { NewUserDialog } from './new-user.tsx'
import { UserRow } from './user-row.tsx'
import { userList } from './users.ts'

export function UsersPage() {
  const may = useMay('admin')
  const [open, setOpen] = useState(false)
  return (
    <>
      <title>Users · Telltale</title>
      <TopBar>
        <h1 className="top__title">Users</h1>
      </TopBar>
      <div className="page">
        <div className="peoplehead">
          <p className="ink-2">
            Who may sign in, and as what. A viewer sees, an operator also acts on devices, an admin also runs
            this place. Another role counts at once, without signing in again.
          </p>
          <button type="button" className="btn btn--primary" disabled={!may} onClick={() => setOpen(true)}>
            <Plus className="i" aria-hidden="true" />
            New user
          </button>
        </div>
        {may ? (
          <List />
        ) : (
          <AdminsOnly title="Only an administrator sees users">
            Your own password and sessions are on the page of your account.
          </AdminsOnly>
        )}
      </div>
      {may && <NewUserDialog open={open} onClose={() => setOpen(false)} />}
    </>
  )
}

function List() {
  const list = useInfiniteQuery(userList)
  if (list.data === undefined) {
    return list.isError ? (
      <Failure what="Could not load the users" error={list.error} onRetry={() => void list.refetch()} />
    ) : (
      <SkeletonLines lines={3} heightPx={56} />
    )
  }
  const users = list.data.pages.flatMap(({ items }) => items)
  return (
    <section className="panel" aria-label="Users">
      <div className="peoplerow peoplerow--head userrow" aria-hidden="true">
        <span>User</span>
        <span>Role</span>
        <span>Last sign-in</span>
        <span>Signed in</span>
      </div>
      <ul>
        {users.map((user) => (
          <UserRow key={user.id} user={user} />
        ))}
      </ul>
      {list.hasNextPage && (
        <div className="peoplemore">
          <button
            type="button"
            className="btn btn--sm"
            disabled={list.isFetchingNextPage}
            onClick={() => void list.fetchNextPage()}
          >
            Show more
          </button>
        </div>
      )}
    </section>
  )
}
