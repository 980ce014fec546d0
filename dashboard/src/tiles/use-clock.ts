import { useQuery } from '@tanstack/react-query'
import type { Device } from '@telltale/api/contract'
import { latestOf } from '../devices/devices.ts'
import { useNewestRejectedAt } from '../rejected/rejects.ts'
import { usePictureIsOld } from '../use-live.ts'
import { type Clock, clockOf } from './clock.ts'

/** What the newest reading says about the device's clock. Without the stream the answers are of different times. */
export function useClock(device: Device): Clock | null {
  const isOld = usePictureIsOld()
  const values = useQuery(latestOf([device.id])).data?.items[0]?.values ?? {}
  const rejectedAt = useNewestRejectedAt(device.id)
  return isOld ? null : clockOf({ values, seenAt: device.presence.seenAt, rejectedAt })
}
