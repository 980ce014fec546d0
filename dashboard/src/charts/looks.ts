import { useQueries, useQuery } from '@tanstack/react-query'
import type { Device } from '@telltale/api/contract'
import { useMemo } from 'react'
import { oneDevice } from '../devices/devices.ts'
import { type MetricLook, metricLook } from '../types/look.ts'
import { typeList } from '../types/types.ts'
import type { ChartSeries } from './chart.tsx'

export type SeriesLook = ChartSeries & {
  look: MetricLook
  label: string
  /** Since when nobody can say whether a state still holds; null while somebody does. */
  offlineSince: number | null
}

/** Devices keep their name and type for long; who shows them as such asks more often. */
const deviceStaleMs = 60_000

/** How each series of a chart is named and shown, as the types of its devices say. */
export function useLooks(series: readonly ChartSeries[]): readonly SeriesLook[] {
  const ids = [...new Set(series.map(({ deviceId }) => deviceId))]
  const devices = useQueries({
    queries: ids.map((id) => ({
      ...oneDevice(id),
      refetchInterval: false as const,
      staleTime: deviceStaleMs,
      select: shownOf,
    })),
    combine: answersOf,
  })
  const types = useQuery(typeList).data
  const key = JSON.stringify([series, devices])
  // biome-ignore lint/correctness/useExhaustiveDependencies: the key holds what of them matters
  return useMemo(() => {
    const known = new Map(ids.map((id, index) => [id, devices[index]]))
    const looks = series.map((one) => {
      const type = types?.find(({ name }) => name === known.get(one.deviceId)?.type)
      return { ...one, look: metricLook(type, one.metric) }
    })
    return looks.map((one) => ({
      ...one,
      label: one.label ?? labelOf(one, looks, known),
      offlineSince: known.get(one.deviceId)?.offlineSince ?? null,
    }))
  }, [key, types])
}

type ShownDevice = { name: string; type: string | null; offlineSince: number | null }

/** Not when it was seen: that changes with every reading. */
function shownOf({ name, type, presence }: Device): ShownDevice {
  return { name, type, offlineSince: presence.status === 'offline' ? presence.since : null }
}

function answersOf(answers: readonly { data: ShownDevice | undefined }[]): (ShownDevice | undefined)[] {
  return answers.map(({ data }) => data)
}

type Looked = ChartSeries & { look: MetricLook }

/** As short as it can be and still tell the lines apart. */
function labelOf(
  { deviceId, look }: Looked,
  all: readonly Looked[],
  devices: ReadonlyMap<string, ShownDevice | undefined>,
): string {
  if (devices.size === 1) return look.label
  const device = devices.get(deviceId)?.name ?? deviceId
  return all.every((other) => other.look.label === look.label) ? device : `${device}, ${look.label}`
}
