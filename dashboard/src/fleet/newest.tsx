import { useQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import type { FleetAlarms, LiveEvent } from '@telltale/api/contract'
import { useState } from 'react'
import { oneDevice } from '../devices/devices.ts'
import { metricLook, troubleOf } from '../types/look.ts'
import { typeList } from '../types/types.ts'
import { formatAge, formatCount } from '../ui/format.ts'
import { Lamp } from '../ui/lamp.tsx'
import { useLiveEvents, useNow } from '../use-live.ts'
import { fleetAlarms } from './fleet-queries.ts'

const shown = 2

type Rejection = Extract<LiveEvent, { type: 'rejected' }>['data'] & { key: number }
type Alarm = FleetAlarms['items'][number]

/** Alarms there are, and messages rejected since this page was opened; a device's own page has all of them. */
export function Newest() {
  const now = useNow()
  const answer = useQuery(fleetAlarms)
  const alarms = answer.data
  const rejections = useRejections()
  const items = [
    ...(alarms?.items ?? []).map((alarm) => ({ at: alarm.since ?? 0, alarm })),
    ...rejections.map((rejection) => ({ at: rejection.receivedAt, rejection })),
  ].sort((a, b) => b.at - a.at)
  return (
    <section className="newest" aria-label="Newest alarms and rejected messages">
      {alarms === undefined && answer.isError && (
        <span className="newest__item ink-2">
          Alarms could not be loaded.
          <button type="button" className="link" onClick={() => void answer.refetch()}>
            Try again
          </button>
        </span>
      )}
      {alarms !== undefined && items.length === 0 && (
        <span className="newest__item ink-3">
          No alarm, and no message rejected since you opened this page.
        </span>
      )}
      {items
        .slice(0, shown)
        .map((item) =>
          'alarm' in item ? (
            <AlarmItem
              key={`${item.alarm.deviceId} ${item.alarm.metric}`}
              alarm={item.alarm}
              now={now}
              others={alarms === undefined ? 0 : alarms.count - 1}
            />
          ) : (
            <RejectionItem key={item.rejection.key} rejection={item.rejection} now={now} />
          ),
        )}
    </section>
  )
}

function useRejections(): Rejection[] {
  const [rejections, setRejections] = useState<Rejection[]>([])
  useLiveEvents((event) => {
    if (event.type !== 'rejected') return
    const newest = { ...event.data, key: Math.random() }
    setRejections((old) => [newest, ...old].slice(0, shown))
  })
  return rejections
}

type AlarmItemProps = { alarm: Alarm; now: number; others: number }

function AlarmItem({ alarm, now, others }: AlarmItemProps) {
  const type = useQuery(typeList).data?.find(({ name }) => name === alarm.type)
  const look = metricLook(type, alarm.metric)
  const words = troubleOf(alarm.value, look)?.words ?? 'alarm'
  return (
    <Link
      className="newest__item"
      to="/devices/$deviceId"
      params={{ deviceId: alarm.deviceId }}
      title={others > 0 ? `${formatCount(others + 1)} alarms in all` : undefined}
    >
      <Lamp shape="alarm" />
      <span className="cut">
        <span className="strong">{alarm.name}</span>{' '}
        <span className="ink-2">
          {look.label.toLowerCase()} {words}
        </span>
      </span>
      {alarm.since !== null && <time>{formatAge(now - alarm.since)}</time>}
    </Link>
  )
}

function RejectionItem({
  rejection: { deviceId, reason, receivedAt },
  now,
}: {
  rejection: Rejection
  now: number
}) {
  const name = useQuery(oneDevice(deviceId)).data?.name ?? deviceId
  return (
    <Link className="newest__item" to="/devices/$deviceId" params={{ deviceId }} search={{ tab: 'rejected' }}>
      <Lamp shape="fail" tone="warn" />
      <span className="cut">
        <span className="strong">{name}</span> <span className="ink-2">rejected: {reason}</span>
      </span>
      <time>{formatAge(now - receivedAt)}</time>
    </Link>
  )
}
