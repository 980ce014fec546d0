import { useQueries, useQuery } from '@tanstack/react-query'
import type { Device } from '@telltale/api/contract'
import { ApiError } from '../api.ts'
import { latestOf, oneDevice } from '../devices/devices.ts'
import { typeList } from '../types/types.ts'
import { useNow } from '../use-live.ts'
import { type Face, faceOf } from './face.ts'

export type Faced = { device: Device; face: Face }

/** Devices by id, in that order; those that are gone, or could not be read yet, are left out. */
export function useDevices(ids: readonly string[]): { devices: Device[]; gone: string[] } {
  return useQueries({
    queries: ids.map((id) => oneDevice(id)),
    combine: (answers) => ({
      devices: answers.flatMap(({ data }) => data ?? []),
      gone: ids.filter((_, place) => {
        const error = answers[place]?.error
        return error instanceof ApiError && error.problem.status === 404
      }),
    }),
  })
}

/** With the newest values, in one question for all. */
export function useFaces(devices: readonly Device[]): Faced[] {
  const now = useNow()
  const types = useQuery({ ...typeList, enabled: devices.some(({ type }) => type !== null) }).data
  const latest = useQuery({
    ...latestOf(devices.map(({ id }) => id)),
    placeholderData: (previous) => previous,
  }).data
  return devices.map((device) => {
    const values = latest?.items.find(({ deviceId }) => deviceId === device.id)?.values
    const type = types?.find(({ name }) => name === device.type)
    return { device, face: faceOf({ device, values, type }, now) }
  })
}
