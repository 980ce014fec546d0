import { Link } from '@tanstack/react-router'
import type { Device } from '@telltale/api/contract'
import { ChevronLeft, ChevronRight } from 'lucide-react'
import { presenceWords } from '../presence/words.ts'
import { TopBar } from '../shell/top-bar.tsx'
import { CopyButton } from '../ui/copy.tsx'
import { formatAge, formatMoment } from '../ui/format.ts'
import { Lamp } from '../ui/lamp.tsx'
import { useNow } from '../use-live.ts'

export function DeviceHeader({ deviceId, device }: { deviceId: string; device: Device | undefined }) {
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
        {device !== undefined && <TitleLamp device={device} />}
        <h1 className="top__title cut">{device?.name ?? deviceId}</h1>
        {device !== undefined && <Meta device={device} place="not-phone" />}
      </TopBar>
      {device !== undefined && <Meta device={device} place="only-phone" />}
    </>
  )
}

function TitleLamp({ device }: { device: Device }) {
  return (
    <span className="titlelamp">
      <Lamp shape={presenceWords(device, 0).shape} size="lg" />
    </span>
  )
}

function Meta({ device, place }: { device: Device; place: 'not-phone' | 'only-phone' }) {
  const now = useNow()
  const { seenAt } = device.presence
  return (
    <div className={`devmeta ${place}`}>
      <span className="ink-2">{sentence(device, now)}</span>
      <span>
        {device.id}
        {place === 'not-phone' && <CopyButton text={device.id} label="Copy the id" />}
      </span>
      {place === 'only-phone' && seenAt !== null && <span>{formatAge(now - seenAt)} ago</span>}
      {place === 'not-phone' && device.tags.length > 0 && (
        <span className="devmeta__tags">{device.tags.join(', ')}</span>
      )}
    </div>
  )
}

function sentence(device: Device, now: number): string {
  const { state, note, shape } = presenceWords(device, now)
  const { since } = device.presence
  if (shape === 'online' && since !== null) return `Online since ${formatMoment(since, now)}`
  return note === '' ? state : shape === 'offline' ? `Offline since ${note}` : `${state} ${note}`
}
