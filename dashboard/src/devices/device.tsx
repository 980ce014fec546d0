import './device.css'
import { useQuery } from '@tanstack/react-query'
import { Link, useNavigate, useParams, useSearch } from '@tanstack/react-router'
import type { Device } from '@telltale/api/contract'
import { useState } from 'react'
import { ApiError } from '../api.ts'
import { Console } from '../commands/console.tsx'
import { DevicePresence } from '../presence/device-presence.tsx'
import { Charts } from '../telemetry/charts.tsx'
import { Rejected } from '../telemetry/rejected.tsx'
import { Tiles } from '../telemetry/tiles.tsx'
import { rangeMs, useTelemetry } from '../telemetry/use-telemetry.ts'
import { Failure, Quietbox, SkeletonLines } from '../ui/states.tsx'
import { useMediaQuery } from '../ui/use-media-query.ts'
import { useWatch } from '../use-live.ts'
import { DeviceHeader } from './device-header.tsx'
import { oneDevice } from './devices.ts'
import { type DeviceTab, deviceTabs, type Range } from './search.ts'
import { Settings } from './settings.tsx'

const tabWords: Record<DeviceTab, string> = {
  charts: 'Charts',
  commands: 'Commands',
  presence: 'Presence',
  rejected: 'Rejected',
  settings: 'Settings',
}

export function DevicePage() {
  const { deviceId } = useParams({ from: '/shell/devices/$deviceId' })
  const device = useQuery(oneDevice(deviceId))
  useWatch([deviceId])
  return (
    <>
      <title>{`${device.data?.name ?? deviceId} · Telltale`}</title>
      <DeviceHeader deviceId={deviceId} device={device.data} />
      <div className="page page--tight">
        {device.data !== undefined ? (
          <Tabs key={deviceId} device={device.data} />
        ) : device.isError ? (
          <NoDevice deviceId={deviceId} error={device.error} onRetry={() => void device.refetch()} />
        ) : (
          <SkeletonLines lines={4} />
        )}
      </div>
    </>
  )
}

type NoDeviceProps = { deviceId: string; error: Error; onRetry: () => void }

function NoDevice({ deviceId, error, onRetry }: NoDeviceProps) {
  if (error instanceof ApiError && error.problem.status === 404) {
    return (
      <Quietbox title={`There is no device ${deviceId}`}>
        <span>It may have been deleted, or its id is written differently.</span>
        <Link className="btn btn--sm" to="/">
          Go to the fleet
        </Link>
      </Quietbox>
    )
  }
  return <Failure what={`Could not load ${deviceId}`} error={error} onRetry={onRetry} />
}

function Tabs({ device }: { device: Device }) {
  const { tab = 'charts' } = useSearch({ from: '/shell/devices/$deviceId' })
  return (
    <>
      <nav className="tabs" aria-label="Device">
        {deviceTabs.map((one) => (
          <Link
            key={one}
            className={one === tab ? 'tab is-active' : 'tab'}
            aria-current={one === tab ? 'page' : undefined}
            from="/devices/$deviceId"
            to="."
            search={(search) => ({ ...search, tab: one })}
          >
            {tabWords[one]}
          </Link>
        ))}
      </nav>
      <TabBody device={device} tab={tab} />
    </>
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
    case 'settings':
      return <Settings device={device} />
  }
}

const youngMs = 10 * 60_000

/** The first readings of a new device would be a stripe at the edge of a longer window. */
function firstRange(device: Device): Range {
  return Date.now() - Date.parse(device.createdAt) < youngMs ? '5m' : '15m'
}

function ChartsTab({ device }: { device: Device }) {
  const { range: chosenRange } = useSearch({ from: '/shell/devices/$deviceId' })
  const [usualRange] = useState(() => firstRange(device))
  const range = chosenRange ?? usualRange
  const navigate = useNavigate({ from: '/devices/$deviceId' })
  const telemetry = useTelemetry(device.id, range)
  const beside = useMediaQuery('(min-width: 768px)')
  return (
    <>
      <Tiles device={device} picture={telemetry.picture} windowMs={rangeMs[range]} />
      <div className="work">
        <Charts
          device={device}
          range={range}
          telemetry={telemetry}
          onRange={(chosen) =>
            void navigate({ search: (search) => ({ ...search, range: chosen }), replace: true })
          }
        />
        {beside && <Console deviceId={device.id} />}
      </div>
    </>
  )
}
