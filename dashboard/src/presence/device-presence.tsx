import './presence.css'
import { queryOptions, useQuery } from '@tanstack/react-query'
import type { Device, PresenceHistory } from '@telltale/api/contract'
import { get } from '../api.ts'
import { DeviceProblems } from '../diagnostics/device-problems.tsx'
import { formatClockShort, formatDuration, formatMoment } from '../ui/format.ts'
import { Lamp } from '../ui/lamp.tsx'
import { Failure, Quietbox, SkeletonLines } from '../ui/states.tsx'
import { useLiveEvents, useNow } from '../use-live.ts'
import { formatUptime, type Hour, hours, uptimePercent } from './day.ts'
import { reasonWords } from './words.ts'

const presenceOfDay = (deviceId: string) =>
  queryOptions({
    queryKey: ['presence', deviceId],
    queryFn: ({ signal }) =>
      get<PresenceHistory>(`/devices/${deviceId}/presence`, { from: 'now-24h', to: 'now' }, signal),
    refetchInterval: 60_000,
  })

/** The problems also where the history fails to load, and the other way round. */
export function DevicePresence({ device }: { device: Device }) {
  return (
    <>
      <History device={device} />
      <DeviceProblems deviceId={device.id} />
    </>
  )
}

function History({ device }: { device: Device }) {
  const history = useQuery(presenceOfDay(device.id))
  useLiveEvents((event) => {
    if (event.type === 'presence' && event.data.deviceId === device.id) void history.refetch()
  })
  if (history.isPending) return <SkeletonLines lines={3} />
  if (history.data === undefined) {
    return (
      <Failure
        what="Could not load the presence"
        error={history.error}
        onRetry={() => void history.refetch()}
      />
    )
  }
  return (
    <>
      <Day history={history.data} createdAt={Date.parse(device.createdAt)} />
      <Sessions history={history.data} />
    </>
  )
}

const bars = 24

function Day({ history, createdAt }: { history: PresenceHistory; createdAt: number }) {
  const day = hours(history, bars, createdAt)
  const uptime = formatUptime(uptimePercent(history, createdAt))
  return (
    <section className="panel" aria-labelledby="day">
      <div className="panel__head">
        <h2 className="panel__title" id="day">
          Last 24 hours
        </h2>
        <span className="presence__uptime">
          <b>{uptime} %</b> <span className="ink-3">connected</span>
        </span>
      </div>
      <div className="panel__body">
        <div className="day" role="img" aria-label={`Connected ${uptime} % of the last 24 hours`}>
          {day.map((hour) => (
            <span key={hour.from} className="day__hour" title={hourWords(hour)}>
              <HourBar hour={hour} />
            </span>
          ))}
        </div>
        <div className="day__axis" aria-hidden="true">
          <span>{formatClockShort(history.from)}</span>
          <span>{formatClockShort((history.from + history.to) / 2)}</span>
          <span>now</span>
        </div>
      </div>
    </section>
  )
}

function HourBar({ hour }: { hour: Hour }) {
  if (!hour.known) return <i className="day__none" />
  const missing = 1 - hour.connectedShare
  return (
    <>
      <i className="day__ok" />
      {missing > 0.0005 && <i className="day__bad" style={{ height: `max(4px, ${missing * 100}%)` }} />}
    </>
  )
}

function hourWords({ from, to, connectedShare, known }: Hour): string {
  const span = `${formatClockShort(from)} to ${formatClockShort(to)}`
  return known ? `${span}: connected ${formatUptime(connectedShare * 100)} %` : `${span}: not registered yet`
}

function Sessions({ history }: { history: PresenceHistory }) {
  const now = useNow()
  const newestFirst = history.sessions.toSorted((a, b) => b.connectedAt.localeCompare(a.connectedAt))
  return (
    <section className="panel" aria-labelledby="sessions">
      <div className="panel__head">
        <h2 className="panel__title" id="sessions">
          Connections
        </h2>
        {history.truncated && <span className="ink-3">older ones are left out</span>}
      </div>
      {newestFirst.length === 0 ? (
        <Quietbox title="Not connected in the last 24 hours">
          <span>Each connection is listed here with how long it lasted and why it ended.</span>
        </Quietbox>
      ) : (
        // biome-ignore lint/a11y/noNoninteractiveTabindex: it scrolls sideways on a phone
        <section className="scroll-x" tabIndex={0} aria-label="Table of connections">
          <table className="table">
            <thead>
              <tr>
                <th>Connected</th>
                <th>Ended</th>
                <th className="r">Lasted</th>
                <th>From</th>
              </tr>
            </thead>
            <tbody>
              {newestFirst.map((session) => (
                <tr key={session.connectedAt}>
                  <td>{formatMoment(Date.parse(session.connectedAt), now)}</td>
                  <td>
                    <Ending session={session} now={now} />
                  </td>
                  <td className="r">{formatDuration(lasted(session, now))}</td>
                  <td className="mono ink-2">{session.address ?? '–'}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </section>
      )}
    </section>
  )
}

type Session = PresenceHistory['sessions'][number]

/** A running session's duration grows on the screen; an ended one is what the platform recorded. */
function lasted(session: Session, now: number): number {
  return session.disconnectedAt === null ? now - Date.parse(session.connectedAt) : session.durationMs
}

function Ending({ session, now }: { session: Session; now: number }) {
  if (session.disconnectedAt === null) {
    return (
      <span className="iconline">
        <Lamp shape="online" />
        still connected
      </span>
    )
  }
  const reason = session.reason === null ? '' : `, ${reasonWords(session.reason)}`
  return `${formatMoment(Date.parse(session.disconnectedAt), now)}${reason}`
}
