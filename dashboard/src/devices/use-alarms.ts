import { useQuery } from '@tanstack/react-query'
import type { Device } from '@telltale/api/contract'
import { useRecent } from '../tiles/recent.tsx'
import { useClock } from '../tiles/use-clock.ts'
import { useTypeOf } from '../types/types.ts'
import { useNow, usePictureIsOld } from '../use-live.ts'
import { latestOf } from './devices.ts'
import { type Alarm, alarmedMetrics, alarmsOf } from './troubles.ts'

export function useAlarms(device: Device): Alarm[] {
  const now = useNow()
  const isPictureOld = usePictureIsOld()
  const { picture } = useRecent()
  const clock = useClock(device)
  const values = useQuery(latestOf([device.id])).data?.items[0]?.values ?? {}
  const type = useTypeOf(device.type).data
  const { status } = device.presence
  const isOld = isPictureOld || status === 'offline' || status === 'silent'
  return alarmsOf({ values, type, picture, now: now + (clock?.aheadMs ?? 0), isOld })
}

/** Whether its lamp is a triangle. */
export function useIsAlarmed(device: Device): boolean {
  const values = useQuery(latestOf([device.id])).data?.items[0]?.values ?? {}
  const type = useTypeOf(device.type).data
  return alarmedMetrics(values, type).length > 0
}
