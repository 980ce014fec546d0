import '../users/users.css'
import './tokens.css'
import { useInfiniteQuery } from '@tanstack/react-query'
import { KeyRound, Plus } from 'lucide-react'
import { useState } from 'react'
import { useMay } from '../session/session.ts'
import { TopBar } from '../shell/top-bar.tsx'
import { Failure, Quietbox, SkeletonLines } from '../ui/states.tsx'
import { AdminsOnly } from '../users/admins-only.tsx'
import { NewTokenDialog } from './new-token.tsx'
import { TokenRow } from './token-row.tsx'
import { tokenList } from './tokens.ts'

export function TokensPage() {
  const may = useMay('admin')
  const [open, setOpen] = useState(false)
  return (
    <>
      <title>Tokens · Telltale</title>
      <TopBar>
        <h1 className="top__title">Tokens</h1>
      </TopBar>
      <div className="page">
        <div className="peoplehead">
          <p className="ink-2">
            What scripts sign in with at the HTTP API. A token has a role like a user, belongs to nobody, and
            works until its end or until somebody revokes it here.{' '}
            <a className="link" href="/docs" target="_blank" rel="noreferrer">
              What the API can do
            </a>
          </p>
          <button type="button" className="btn btn--primary" disabled={!may} onClick={() => setOpen(true)}>
            <Plus className="i" aria-hidden="true" />
            New token
          </button>
        </div>
        {may ? (
          <List />
        ) : (
          <AdminsOnly title="Only an administrator sees tokens">
            A script of yours needs one? Ask an administrator for a token with the role it needs.
          </AdminsOnly>
        )}
      </div>
      {may && <NewTokenDialog open={open} onClose={() => setOpen(false)} />}
    </>
  )
}

function List() {
  const list = useInfiniteQuery(tokenList)
  if (list.data === undefined) {
    return list.isError ? (
      <Failure what="Could not load the tokens" error={list.error} onRetry={() => void list.refetch()} />
    ) : (
      <SkeletonLines lines={3} heightPx={56} />
    )
  }
  const tokens = list.data.pages.flatMap(({ items }) => items)
  if (tokens.length === 0) {
    return (
      <div className="panel">
        <Quietbox icon={<KeyRound className="i" aria-hidden="true" />} title="No token yet">
          <span>Make one, and a script reads values or sends commands with a single line of curl.</span>
        </Quietbox>
      </div>
    )
  }
  return (
    <section className="panel" aria-label="Tokens">
      <div className="peoplerow peoplerow--head tokenrow" aria-hidden="true">
        <span>Token</span>
        <span>Role</span>
        <span>Last used</span>
        <span>Works until</span>
      </div>
      <ul>
        {tokens.map((token) => (
          <TokenRow key={token.id} token={token} />
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
