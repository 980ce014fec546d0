import type { TimeRange } from '@telltale/infra/storage/presence'
import type { PresenceDay } from '@telltale/infra/storage/presence-days'
import type { FleetDays } from '../contract/index.ts'

/** Shares of the part of each hour that is known; one that first came an hour ago was not away for the 23 before. */
export function toDays(days: PresenceDay[], { from, to }: TimeRange): FleetDays['items'] {
  return days.map(({ deviceId, connectedMs, knownFrom: since }) => {
    const knownFrom = since ?? to
    const stepMs = (to - from) / connectedMs.length
    const shares = connectedMs.map((ms, n) => {
      const end = from + (n + 1) * stepMs
      return share(ms, end - Math.max(end - stepMs, knownFrom))
    })
    const total = share(
      connectedMs.reduce((sum, ms) => sum + ms, 0),
      to - Math.max(from, knownFrom),
    )
    return { deviceId, shares, uptimePercent: total === null ? null : total * 100 }
  })
}

/** What is not quite all must not be rounded up to it: a second missing of a day shows. */
function share(connectedMs: number, knownMs: number): number | null {
  if (knownMs <= 0) return null
  return Math.floor(Math.min(1, connectedMs / knownMs) * 1e5) / 1e5
}
