import { TextInput } from '@mantine/core'
import { keepPreviousData, useQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import type { Device } from '@telltale/api/contract'
import { Search, Tag } from 'lucide-react'
import { useState } from 'react'
import { presenceWords } from '../presence/words.ts'
import { Lamp } from '../ui/lamp.tsx'
import { Failure, Quietbox, SkeletonLines } from '../ui/states.tsx'
import { useNow } from '../use-live.ts'
import { devicesMatching } from './device-search.ts'

const tagsMax = 12

/** A board for every device and every tag, with no work at all. */
export function Generated() {
  const [typed, setTyped] = useState('')
  const found = useQuery({ ...devicesMatching(typed), placeholderData: keepPreviousData })
  const devices = found.data?.items ?? []
  return (
    <section className="boards__section" aria-label="Generated">
      <h2 className="boards__title">Generated</h2>
      <p className="ink-2">Made as you open them, from what a device says and what its type knows.</p>
      <TextInput
        className="boards__search"
        leftSection={<Search className="i ink-3" aria-hidden="true" />}
        aria-label="Find a device or a tag"
        placeholder="Find a device or a tag"
        value={typed}
        onChange={(event) => setTyped(event.currentTarget.value)}
      />
      <Tags tags={tagsIn(devices, typed)} />
      {found.data === undefined ? (
        found.isError ? (
          <Failure
            what="Could not load the devices"
            error={found.error}
            onRetry={() => void found.refetch()}
          />
        ) : (
          <SkeletonLines lines={3} heightPx={36} />
        )
      ) : devices.length === 0 ? (
        <Quietbox title={typed === '' ? 'No device yet' : 'No device matches'}>
          {typed === '' ? (
            <Link className="btn btn--sm" to="/connect">
              Connect a device
            </Link>
          ) : (
            <button type="button" className="btn btn--sm" onClick={() => setTyped('')}>
              Show all
            </button>
          )}
        </Quietbox>
      ) : (
        <ul className="boards__devices" aria-label="Boards by device">
          {devices.map((device) => (
            <DeviceLink key={device.id} device={device} />
          ))}
        </ul>
      )}
    </section>
  )
}

function DeviceLink({ device }: { device: Device }) {
  const words = presenceWords(device, useNow(10_000))
  return (
    <li>
      <Link className="boards__device" to="/boards/device/$deviceId" params={{ deviceId: device.id }}>
        <Lamp shape={words.shape} />
        <bdi className="cut">{device.name}</bdi>
        {device.name !== device.id && <span className="ink-3 cut">{device.id}</span>}
        <span className="vh">, {words.state}</span>
      </Link>
    </li>
  )
}

function Tags({ tags }: { tags: readonly string[] }) {
  if (tags.length === 0) return null
  return (
    <ul className="boards__tags" aria-label="Boards by tag">
      {tags.map((tag) => (
        <li key={tag}>
          <Link className="btn btn--sm" to="/boards/tag/$tag" params={{ tag }}>
            <Tag className="i i--sm" aria-hidden="true" />
            <bdi>{tag}</bdi>
          </Link>
        </li>
      ))}
    </ul>
  )
}

/** Those of the devices found; and what is typed, when it could be a tag of one not among them. */
function tagsIn(devices: readonly Device[], typed: string): string[] {
  const counts = new Map<string, number>()
  for (const { tags } of devices) for (const tag of tags) counts.set(tag, (counts.get(tag) ?? 0) + 1)
  return [...counts]
    .sort(([a, often], [b, oftener]) => {
      const isTyped = (tag: string) => Number(typed !== '' && tag.includes(typed))
      return isTyped(b) - isTyped(a) || oftener - often || (a < b ? -1 : 1)
    })
    .slice(0, tagsMax)
    .map(([tag]) => tag)
}
