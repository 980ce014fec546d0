export const deviceTabs = ['charts', 'commands', 'presence', 'rejected', 'settings'] as const
export type DeviceTab = (typeof deviceTabs)[number]

export const ranges = ['5m', '15m', '1h', '6h', '24h', '7d'] as const
export type Range = (typeof ranges)[number]

export type DeviceSearch = { tab?: DeviceTab; range?: Range }

export function readDeviceSearch(search: Record<string, unknown>): DeviceSearch {
  const tab = deviceTabs.find((known) => known === search.tab)
  const range = ranges.find((known) => known === search.range)
  return { ...(tab && { tab }), ...(range && { range }) }
}
