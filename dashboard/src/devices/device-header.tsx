import { Link } from '@tanstack/react-router'
import type { Device } from '@telltale/api/contract'
import { ChevronLeft, ChevronRight } from 'lucide-react'
import { presenceWords } from '../presence/words.ts'
import { TopBar } from '../shell/top-bar.tsx'
import { CopyButton } from '../ui/copy.tsx'
import { formatAge, formatMoment } from '../ui/format.ts'
import { Lamp } from '../ui/lamp.tsx'
import { useNow } from '../use-live.ts'
import { useIsAlarmed } from './use-alarms.ts'

type DeviceHeaderProps = {
  deviceId: string
  device: Device | undefined
  /** It is no more: what is said of it was true before. */
  isGone: boolean
}

export function DeviceHeader({ deviceId, device, isGone }: DeviceHeaderProps) {
  return (
    <>
      <TopBar>
        <Link className="btn btn--quiet btn--icon only-phone" to="/" aria-label="Back to the fleet">
          <ChevronLeft className="i" aria-hidden="true" />
        </Link>
        <span className="crumb not-phone">
          <Link to="/">Fleet</Link>
          <ChevronRight className="i i--sm" aria-hidden="true" />
        </span>
        {device !== undefined && !isGone && <TitleLamp device={device} />}
        <h1 className="top__title cut" title={device?.name}>
          <bdi>{device?.name ?? deviceId}</bdi>
        </h1>
        {isGone && <span className="devmeta ink-bad">Deleted</span>}
        {device !== undefined && !isGone && <Meta device={device} place="not-phone" />}
      </TopBar>
      {device !== undefined && !isGone && <Meta device={device} place="only-phone" />}
    </>
  )
}

/** An alarm takes the lamp's place; presence is then in words beside it. */
function TitleLamp({ device }: { device: Device }) {
  const { shape } = presenceWords(device, 0)
  const isAlarmed = useIsAlarmed(device) && shape !== 'disabled'
  return (
    <span className="titlelamp">
      <Lamp shape={isAlarmed ? 'alarm' : shape} size="lg" />
      {isAlarmed && <span className="vh">Alarm</span>}
    </span>
  )
}

function Meta({ device, place }: { device: Device; place: 'not-phone' | 'only-phone' }) {
  const now = useNow()
  const { seenAt } = device.presence
  const { shape } = presenceWords(device, now)
  const isAlarmed = useIsAlarmed(device)
  return (
    <div className={`devmeta ${place}`}>
      <span className="ink-2">
        {isAlarmed && <Lamp shape={shape} />}
        {sentence(device, now)}
      </span>
      <span className="devmeta__id">
        <bdi>{device.id}</bdi>
        {place === 'not-phone' && <CopyButton text={device.id} label="Copy the id" />}
      </span>
      {place === 'only-phone' && seenAt !== null && (
        <span className="devmeta__seen">{formatAge(now - seenAt)} ago</span>
      )}
      {place === 'not-phone' && device.tags.length > 0 && <Tags tags={device.tags} />}
    </div>
  )
}

/** Each leads to the devices that have it. */
function Tags({ tags }: { tags: readonly string[] }) {
  return (
    <span className="devmeta__tags" title={tags.join(', ')}>
      {tags.map((tag) => (
        <Link key={tag} className="devmeta__tag" to="/" search={{ tag }}>
          <bdi>{tag}</bdi>
        </Link>
      ))}
    </span>
  )
}

function sentence(device: Device, now: number): string {
  const { state, note, shape } = presenceWords(device, now)
  const { since } = device.presence
  if (shape === 'online' && since !== null) return `Online since ${formatMoment(since, now)}`
  return note === ''
    ? state
    : shape === 'offline'
      ? `Offline since ${note}`
      : `${state}${shape === 'never' ? ',' : ''} ${note}`
}
