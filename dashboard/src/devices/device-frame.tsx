import { type UseQueryResult, useQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import type { Device } from '@telltale/api/contract'
import { type ReactNode, useEffect, useRef, useState } from 'react'
import { useFollowRejected } from '../rejected/rejects.ts'
import { inOrder, shownMax } from '../tiles/names.ts'
import { RecentContext, useRecentPicture } from '../tiles/recent.tsx'
import { useTypeOf } from '../types/types.ts'
import { Failure, Quietbox, SkeletonLines } from '../ui/states.tsx'
import { useLive, useLiveEvents, useWatch } from '../use-live.ts'
import { DeviceHeader } from './device-header.tsx'
import { isNoDevice, latestOf, oneDevice } from './devices.ts'
import { GoneLine, PageLine } from './page-line.tsx'
import { alarmedMetrics } from './troubles.ts'

/** Not every change is an event: a new name, and that it was deleted, are asked for while its page is open. */
const lookEveryMs = 4_000

/** Deleted while its page was open: a picture of what was shown, and of when. */
type Gone = { at: number; device: Device; picture: Node }

type DeviceFrameProps = { deviceId: string; children: (device: Device) => ReactNode }

/** Header, the line across the page, and what becomes of the page when the device does. */
export function DeviceFrame({ deviceId, children }: DeviceFrameProps) {
  const content = useRef<HTMLDivElement>(null)
  const [gone, setGone] = useState<Gone | null>(null)
  const query = useQuery({
    ...oneDevice(deviceId),
    enabled: gone === null,
    refetchInterval: ({ state }) => (isNoDevice(state.error) ? false : lookEveryMs),
  })
  const live = useLive()
  useWatch(gone === null ? [deviceId] : [])
  useLiveEvents((event) => {
    const isCutOff = event.type === 'presence' && event.data.reason === 'revoked'
    if (isCutOff && event.data.deviceId === deviceId && gone === null) void query.refetch()
  })
  const { data: device, error } = query
  useEffect(() => {
    if (!isNoDevice(error) || device === undefined || content.current === null) return
    const picture = content.current.cloneNode(true)
    setGone((old) => old ?? { at: live.serverNow(), device, picture })
  }, [error, device, live])
  const shown = gone?.device ?? device
  return (
    <>
      <title>{`${shown?.name ?? deviceId} · Telltale`}</title>
      {gone !== null ? (
        <>
          <DeviceHeader deviceId={deviceId} device={gone.device} isGone />
          <GonePage gone={gone} />
        </>
      ) : shown === undefined ? (
        <>
          <DeviceHeader deviceId={deviceId} device={undefined} isGone={false} />
          <div className="page page--tight">
            <NotThere deviceId={deviceId} query={query} />
          </div>
        </>
      ) : (
        <WithRecent device={shown}>
          <DeviceHeader deviceId={deviceId} device={shown} isGone={false} />
          <div className="page page--tight">
            <PageLine device={shown} />
            <div ref={content} className="device__content">
              {children(shown)}
            </div>
          </div>
        </WithRecent>
      )}
    </>
  )
}

/** Tiles and the alarm line share one reading of the last hour. */
function WithRecent({ device, children }: { device: Device; children: ReactNode }) {
  const [showAll, setShowAll] = useState(false)
  const type = useTypeOf(device.type).data
  const values = useQuery(latestOf([device.id])).data?.items[0]?.values ?? {}
  const names = inOrder(Object.keys(values), type)
  const first = showAll ? names : names.slice(0, shownMax)
  const wanted = [...new Set([...first, ...alarmedMetrics(values, type)])]
  const picture = useRecentPicture(device.id, wanted)
  useFollowRejected(device.id)
  return <RecentContext value={{ picture, showAll, setShowAll }}>{children}</RecentContext>
}

/** What was shown stays, dimmed, and asks nobody for anything any more. */
function GonePage({ gone }: { gone: Gone }) {
  return (
    <div className="page page--tight">
      <GoneLine at={gone.at} />
      <div className="device__gone" inert ref={(box) => box?.replaceChildren(gone.picture)} />
    </div>
  )
}

type NotThereProps = { deviceId: string; query: UseQueryResult<Device> }

function NotThere({ deviceId, query }: NotThereProps) {
  const { error } = query
  if (isNoDevice(error)) {
    return (
      <Quietbox title={`There is no device ${deviceId}`}>
        <span>It may have been deleted, or its id is written differently.</span>
        <Link className="btn btn--sm" to="/">
          Go to the fleet
        </Link>
      </Quietbox>
    )
  }
  if (error === null) return <SkeletonLines lines={4} />
  return <Failure what={`Could not load ${deviceId}`} error={error} onRetry={() => void query.refetch()} />
}
