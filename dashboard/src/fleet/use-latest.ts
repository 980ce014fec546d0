import { useQueries } from '@tanstack/react-query'
import type { Device, Latest } from '@telltale/api/contract'
import { latestOf } from '../devices/devices.ts'

/** Rows ask in fixed blocks, so scrolling by one row is not a new question. */
const blockRows = 25

export function useLatest(
  devices: readonly Device[],
  first: number,
  last: number,
): Map<string, Latest['values']> {
  const blocks: string[][] = []
  for (let start = first - (first % blockRows); start <= last; start += blockRows) {
    blocks.push(devices.slice(start, start + blockRows).map((device) => device.id))
  }
  const answers = useQueries({ queries: blocks.map((ids) => latestOf(ids)) })
  const values = new Map<string, Latest['values']>()
  for (const { data } of answers) for (const item of data?.items ?? []) values.set(item.deviceId, item.values)
  return values
}
