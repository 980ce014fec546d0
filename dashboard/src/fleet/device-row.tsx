import { Link } from '@tanstack/react-router'
import type { Device, DeviceType, Latest } from '@telltale/api/contract'
import { EllipsisVertical } from 'lucide-react'
import { type ChangeEvent, type MouseEvent, memo } from 'react'
import { presenceWords } from '../presence/words.ts'
import { metricLook } from '../types/look.ts'
import { formatAge, unknown } from '../ui/format.ts'
import { Lamp } from '../ui/lamp.tsx'
import { alarmOf } from './alarm.ts'
import { useTicking } from './clock.ts'
import { type Day, type Line, RowDay, RowSpark, Values } from './row-parts.tsx'

/** The same object at every render: a row that nothing has happened to is not drawn again. */
export type RowActions = {
  select: (id: string, isRange: boolean) => void
  openMenu: (id: string, button: HTMLElement) => void
  focus: (id: string) => void
}

export type DeviceRowProps = {
  id: string
  device: Device | undefined
  type: DeviceType | undefined
  latest: Latest['values'] | undefined
  line: Line | undefined
  day: Day | undefined
  isSelected: boolean
  /** The one row that the tab key leads to. */
  isTabbed: boolean
  place: number
  setSize: number
  topPx: number
  actions: RowActions
}

export const DeviceRow = memo(function DeviceRow(props: DeviceRowProps) {
  const { id, device, isSelected, isTabbed, place, setSize, topPx, actions } = props
  const classes = ['row', isSelected && 'is-selected', isStale(device) && 'is-stale']
  return (
    <li
      className={classes.filter(Boolean).join(' ')}
      data-id={id}
      aria-posinset={place}
      aria-setsize={setSize}
      style={{ transform: `translateY(${topPx}px)` }}
      onFocus={() => actions.focus(id)}
    >
      <RowCheck id={id} device={device} isSelected={isSelected} isTabbed={isTabbed} actions={actions} />
      {device === undefined ? <Unread id={id} isTabbed={isTabbed} /> : <Read {...props} device={device} />}
    </li>
  )
})

function isStale(device: Device | undefined): boolean {
  return device !== undefined && device.presence.status !== 'online'
}

type PartProps = Pick<DeviceRowProps, 'id' | 'isTabbed'>
type CheckProps = PartProps & Pick<DeviceRowProps, 'device' | 'isSelected' | 'actions'>

function RowCheck({ id, device, isSelected, isTabbed, actions }: CheckProps) {
  const press = (event: ChangeEvent<HTMLInputElement>) => {
    actions.select(id, (event.nativeEvent as Event & { shiftKey?: boolean }).shiftKey === true)
  }
  return (
    <label className="rowcheck">
      <input
        type="checkbox"
        className="tick"
        aria-label={`Select ${device?.name ?? id}`}
        tabIndex={isTabbed ? 0 : -1}
        checked={isSelected}
        onChange={press}
      />
    </label>
  )
}

/** Its place is kept; what is in it comes when the scrolling rests. */
function Unread({ id, isTabbed }: PartProps) {
  return (
    <div className="dev">
      <span className="lamp" />
      <Link
        className="dev__text"
        to="/devices/$deviceId"
        params={{ deviceId: id }}
        preload={false}
        tabIndex={isTabbed ? 0 : -1}
      >
        <span className="dev__name cut ink-3">{id}</span>
      </Link>
    </div>
  )
}

function Read({ device, type, latest, line, day, isTabbed, actions }: DeviceRowProps & { device: Device }) {
  const shown =
    latest &&
    Object.entries(latest).map(([metric, newest]) => ({ ...newest, metric, look: metricLook(type, metric) }))
  const alarm = isStale(device) || device.disabledAt !== null ? null : alarmOf(shown ?? [], line)
  const openMenu = (event: MouseEvent<HTMLElement>) => actions.openMenu(device.id, event.currentTarget)
  return (
    <>
      <div className="dev">
        <RowLamp device={device} isAlarm={alarm !== null} />
        <Link
          className="dev__text"
          to="/devices/$deviceId"
          params={{ deviceId: device.id }}
          preload={false}
          tabIndex={isTabbed ? 0 : -1}
        >
          <span className="dev__name cut">{device.name}</span>
          <span className="line2 cut">{[device.id, device.tags.join(', ')].filter(Boolean).join(' · ')}</span>
        </Link>
      </div>
      {alarm === null ? <State device={device} /> : <AlarmState words={alarm.words} note={alarm.note} />}
      <Values values={shown} />
      <RowSpark line={line} isAlarm={alarm !== null && alarm.metric === line?.metric} />
      <RowDay day={day} presence={device.presence} />
      <Seen seenAt={device.presence.seenAt} />
      <button
        type="button"
        className="btn btn--quiet btn--icon btn--sm rowmenu"
        aria-label={`More for ${device.name}`}
        aria-haspopup="menu"
        tabIndex={isTabbed ? 0 : -1}
        onClick={openMenu}
      >
        <EllipsisVertical className="i" aria-hidden="true" />
      </button>
    </>
  )
}

/** A new key restarts the glow: the lamp answers each arrival, at most once a second. */
function RowLamp({ device, isAlarm }: { device: Device; isAlarm: boolean }) {
  const { status, seenAt } = device.presence
  if (isAlarm) return <Lamp shape="alarm" />
  const { shape } = presenceWords(device, 0)
  const isLit = shape === 'online' && seenAt !== null
  return (
    <Lamp
      key={isLit ? Math.floor(seenAt / 1_000) : status}
      shape={shape}
      className={isLit && Date.now() - seenAt < glowMs ? 'is-fresh' : ''}
    />
  )
}

/** Later than this it is drawn for another reason than an arrival. Clocks of browsers differ: generous. */
const glowMs = 2_000

function State({ device }: { device: Device }) {
  const { state, tone } = presenceWords(device, 0)
  const note = useTicking((now) => presenceWords(device, now).note)
  const { seenAt, status } = device.presence
  const short = useTicking((now) =>
    status === 'online' && seenAt !== null
      ? `${formatAge(now - seenAt)} ago`
      : presenceWords(device, now).note,
  )
  return (
    <div className="state">
      <div className={tone}>{state}</div>
      <div className="line2 cut not-phone">{note}</div>
      <div className="line2 cut only-phone">{short}</div>
    </div>
  )
}

function AlarmState({ words, note }: { words: string; note: (now: number) => string }) {
  return (
    <div className="state">
      <div className="ink-bad strong cut">{words}</div>
      <div className="line2 cut">{useTicking(note)}</div>
    </div>
  )
}

function Seen({ seenAt }: { seenAt: number | null }) {
  return (
    <div className="seen">{useTicking((now) => (seenAt === null ? unknown : formatAge(now - seenAt)))}</div>
  )
}
