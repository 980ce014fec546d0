import './presence.css'
import { useQuery, useQueryClient } from '@tanstack/react-query'
import type { Device, PresenceHistory } from '@telltale/api/contract'
import { useState } from 'react'
import { DeviceProblems } from '../diagnostics/device-problems.tsx'
import { formatClockShort, formatMoment } from '../ui/format.ts'
import { Failure, SkeletonLines } from '../ui/states.tsx'
import { useLiveEvents, useNow } from '../use-live.ts'
import { formatUptime, type Hour, hours, uptimePercent } from './day.ts'
import { presenceOf, type Span, spans } from './history.ts'
import { Sessions } from './sessions.tsx'

/** The problems also where the history fails to load, and the other way round. */
export function DevicePresence({ device }: { device: Device }) {
  useFollow(device.id)
  return (
    <>
      <Uptime device={device} />
      <Sessions device={device} />
      <DeviceProblems deviceId={device.id} />
    </>
  )
}

function useFollow(deviceId: string): void {
  const queryClient = useQueryClient()
  useLiveEvents((event) => {
    if (event.type !== 'presence' || event.data.deviceId !== deviceId) return
    void queryClient.invalidateQueries({ queryKey: ['presence', deviceId] })
    void queryClient.invalidateQueries({ queryKey: ['diagnostics', deviceId] })
  })
}

function Uptime({ device }: { device: Device }) {
  const [chosen, setChosen] = useState<Span>(spans[0])
  const history = useQuery(presenceOf(device.id, chosen))
  const createdAt = Date.parse(device.createdAt)
  return (
    <section className="panel" aria-labelledby="uptime">
      <div className="panel__head presence__head">
        <h2 className="panel__title" id="uptime">
          Connected
        </h2>
        <fieldset className="seg seg--sm presence__spans">
          <legend className="vh">Time connected</legend>
          {spans.map((span) => (
            <button
              key={span.label}
              type="button"
              className={span === chosen ? 'is-active' : ''}
              aria-pressed={span === chosen}
              onClick={() => setChosen(span)}
            >
              {span.label}
              <Share device={device} span={span} />
            </button>
          ))}
        </fieldset>
      </div>
      <div className="panel__body">
        {history.data !== undefined ? (
          <Bars history={history.data} bars={chosen.bars} createdAt={createdAt} />
        ) : history.isError ? (
          <Failure
            what="Could not load the presence"
            error={history.error}
            onRetry={() => void history.refetch()}
          />
        ) : (
          <SkeletonLines lines={1} heightPx={72} />
        )}
      </div>
    </section>
  )
}

/** Beside its name, so that all three are read at once. */
function Share({ device, span }: { device: Device; span: Span }) {
  const history = useQuery(presenceOf(device.id, span)).data
  const createdAt = Date.parse(device.createdAt)
  return <b>{history === undefined ? '–' : `${formatUptime(uptimePercent(history, createdAt))} %`}</b>
}

type BarsProps = { history: PresenceHistory; bars: number; createdAt: number }

function Bars({ history, bars, createdAt }: BarsProps) {
  const now = useNow(60_000)
  const [pointed, setPointed] = useState<number | null>(null)
  const all = hours(history, bars, createdAt)
  const uptime = formatUptime(uptimePercent(history, createdAt))
  const shown = pointed === null ? undefined : all[pointed]
  const moment = bars === 24 ? formatClockShort : (time: number) => formatMoment(time, now)
  return (
    <>
      <div
        className="day"
        style={{ gridTemplateColumns: `repeat(${bars}, 1fr)` }}
        role="img"
        aria-label={`Connected ${uptime} % of this time`}
        onPointerLeave={() => setPointed(null)}
      >
        {all.map((hour, index) => (
          <span
            key={hour.from}
            className={index === pointed ? 'day__hour is-pointed' : 'day__hour'}
            onPointerEnter={() => setPointed(index)}
            onPointerDown={() => setPointed(index)}
          >
            <HourBar hour={hour} />
          </span>
        ))}
      </div>
      <div className="day__axis" aria-hidden="true">
        {shown !== undefined ? (
          <span className="ink-2">{hourWords(shown, moment)}</span>
        ) : (
          <>
            <span>{moment(history.from)}</span>
            <span>now</span>
          </>
        )}
      </div>
      {history.truncated && (
        <p className="ink-3 presence__note">
          It connected more often than can be shown here; the percentage counts all of it.
        </p>
      )}
    </>
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

function hourWords({ from, to, connectedShare, known }: Hour, moment: (time: number) => string): string {
  const span = `${moment(from)} to ${moment(to)}`
  return known ? `${span}: connected ${formatUptime(connectedShare * 100)} %` : `${span}: not registered yet`
}
