import { type RangeSearch, readRangeSearch } from '../charts/time-range.ts'

export const deviceTabs = ['charts', 'commands', 'presence', 'rejected', 'raw', 'settings'] as const
export type DeviceTab = (typeof deviceTabs)[number]

export type DeviceSearch = RangeSearch & { tab?: DeviceTab; view?: 'table' }

export function readDeviceSearch(search: Record<string, unknown>): DeviceSearch {
  const tab = deviceTabs.find((known) => known === search.tab)
  return {
    ...(tab && { tab }),
    ...readRangeSearch(search),
    ...(search.view === 'table' && { view: 'table' }),
  }
}
