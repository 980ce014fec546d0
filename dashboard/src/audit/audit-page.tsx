import '../users/users.css'
import './audit.css'
import { useInfiniteQuery } from '@tanstack/react-query'
import { Link, useSearch } from '@tanstack/react-router'
import { RotateCw, ScrollText } from 'lucide-react'
import { useMay } from '../session/session.ts'
import { TopBar } from '../shell/top-bar.tsx'
import { CopyButton } from '../ui/copy.tsx'
import { formatCount } from '../ui/format.ts'
import { Failure, Quietbox, SkeletonLines } from '../ui/states.tsx'
import { useNow } from '../use-live.ts'
import { AdminsOnly } from '../users/admins-only.tsx'
import { auditList } from './audit.ts'
import { AuditFilter } from './audit-filter.tsx'
import { AuditRow } from './audit-row.tsx'
import type { AuditSearch } from './search.ts'
import { toCsv } from './words.ts'

export function AuditPage() {
  const may = useMay('admin')
  const search = useSearch({ from: '/shell/audit' })
  return (
    <>
      <title>Audit log · Telltale</title>
      <TopBar>
        <h1 className="top__title">Audit log</h1>
      </TopBar>
      <div className="page">
        <div className="peoplehead">
          <p className="ink-2">
            Who did what, and from where: sign-ins, changes and commands. Entries are only ever added. What
            has been deleted keeps its name here.
          </p>
        </div>
        {may ? (
          <>
            <AuditFilter search={search} />
            <Entries search={search} />
          </>
        ) : (
          <AdminsOnly title="Only an administrator sees the audit log">
            It names people and the addresses they came from.
          </AdminsOnly>
        )}
      </div>
    </>
  )
}

function Entries({ search }: { search: AuditSearch }) {
  const list = useInfiniteQuery(auditList(search))
  const now = useNow()
  if (list.data === undefined) {
    return list.isError ? (
      <Failure what="Could not load the audit log" error={list.error} onRetry={() => void list.refetch()} />
    ) : (
      <SkeletonLines lines={8} heightPx={40} />
    )
  }
  const entries = list.data.pages.flatMap(({ items }) => items)
  if (entries.length === 0) return <Nothing filtered={Object.keys(search).length > 0} />
  return (
    <section className="panel" aria-label="Entries">
      <div className="panel__head">
        <span className="ink-2 num" role="status">
          {formatCount(entries.length)}
          {list.hasNextPage ? ' newest entries' : entries.length === 1 ? ' entry' : ' entries'}
        </span>
        <span className="auditfilter__end">
          <button
            type="button"
            className="btn btn--sm"
            disabled={list.isFetching}
            onClick={() => void list.refetch()}
          >
            <RotateCw className="i i--sm" aria-hidden="true" />
            Refresh
          </button>
          <CopyButton text={toCsv(entries)} label="Copy as CSV what is shown">
            Copy as CSV
          </CopyButton>
        </span>
      </div>
      {list.isError && <Failure what="Could not refresh" error={list.error} />}
      <div className="auditrow__line auditrow__line--head" aria-hidden="true">
        <span>When</span>
        <span>Who</span>
        <span>What</span>
        <span>From</span>
      </div>
      <ul>
        {entries.map((entry) => (
          <AuditRow key={entry.id} entry={entry} now={now} />
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
            Show older
          </button>
        </div>
      )}
    </section>
  )
}

function Nothing({ filtered }: { filtered: boolean }) {
  return (
    <div className="panel">
      <Quietbox
        icon={<ScrollText className="i" aria-hidden="true" />}
        title={filtered ? 'No entry matches' : 'No entry yet'}
      >
        {filtered && (
          <Link className="btn btn--sm" to="/audit" search={{}}>
            Remove the filter
          </Link>
        )}
      </Quietbox>
    </div>
  )
}
