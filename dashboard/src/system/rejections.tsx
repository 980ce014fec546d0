import { useQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import type { RejectedSummary } from '@telltale/api/contract'
import { formatAgo, formatCount } from '../ui/format.ts'
import { Lamp } from '../ui/lamp.tsx'
import { Failure, Quietbox, SkeletonLines } from '../ui/states.tsx'
import { rejectedSummary } from './now.ts'
import { Panel } from './panel.tsx'

/** Why messages were rejected, of all devices together. */
export function Rejections({ now }: { now: number }) {
  const query = useQuery(rejectedSummary)
  const { data } = query
  return (
    <Panel title="Rejected messages" note={data === undefined ? 'last 24 h' : noteOf(data)}>
      {data !== undefined ? (
        <Kinds summary={data} now={now} />
      ) : query.isError ? (
        <Failure
          what="Could not load why messages were rejected"
          error={query.error}
          onRetry={() => void query.refetch()}
        />
      ) : (
        <div className="panel__body">
          <SkeletonLines lines={3} />
        </div>
      )}
    </Panel>
  )
}

function noteOf({ total, isCapped }: RejectedSummary): string {
  return `${formatCount(total)}${isCapped ? '+' : ''} in the last 24 h, acknowledged and kept with the reason`
}

function Kinds({ summary: { kinds }, now }: { summary: RejectedSummary; now: number }) {
  const most = Math.max(1, ...kinds.map(({ count }) => count))
  if (kinds.length === 0) {
    return (
      <Quietbox icon={<Lamp shape="done" />} title="Nothing was rejected in the last 24 hours">
        <span>A message that cannot be read is acknowledged, kept with the reason, and counted here.</span>
      </Quietbox>
    )
  }
  return (
    <table className="table rejections">
      <thead>
        <tr>
          <th>Reason</th>
          <th className="r">Messages</th>
          <th className="not-phone">
            <span className="vh">Share</span>
          </th>
          <th className="not-phone">Mostly from</th>
          <th className="r">Newest</th>
        </tr>
      </thead>
      <tbody>
        {kinds.map(({ kind, count, newestAt, devices, mostlyFrom, example }) => (
          <tr key={kind}>
            <td title={example}>{kind}</td>
            <td className="r strong">{formatCount(count)}</td>
            <td className="not-phone rejections__bar" aria-hidden="true">
              <i style={{ width: `${Math.max(3, (count / most) * 100)}%` }} />
            </td>
            <td className="not-phone">
              <Link to="/devices/$deviceId" params={{ deviceId: mostlyFrom.id }} search={{ tab: 'rejected' }}>
                {mostlyFrom.name}
              </Link>
              {devices > 1 && <span className="ink-3"> and {formatCount(devices - 1)} more</span>}
            </td>
            <td className="r ink-3">{formatAgo(newestAt, now)}</td>
          </tr>
        ))}
      </tbody>
    </table>
  )
}
