import { useQueries, useQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import type { Device } from '@telltale/api/contract'
import { MapPin } from 'lucide-react'
import { oneDevice } from '../devices/devices.ts'
import { presenceWords } from '../presence/words.ts'
import { CopyButton } from '../ui/copy.tsx'
import { formatAge, unknown } from '../ui/format.ts'
import { Lamp } from '../ui/lamp.tsx'
import { Failure, Quietbox, SkeletonLines } from '../ui/states.tsx'
import { useNow, useWatch } from '../use-live.ts'
import { useLatestOf } from './boards.ts'
import { devicesTagged } from './device-search.ts'
import { PanelFrame } from './panel-frame.tsx'
import { type PanelOf, panelName, usualLatitude, usualLongitude } from './panels.ts'
import { type Position, positionOf, positionText } from './position.ts'

/** Rows a person reads; a tag of a thousand is for the fleet's list. */
const rowsMax = 50

type Row = { id: string; device: Device | null }

export function PositionsPanel({ panel }: { panel: PanelOf<'positions'> }) {
  const found = useDevices(panel)
  const rows = found.rows.slice(0, rowsMax)
  const known = rows.flatMap(({ device }) => (device === null ? [] : [device]))
  useWatch(known.map(({ id }) => id))
  const latest = useLatestOf(known.map(({ id }) => id))
  const { latitude = usualLatitude, longitude = usualLongitude } = panel
  return (
    <PanelFrame panel={panel} title={panelName(panel)}>
      {found.error !== null ? (
        <Failure what="Could not load the devices" error={found.error} onRetry={found.retry} />
      ) : found.isLoading ? (
        <SkeletonLines lines={3} heightPx={36} />
      ) : rows.length === 0 ? (
        <Quietbox title={`No device has the tag ${panel.tag ?? ''}`}>
          <span>Whatever gets the tag shows up here.</span>
        </Quietbox>
      ) : (
        // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard
        <section className="bpositions" tabIndex={0} aria-label={`${panelName(panel)}, list`}>
          <table className="table">
            <thead>
              <tr>
                <th scope="col">Device</th>
                <th scope="col">Latitude, longitude</th>
                <th scope="col" className="r">
                  Age
                </th>
                <th scope="col">
                  <span className="vh">Actions</span>
                </th>
              </tr>
            </thead>
            <tbody>
              {rows.map((row) => (
                <PositionRow
                  key={row.id}
                  row={row}
                  position={positionOf(latest.get(row.id) ?? {}, { latitude, longitude })}
                />
              ))}
            </tbody>
          </table>
        </section>
      )}
      {found.isMore && <p className="bpanel__note ink-3">The first {rowsMax} of them.</p>}
    </PanelFrame>
  )
}

function PositionRow({ row: { id, device }, position }: { row: Row; position: Position | null }) {
  const now = useNow()
  const presence = device === null ? null : presenceWords(device, now)
  return (
    <tr>
      <td className="bpositions__cell">
        <span className="iconline">
          {presence !== null && <Lamp shape={presence.shape} />}
          {device === null ? (
            <span className="ink-3">
              <bdi>{id}</bdi>: no such device
            </span>
          ) : (
            <Link className="cut" to="/devices/$deviceId" params={{ deviceId: id }}>
              <bdi>{device.name}</bdi>
            </Link>
          )}
          <span className="vh">{presence?.state}</span>
        </span>
      </td>
      <td className={position === null ? 'bpositions__cell ink-3' : 'bpositions__cell'}>
        {position === null ? unknown : positionText(position)}
      </td>
      <td className="bpositions__cell r ink-3">
        {position === null ? unknown : formatAge(now - position.time)}
      </td>
      <td className="bpositions__cell bpositions__act">
        {position !== null && (
          <>
            <CopyButton text={positionText(position)} label={`Copy the position of ${device?.name ?? id}`} />
            <a
              className="btn btn--quiet btn--icon btn--sm"
              href={`geo:${position.latitude},${position.longitude}`}
              aria-label={`Open the position of ${device?.name ?? id} in a map`}
            >
              <MapPin className="i i--sm" aria-hidden="true" />
            </a>
          </>
        )}
      </td>
    </tr>
  )
}

/** Of a tag all that have it, of a list each by itself: one that is gone says so. */
function useDevices(panel: PanelOf<'positions'>) {
  const { tag, devices = [] } = panel
  const tagged = useQuery(devicesTagged(tag, rowsMax + 1))
  const single = useQueries({ queries: devices.map((id) => oneDevice(id)) })
  if (tag !== undefined) {
    const all = tagged.data?.items ?? []
    return {
      rows: all.map((device): Row => ({ id: device.id, device })),
      isLoading: tagged.isPending,
      isMore: all.length > rowsMax,
      error: tagged.data === undefined ? tagged.error : null,
      retry: () => void tagged.refetch(),
    }
  }
  return {
    rows: devices.map((id, at): Row => ({ id, device: single[at]?.data ?? null })),
    isLoading: single.some(({ isPending }) => isPending),
    isMore: false,
    error: null,
    retry: () => undefined,
  }
}
