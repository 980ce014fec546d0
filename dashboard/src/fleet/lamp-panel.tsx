import { useElementSize } from '@mantine/hooks'
import { useInfiniteQuery } from '@tanstack/react-query'
import { useNavigate, useSearch } from '@tanstack/react-router'
import type { Device } from '@telltale/api/contract'
import { type MouseEvent, useEffect } from 'react'
import { deviceList } from '../devices/devices.ts'
import { type LampCell, layOut, panelRows, pitchOf } from './lamps.ts'
import type { FleetSearch } from './search.ts'
import { useFleetSummary } from './summary.ts'

const devicesMin = 24
/** Beyond this the panel would need more requests than it is worth; the counts above still speak of all. */
const devicesMax = 2_000

/** One lamp for each device in the order of the list, so a place on the panel keeps its meaning. */
export function LampPanel() {
  const summary = useFleetSummary().data
  const total = summary?.total ?? 0
  if (summary === undefined || total < devicesMin || total > devicesMax) return null
  const { online, silent, offline, never } = summary
  const words = `${total} devices: ${online} online, ${silent} silent, ${offline} offline, ${never} never seen`
  return <Lamps words={words} />
}

function Lamps({ words }: { words: string }) {
  const filter = useSearch({ from: '/shell/' })
  const navigate = useNavigate()
  const { ref, width } = useElementSize()
  const devices = useEveryDevice()
  const lamps = layOut(devices, width, (device) => matches(device, filter))
  const pitch = pitchOf(devices.length)
  const height = panelRows(devices.length, width) * pitch
  const open = (event: MouseEvent<SVGSVGElement>) => {
    const box = event.currentTarget.getBoundingClientRect()
    const column = Math.floor((event.clientX - box.left) / pitch)
    const row = Math.floor((event.clientY - box.top) / pitch)
    const device = devices[column * panelRows(devices.length, width) + row]
    if (device !== undefined) void navigate({ to: '/devices/$deviceId', params: { deviceId: device.id } })
  }
  return (
    <div className="lamps not-phone">
      <div ref={ref}>
        {/* The pointer's shortcut to a device; the list below is the way for everybody. */}
        {/* biome-ignore lint/a11y/useKeyWithClickEvents: see above */}
        <svg
          viewBox={`0 0 ${Math.max(1, width)} ${height}`}
          role="img"
          aria-label={words}
          className={pitch > 7 ? 'lamps--large' : ''}
          onClick={open}
        >
          {lamps.map((lamp) => (
            <LampPath key={`${lamp.shape}${lamp.faded}`} lamp={lamp} />
          ))}
        </svg>
      </div>
    </div>
  )
}

function LampPath({ lamp }: { lamp: LampCell }) {
  return (
    <>
      <path className={`l-${lamp.shape}${lamp.faded ? ' l-fade' : ''}`} d={lamp.path} />
      {lamp.shape === 'bad' && <path className="l-bad-in" d={lamp.path} />}
    </>
  )
}

/** The same query as the unfiltered list, read to its end. */
function useEveryDevice(): Device[] {
  const list = useInfiniteQuery(deviceList({}))
  const { hasNextPage, isFetching, fetchNextPage } = list
  useEffect(() => {
    if (hasNextPage && !isFetching) void fetchNextPage()
  }, [hasNextPage, isFetching, fetchNextPage])
  return list.data?.pages.flatMap((page) => page.items) ?? []
}

function matches(device: Device, { q, status, tag }: FleetSearch): boolean {
  const words = `${device.id} ${device.name}`.toLowerCase()
  return (
    (q === undefined || words.includes(q.toLowerCase())) &&
    (status === undefined || device.presence.status === status) &&
    (tag === undefined || device.tags.includes(tag))
  )
}
