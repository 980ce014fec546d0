import '../telemetry/bands.css'
import './event-lane.css'
import { Popover } from '@mantine/core'
import { useQueries } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import type { Device } from '@telltale/api/contract'
import {
  type CSSProperties,
  memo,
  type PointerEvent,
  useCallback,
  useEffect,
  useMemo,
  useRef,
  useState,
  useSyncExternalStore,
} from 'react'
import { oneDevice } from '../devices/devices.ts'
import { formatDay, formatMoment, formatRange } from '../ui/format.ts'
import { Lamp } from '../ui/lamp.tsx'
import { useSize } from '../ui/use-size.ts'
import { useZone } from '../ui/zone.ts'
import { useLive } from '../use-live.ts'
import { type EventMark, gravest, groupMarks, type MarkGroup } from './event-marks.ts'
import { useFrame, useShown } from './time-frame.tsx'
import { type Events, useEvents } from './use-events.ts'

/** The width of a mark with a count, so that none covers another. */
const markPx = 32
const listedMax = 50

type Names = ReadonlyMap<string, string>

/** What was done to these devices and when they came and went, on the time axis of the charts. */
export function EventLane({ deviceIds }: { deviceIds: readonly string[] }) {
  const { range } = useFrame()
  const events = useEvents(deviceIds, range)
  const names = useNames(deviceIds)
  return (
    <section className="panel bands eventlane" aria-label="Events">
      <Row events={events} names={names} />
    </section>
  )
}

/** Of one device the page says which; of several each mark does. */
function useNames(deviceIds: readonly string[]): Names | null {
  const asked = deviceIds.length > 1 ? deviceIds : []
  const names = useQueries({
    // A device is another object with each reading, its name is not.
    queries: asked.map((id) => ({ ...oneDevice(id), select: ({ name }: Device) => name })),
  })
  const key = JSON.stringify(asked.map((id, index) => [id, names[index]?.data ?? id]))
  return useMemo(() => {
    const known = JSON.parse(key) as [string, string][]
    return known.length === 0 ? null : new Map(known)
  }, [key])
}

function Row({ events, names }: { events: Events; names: Names | null }) {
  const { ref, width } = useSize()
  const { frame } = useFrame()
  const { from, to } = useShown()
  const zone = useZone()
  const { marks } = events
  const roomMs = Math.round((markPx * (to - from)) / Math.max(width, markPx))
  const groups = useMemo(() => groupMarks(marks, roomMs), [marks, roomMs])
  // What the words of a mark are said in.
  const today = `${formatDay(frame.now())} ${zone}`
  const shown = groups.filter((group) => group.t >= from && group.t <= to)
  const point = (event: PointerEvent<HTMLElement>) => {
    const { left, width: widthNow } = event.currentTarget.getBoundingClientRect()
    const share = (event.clientX - left) / widthNow
    if (event.pointerType === 'mouse')
      frame.crosshair.set(share < 0 || share > 1 ? null : from + share * (to - from))
  }
  // What is under the pointer, or explained in a popover, does not slide away.
  const openCount = useRef(0)
  const byMouse = (isOver: boolean) => (event: PointerEvent) => {
    if (event.pointerType !== 'mouse') return
    if (!isOver) frame.crosshair.set(null)
    if (isOver || openCount.current === 0) frame.hover(isOver)
  }
  const hold = useCallback(
    (opened: boolean) => {
      openCount.current += opened ? 1 : -1
      frame.hover(openCount.current > 0)
    },
    [frame],
  )
  return (
    <div
      ref={ref}
      className="bandrow eventrow"
      onPointerEnter={byMouse(true)}
      onPointerMove={point}
      onPointerLeave={byMouse(false)}
    >
      <span className="bandrow__name">Events</span>
      <Unknown events={events} from={from} to={to} />
      <ul className="eventrow__marks" aria-label="Events, oldest first">
        {shown.map((group) => (
          <li key={group.marks[0]?.key} style={placeAt(group.t, from, to)}>
            <Mark {...{ group, names, today, side: sideOf(group.t, from, to) }} onOpened={hold} />
          </li>
        ))}
      </ul>
      {shown.length === 0 && <Nothing events={events} />}
      <CrosshairLine from={from} to={to} />
    </div>
  )
}

function placeAt(t: number, from: number, to: number): CSSProperties {
  return { left: `${((t - from) / (to - from)) * 100}%` }
}

function Nothing({ events }: { events: Events }) {
  if (events.error !== null) {
    return (
      <span className="eventrow__note" role="alert">
        Could not load the events.{' '}
        <button type="button" className="link" onClick={events.retry}>
          Try again
        </button>
      </span>
    )
  }
  return events.isPending ? null : <span className="eventrow__note">none in this range</span>
}

/** Where there were more events than are listed, the older part is hatched instead of looking calm. */
function Unknown({ events, from, to }: { events: Events; from: number; to: number }) {
  const { knownSince } = events
  if (knownSince === null || knownSince <= from) return null
  const words = 'More happened here than can be listed: choose a shorter range'
  return (
    <span
      className="band band--none"
      style={{ left: 0, width: `${Math.min(1, (knownSince - from) / (to - from)) * 100}%` }}
      title={words}
    >
      <span className="vh">{words}</span>
    </span>
  )
}

/** Words at an end of the lane stay within it. */
function sideOf(t: number, from: number, to: number): 'left' | 'middle' | 'right' {
  const share = (t - from) / (to - from)
  return share < 0.25 ? 'left' : share > 0.75 ? 'right' : 'middle'
}

type MarkProps = {
  group: MarkGroup
  names: Names | null
  /** The day and the zone: on another one its words are others. */
  today: string
  side: 'left' | 'middle' | 'right'
  onOpened: (opened: boolean) => void
}

/** Its place moves with time, it does not: a popover is nothing to render four times a second. */
const Mark = memo(function Mark({ group, names, side, onOpened }: MarkProps) {
  const [opened, setOpened] = useState(false)
  // Also when it goes while it is open.
  useEffect(() => {
    if (!opened) return
    onOpened(true)
    return () => onOpened(false)
  }, [opened, onOpened])
  const live = useLive()
  const shown = gravest(group)
  if (shown === undefined) return null
  const count = group.marks.length
  const words = groupWords(group, names, live.serverNow())
  return (
    <Popover opened={opened} onChange={setOpened} position="bottom" trapFocus returnFocus>
      <Popover.Target>
        <button
          type="button"
          className={count > 1 ? 'mk mk--many' : 'mk'}
          aria-label={words}
          data-words={words}
          data-side={side}
          onClick={() => setOpened((open) => !open)}
        >
          <Lamp shape={shown.shape} tone={shown.tone} />
          {count > 1 && <span>{count > 99 ? '99+' : count}</span>}
        </button>
      </Popover.Target>
      <Popover.Dropdown className="eventpop">
        <ol>
          {group.marks.slice(0, listedMax).map((mark) => (
            <li key={mark.key}>
              <EventLine mark={mark} names={names} />
            </li>
          ))}
        </ol>
        {count > listedMax && <p className="ink-3">and {count - listedMax} more</p>}
      </Popover.Dropdown>
    </Popover>
  )
})

function EventLine({ mark, names }: { mark: EventMark; names: Names | null }) {
  const live = useLive()
  return (
    <Link
      className="eventpop__line"
      to="/devices/$deviceId"
      params={{ deviceId: mark.deviceId }}
      search={{ tab: mark.tab }}
    >
      <Lamp shape={mark.shape} tone={mark.tone} />
      <time>{formatMoment(mark.t, live.serverNow())}</time>
      <span className="cut">{sentence(mark, names)}</span>
    </Link>
  )
}

function sentence(mark: EventMark, names: Names | null): string {
  return names === null ? mark.words : `${names.get(mark.deviceId) ?? mark.deviceId}: ${mark.words}`
}

function groupWords({ t, marks }: MarkGroup, names: Names | null, now: number): string {
  const [first] = marks
  const last = marks.at(-1)
  if (first === undefined || last === undefined) return ''
  if (marks.length === 1) return `${formatMoment(t, now)} ${sentence(first, names)}`
  return `${marks.length} events, ${formatRange(t, last.t, now)}`
}

function CrosshairLine({ from, to }: { from: number; to: number }) {
  const { crosshair } = useFrame().frame
  const t = useSyncExternalStore(crosshair.subscribe, crosshair.get)
  return t === null || t < from || t > to ? null : <span className="cross" style={placeAt(t, from, to)} />
}
