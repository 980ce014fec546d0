import { useInfiniteQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import type { FleetProblem } from '@telltale/api/contract'
import { useMay } from '../session/session.ts'
import { Panel } from '../system/panel.tsx'
import { Lamp } from '../ui/lamp.tsx'
import { NeedsRole } from '../ui/locked.tsx'
import { Failure, Quietbox } from '../ui/states.tsx'
import { fleetProblems } from './diagnostics.ts'
import { ProblemItem } from './problem-item.tsx'

/** Of all clients, also of those whose name nobody registered. */
export function FleetProblems({ now }: { now: number }) {
  const may = useMay('admin')
  return (
    <Panel
      title="Connection problems"
      note={may ? 'of every client, known or not' : <NeedsRole needed="admin" />}
    >
      {may && <Newest now={now} />}
    </Panel>
  )
}

function Newest({ now }: { now: number }) {
  const list = useInfiniteQuery(fleetProblems)
  if (list.data === undefined) {
    return list.isError ? (
      <Failure
        what="Could not load the connection problems"
        error={list.error}
        onRetry={() => void list.refetch()}
      />
    ) : null
  }
  const problems = list.data.pages.flatMap(({ items }) => items)
  if (problems.length === 0) {
    return (
      <Quietbox icon={<Lamp shape="done" />} title="No connection problem is known">
        <span>Whoever is refused, cut off or slowed down is kept here for 30 days, with the reason.</span>
      </Quietbox>
    )
  }
  return (
    <>
      <ol className="problems">
        {problems.map((problem) => (
          <ProblemItem key={problem.id} problem={problem} now={now} who={<Who problem={problem} />} />
        ))}
      </ol>
      {list.hasNextPage && (
        <div className="system__more">
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
    </>
  )
}

function Who({ problem: { deviceId, registered } }: { problem: FleetProblem }) {
  if (deviceId === null) return <span className="ink-3">no user name</span>
  if (!registered) return <span className="problem__who strong">{deviceId}</span>
  return (
    <Link className="link" to="/devices/$deviceId" params={{ deviceId }} search={{ tab: 'presence' }}>
      {deviceId}
    </Link>
  )
}
