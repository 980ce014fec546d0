import { infiniteQueryOptions, type QueryClient, queryOptions } from '@tanstack/react-query'
import type {
  CredentialCreated,
  Device,
  DeviceChange,
  DeviceCreated,
  DevicePage,
  Latest,
  LiveEvent,
  NewDevice,
} from '@telltale/api/contract'
import { get, send } from '../api.ts'
import type { FleetSearch } from '../fleet/search.ts'

const pageSize = 100

export const deviceList = (filter: FleetSearch) =>
  infiniteQueryOptions({
    queryKey: ['devices', 'list', filter],
    queryFn: ({ pageParam, signal }) =>
      get<DevicePage>('/devices', { ...filter, limit: pageSize, cursor: pageParam }, signal),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: (page) => page.nextCursor ?? undefined,
    // A filter that changes keeps the old rows until the new ones are there: no flash of emptiness.
    placeholderData: (previous) => previous,
  })

export const oneDevice = (id: string) =>
  queryOptions({
    queryKey: ['devices', 'one', id],
    queryFn: ({ signal }) => get<Device>(`/devices/${id}`, {}, signal),
    refetchInterval: 30_000,
  })

export const latestOf = (ids: readonly string[]) =>
  queryOptions({
    queryKey: ['latest', ids],
    queryFn: ({ signal }) => get<{ items: Latest[] }>('/latest', { devices: ids.join(',') }, signal),
    enabled: ids.length > 0,
    staleTime: 60_000,
  })

export function createDevice(device: NewDevice): Promise<DeviceCreated> {
  return send<DeviceCreated>('POST', '/devices', device)
}

export function changeDevice(id: string, change: DeviceChange): Promise<Device> {
  return send<Device>('PATCH', `/devices/${id}`, change)
}

export function deleteDevice(id: string): Promise<void> {
  return send<void>('DELETE', `/devices/${id}`)
}

export function createCredential(id: string): Promise<CredentialCreated> {
  return send<CredentialCreated>('POST', `/devices/${id}/credentials`)
}

export function revokeCredential(id: string, credentialId: string): Promise<void> {
  return send<void>('DELETE', `/devices/${id}/credentials/${credentialId}`)
}

/** Presence told by an event wins over what the last answer said, wherever the device is cached. */
function applyToDevice(device: Device, event: LiveEvent, arrivedAt: number): Device {
  const { presence } = device
  if (event.type === 'presence' && event.data.deviceId === device.id) {
    const { status, since, reason } = event.data
    return { ...device, presence: { ...presence, status, since, reason } }
  }
  if (event.type === 'reading' && event.data.deviceId === device.id) {
    const status = presence.status === 'silent' ? 'online' : presence.status
    return { ...device, presence: { ...presence, seenAt: arrivedAt, status } }
  }
  return device
}

type Pages = { pages: DevicePage[]; pageParams: unknown[] }

export function applyToCache(queryClient: QueryClient, event: LiveEvent, arrivedAt: number): void {
  if (event.type !== 'presence' && event.type !== 'reading') return
  const { deviceId } = event.data
  queryClient.setQueryData<Device>(
    ['devices', 'one', deviceId],
    (device) => device && applyToDevice(device, event, arrivedAt),
  )
  queryClient.setQueriesData<Pages>({ queryKey: ['devices', 'list'] }, (list) => {
    if (list === undefined || !list.pages.some((page) => has(page, deviceId))) return list
    const pages = list.pages.map((page) =>
      has(page, deviceId)
        ? { ...page, items: page.items.map((device) => applyToDevice(device, event, arrivedAt)) }
        : page,
    )
    return { ...list, pages }
  })
}

function has(page: DevicePage, deviceId: string): boolean {
  return page.items.some((device) => device.id === deviceId)
}
