import './device.css'
import { useParams, useSearch } from '@tanstack/react-router'
import type { Device } from '@telltale/api/contract'
import { memo } from 'react'
import { DeviceCharts } from '../charts/device-charts.tsx'
import { Console } from '../commands/console.tsx'
import { DevicePresence } from '../presence/device-presence.tsx'
import { Raw } from '../raw/raw.tsx'
import { Rejected } from '../rejected/rejected.tsx'
import { Tiles } from '../tiles/tiles.tsx'
import { useMediaQuery } from '../ui/use-media-query.ts'
import { DeviceFrame } from './device-frame.tsx'
import { DeviceTabs } from './device-tabs.tsx'
import type { DeviceTab } from './search.ts'
import { Settings } from './settings.tsx'

export function DevicePage() {
  const { deviceId } = useParams({ from: '/shell/devices/$deviceId' })
  const { tab = 'charts' } = useSearch({ from: '/shell/devices/$deviceId' })
  return (
    <DeviceFrame key={deviceId} deviceId={deviceId}>
      {(device) => (
        <>
          <DeviceTabs device={device} tab={tab} />
          <TabBody device={device} tab={tab} />
        </>
      )}
    </DeviceFrame>
  )
}

function TabBody({ device, tab }: { device: Device; tab: DeviceTab }) {
  switch (tab) {
    case 'charts':
      return <ChartsTab device={device} />
    case 'commands':
      return <Console deviceId={device.id} />
    case 'presence':
      return <DevicePresence device={device} />
    case 'rejected':
      return <Rejected deviceId={device.id} />
    case 'raw':
      return <Raw deviceId={device.id} />
    case 'settings':
      return <Settings device={device} />
  }
}

function ChartsTab({ device }: { device: Device }) {
  return (
    <>
      <Tiles device={device} />
      <Work deviceId={device.id} createdAt={device.createdAt} />
    </>
  )
}

/** A device is another object with each reading; none of this is about that. */
const Work = memo(function Work({ deviceId, createdAt }: { deviceId: string; createdAt: string }) {
  const beside = useMediaQuery('(min-width: 768px)')
  return (
    <div className="work">
      <DeviceCharts deviceId={deviceId} createdAt={createdAt} />
      {beside && <Console deviceId={deviceId} />}
    </div>
  )
})
