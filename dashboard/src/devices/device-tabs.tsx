import { Link } from '@tanstack/react-router'
import type { Device } from '@telltale/api/contract'
import { useEffect, useRef } from 'react'
import { useRecentRejects } from '../rejected/rejects.ts'
import { PinButton } from '../shell/pin-button.tsx'
import { useNow } from '../use-live.ts'
import { DeviceMenu } from './device-menu.tsx'
import { type DeviceTab, deviceTabs } from './search.ts'

const tabWords: Record<DeviceTab, string> = {
  charts: 'Charts',
  commands: 'Commands',
  presence: 'Presence',
  rejected: 'Rejected',
  raw: 'Raw',
  settings: 'Settings',
}

const badgeEveryMs = 60_000

export function DeviceTabs({ device, tab }: { device: Device; tab: DeviceTab }) {
  const tabs = useRef<HTMLElement>(null)
  // On a phone they do not all fit: the one that is open is in sight.
  useEffect(() => {
    const open = tabs.current?.querySelector<HTMLElement>(`[data-tab="${tab}"]`)
    if (open === null || open === undefined || tabs.current === null) return
    tabs.current.scrollLeft = open.offsetLeft - (tabs.current.clientWidth - open.offsetWidth) / 2
  }, [tab])
  return (
    <div className="devtabs">
      <nav ref={tabs} className="tabs" aria-label="Device">
        {deviceTabs.map((one) => (
          <Link
            key={one}
            data-tab={one}
            className={one === tab ? 'tab is-active' : 'tab'}
            aria-current={one === tab ? 'page' : undefined}
            from="/devices/$deviceId"
            to="."
            search={(search) => ({ ...search, tab: one })}
          >
            {tabWords[one]}
            {one === 'rejected' && <RejectedBadge deviceId={device.id} />}
          </Link>
        ))}
      </nav>
      <span className="tabs__end">
        <PinButton deviceId={device.id} />
        <DeviceMenu device={device} />
      </span>
    </div>
  )
}

function RejectedBadge({ deviceId }: { deviceId: string }) {
  const count = useRecentRejects(deviceId, useNow(badgeEveryMs))
  if (count === '') return null
  return (
    <span className="count count--bad">
      {count}
      <span className="vh"> in the last 24 hours</span>
    </span>
  )
}
