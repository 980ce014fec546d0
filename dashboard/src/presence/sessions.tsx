import { useInfiniteQuery } from '@tanstack/react-query'
import type { Device } from '@telltale/api/contract'
import { useState } from 'react'
import { formatDuration, formatExact, formatMoment } from '../ui/format.ts'
import { Lamp } from '../ui/lamp.tsx'
import { Failure, Quietbox, SkeletonLines } from '../ui/states.tsx'
import { useNow } from '../use-live.ts'
import { allSessions, type Session, sessionsOf } from './history.ts'
import { reasonWords } from './words.ts'

/** A device that flaps has thousands: they come in handfuls. */
const rowsStep = 50

export function Sessions({ device }: { device: Device }) {
  const list = useInfiniteQuery(sessionsOf(device.id, Date.parse(device.createdAt)))
  const [rowsMax, setRowsMax] = useState(rowsStep)
  const sessions = allSessions(list.data?.pages ?? [])
  const more = () => {
    setRowsMax(rowsMax + rowsStep)
    if (rowsMax >= sessions.length - rowsStep && list.hasNextPage) void list.fetchNextPage()
  }
  return (
    <section className="panel" aria-labelledby="sessions">
      <div className="panel__head">
        <h2 className="panel__title" id="sessions">
          Connections
        </h2>
      </div>
      {list.data === undefined ? (
        list.isError ? (
          <Failure
            what="Could not load the connections"
            error={list.error}
            onRetry={() => void list.refetch()}
          />
        ) : (
          <div className="panel__body">
            <SkeletonLines lines={2} />
          </div>
        )
      ) : sessions.length === 0 ? (
        <Quietbox title={`Not connected since ${oldestWords(list.data.pages)}`}>
          <span>Each connection is listed here with how long it lasted and why it ended.</span>
        </Quietbox>
      ) : (
        <Table sessions={sessions.slice(0, rowsMax)} />
      )}
      {(list.hasNextPage || sessions.length > rowsMax) && (
        <div className="presence__more">
          <button type="button" className="btn btn--sm" disabled={list.isFetchingNextPage} onClick={more}>
            Show older
          </button>
        </div>
      )}
    </section>
  )
}

function oldestWords(pages: readonly { from: number }[]): string {
  return formatExact(Math.min(...pages.map(({ from }) => from)))
}

function Table({ sessions }: { sessions: readonly Session[] }) {
  const now = useNow()
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: it scrolls sideways on a phone
    <section className="scroll-x" tabIndex={0} aria-label="Table of connections">
      <table className="table sessions">
        <thead>
          <tr>
            <th>Connected</th>
            <th>Ended</th>
            <th>Why</th>
            <th className="r">Lasted</th>
            <th>From</th>
          </tr>
        </thead>
        <tbody>
          {sessions.map((session) => (
            <Row key={session.connectedAt} session={session} now={now} />
          ))}
        </tbody>
      </table>
    </section>
  )
}

function Row({ session, now }: { session: Session; now: number }) {
  const { connectedAt, disconnectedAt, reason, address } = session
  const ended = disconnectedAt === null ? null : Date.parse(disconnectedAt)
  return (
    <tr>
      <td title={formatExact(Date.parse(connectedAt))}>{formatMoment(Date.parse(connectedAt), now)}</td>
      {ended === null ? (
        <td className="sessions__why" colSpan={2}>
          <span className="iconline">
            <Lamp shape="online" />
            still connected
          </span>
        </td>
      ) : (
        <>
          <td className="sessions__end" title={formatExact(ended)}>
            {formatMoment(ended, now)}
          </td>
          <td className="sessions__why">{reason === null ? '–' : reasonWords(reason)}</td>
        </>
      )}
      <td className="r">{formatDuration(lasted(session, now))}</td>
      <td className="sessions__from mono ink-2">{address ?? '–'}</td>
    </tr>
  )
}

/** A running session's duration grows on the screen; an ended one is what the platform recorded. */
function lasted(session: Session, now: number): number {
  return session.disconnectedAt === null ? now - Date.parse(session.connectedAt) : session.durationMs
}
