import { type QueryClient, queryOptions } from '@tanstack/react-query'
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
import { ApiError, get, send } from '../api.ts'

/** Silence is no event: the server decides on it as time passes. */
const rowsRefreshMs = 30_000
const unseenKeptMs = 15_000

const rowsKey = ['devices', 'list', 'rows'] as const

/** Some rows of a list, in order of id. Forgotten soon when nobody looks at them any more. */
export const deviceRows = (ids: readonly string[]) =>
  queryOptions({
    queryKey: [...rowsKey, ids],
    queryFn: ({ signal }) => get<DevicePage>('/devices', { ids: ids.join(','), limit: ids.length }, signal),
    refetchInterval: rowsRefreshMs,
    gcTime: unseenKeptMs,
  })

export const oneDevice = (id: string) =>
  queryOptions({
    queryKey: ['devices', 'one', id],
    queryFn: ({ signal }) => get<Device>(`/devices/${id}`, {}, signal),
    refetchInterval: 30_000,
  })

/** It has been deleted, or never was. */
export function isNoDevice(error: Error | null): boolean {
  return error instanceof ApiError && error.problem.code === 'device_not_found'
}

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
    const seenAt = Math.max(presence.seenAt ?? 0, arrivedAt)
    return { ...device, presence: { ...presence, seenAt, status } }
  }
  return device
}

/** An event of a device that no row shows costs a look at the ids of the few rows that are kept, and nothing else. */
export function applyToCache(queryClient: QueryClient, event: LiveEvent, arrivedAt: number): void {
  if (event.type !== 'presence' && event.type !== 'reading') return
  const { deviceId } = event.data
  const applied = (page: DevicePage) =>
    has(page, deviceId)
      ? { ...page, items: page.items.map((device) => applyToDevice(device, event, arrivedAt)) }
      : page
  queryClient.setQueryData<Device>(
    ['devices', 'one', deviceId],
    (device) => device && applyToDevice(device, event, arrivedAt),
  )
  for (const { queryKey } of queryClient.getQueryCache().findAll({ queryKey: rowsKey }))
    if ((queryKey.at(-1) as readonly string[]).includes(deviceId))
      queryClient.setQueryData<DevicePage>(queryKey, (page) => page && applied(page))
}

function has(page: DevicePage, deviceId: string): boolean {
  return page.items.some((device) => device.id === deviceId)
}

/** Those that rows show or have shown a moment ago: nothing new is asked for. */
export function knownDevices(queryClient: QueryClient): Device[] {
  return queryClient
    .getQueriesData<DevicePage>({ queryKey: rowsKey })
    .flatMap(([, page]) => page?.items ?? [])
}
