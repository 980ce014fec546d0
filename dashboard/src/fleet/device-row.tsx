import { Link } from '@tanstack/react-router'
import type { Device, DeviceType, Latest } from '@telltale/api/contract'
import { presenceWords } from '../presence/words.ts'
import { formatLook, metricLook } from '../types/look.ts'
import { formatAge, unknown } from '../ui/format.ts'
import { Lamp } from '../ui/lamp.tsx'

const valuesShown = 4

type DeviceRowProps = {
  device: Device
  type: DeviceType | undefined
  latest: Latest['values'] | undefined
  now: number
  place: number
  setSize: number
  topPx: number
}

export function DeviceRow({ device, type, latest, now, place, setSize, topPx }: DeviceRowProps) {
  const words = presenceWords(device, now)
  const { seenAt, status } = device.presence
  const stale = status !== 'online'
  const seen = seenAt === null ? unknown : formatAge(now - seenAt)
  return (
    <li
      className={stale ? 'row is-stale' : 'row'}
      aria-posinset={place}
      aria-setsize={setSize}
      style={{ transform: `translateY(${topPx}px)` }}
    >
      <div className="dev">
        {/* A new key restarts the glow: the lamp answers each arrival, at most once a second. */}
        <Lamp
          key={status === 'online' ? Math.floor((seenAt ?? 0) / 1_000) : status}
          shape={words.shape}
          className={status === 'online' && seenAt !== null && now - seenAt < 1_000 ? 'is-fresh' : ''}
        />
        <Link className="dev__text" to="/devices/$deviceId" params={{ deviceId: device.id }}>
          <span className="dev__name cut">{device.name}</span>
          <span className="line2 cut">{[device.id, device.tags.join(', ')].filter(Boolean).join(' · ')}</span>
        </Link>
      </div>
      <div className="state">
        <div className={words.tone}>{words.state}</div>
        <div className="line2 cut not-phone">{words.note}</div>
        <div className="line2 cut only-phone">{status === 'online' ? `${seen} ago` : words.note}</div>
      </div>
      <LatestValues type={type} latest={latest} />
      <div className="seen">{seen}</div>
    </li>
  )
}

type LatestValuesProps = Pick<DeviceRowProps, 'type' | 'latest'>

function LatestValues({ type, latest }: LatestValuesProps) {
  // In the order the device sends them: what it names first is what it is about.
  const shown = Object.entries(latest ?? {}).slice(0, valuesShown)
  return (
    <div className="vals">
      {shown.map(([metric, { value }]) => {
        const look = metricLook(type, metric)
        return (
          <div className="val" key={metric}>
            <div className="val__n cut">
              {formatLook(value, look)}
              {look.unit !== '' && <small>{look.unit}</small>}
            </div>
            <span className="label cut">{look.label}</span>
          </div>
        )
      })}
      {latest !== undefined && shown.length === 0 && <span className="ink-3">{unknown}</span>}
    </div>
  )
}
