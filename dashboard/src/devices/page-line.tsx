import { Link } from '@tanstack/react-router'
import type { Device } from '@telltale/api/contract'
import type { ReactNode } from 'react'
import { type Clock, clockWords } from '../tiles/clock.ts'
import { useClock } from '../tiles/use-clock.ts'
import { formatClock, formatMoment, isSameDay } from '../ui/format.ts'
import { Lamp, type LampShape } from '../ui/lamp.tsx'
import { useNow } from '../use-live.ts'
import type { Alarm } from './troubles.ts'
import { useAlarms } from './use-alarms.ts'

/** More than this is said on the tiles. */
const alarmsSaidMax = 3

/** One line across the page, in words that say what is true; never two. */
export function PageLine({ device }: { device: Device }) {
  const alarms = useAlarms(device)
  const clock = useClock(device)
  const now = useNow()
  if (device.disabledAt !== null) {
    return (
      <Line tone="off" shape="disabled">
        <b>Disabled {formatMoment(Date.parse(device.disabledAt), now)}.</b> It is refused at the door and
        keeps what it has stored.
      </Line>
    )
  }
  if (alarms.length > 0) {
    return (
      <Line tone="bad" shape="alarm">
        <Alarms alarms={alarms} />
        {clock !== null && ` ${clockWords(clock)}`}
      </Line>
    )
  }
  return clock === null ? null : <ClockLine clock={clock} now={now} />
}

function Alarms({ alarms }: { alarms: readonly Alarm[] }) {
  const more = alarms.length - alarmsSaidMax
  return (
    <>
      {alarms.slice(0, alarmsSaidMax).map(({ metric, what, lasted }) => (
        <span key={metric}>
          <b role="status">
            <bdi>{what}</bdi>
          </b>{' '}
          {lasted}.{' '}
        </span>
      ))}
      {more > 0 && `And ${more} more.`}
    </>
  )
}

function ClockLine({ clock, now }: { clock: Clock; now: number }) {
  const { deviceTime, arrivedAt } = clock
  return (
    <Line tone="warn" shape="silent">
      <b role="status">{clockWords(clock)}</b> Device time{' '}
      {isSameDay(deviceTime, arrivedAt) ? formatClock(deviceTime) : formatMoment(deviceTime, now)}, arrived{' '}
      {formatClock(arrivedAt)}. Charts show the device’s time.
    </Line>
  )
}

/** It was deleted while this page showed it. */
export function GoneLine({ at }: { at: number }) {
  return (
    <div className="banner banner--bad" role="alert">
      <Lamp shape="offline" />
      <span>
        <b>This device has been deleted.</b> Below is what was shown at {formatClock(at)}.
      </span>
      <Link className="btn btn--sm" to="/">
        Go to the fleet
      </Link>
    </div>
  )
}

type LineProps = { tone: 'bad' | 'warn' | 'off'; shape: LampShape; children: ReactNode }

function Line({ tone, shape, children }: LineProps) {
  return (
    <div className={`banner banner--${tone} pageline`}>
      <Lamp shape={shape} />
      <span>{children}</span>
    </div>
  )
}
