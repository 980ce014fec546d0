import type { PresenceHistory } from '@telltale/api/contract'
import { expect, it } from 'vitest'
import { formatUptime, hours, uptimePercent } from './day.ts'

const hour = 3_600_000
const at = (ms: number) => new Date(ms).toISOString()

function session(from: number, to: number | null) {
  return {
    connectedAt: at(from),
    disconnectedAt: to === null ? null : at(to),
    durationMs: (to ?? 24 * hour) - from,
    reason: null,
    address: null,
  }
}

it('hours share a session among the bars it touches', () => {
  const history: PresenceHistory = {
    deviceId: 'bay',
    from: 0,
    to: 4 * hour,
    uptimePercent: 50,
    sessions: [session(0, hour * 1.5), session(hour * 3, null)],
    truncated: false,
  }
  const bars = hours(history, 4, hour * 0.5)
  expect(bars.map((bar) => bar.connectedShare)).toEqual([1, 0.5, 0, 1])
  expect(hours(history, 4, hour * 2).map((bar) => bar.known)).toEqual([false, false, true, true])
})

it('time before a device existed is not downtime', () => {
  const history: PresenceHistory = {
    deviceId: 'bay',
    from: 0,
    to: 4 * hour,
    uptimePercent: 12.5,
    sessions: [session(hour * 3.5, null)],
    truncated: false,
  }
  expect(uptimePercent(history, hour * 3)).toBe(50)
  expect(uptimePercent(history, -hour)).toBe(12.5)
  expect(hours(history, 4, hour * 3.5).at(-1)?.connectedShare).toBe(1)
})

it('formatUptime never rounds an outage away', () => {
  expect([100, 99.996, 98.25, 0].map(formatUptime)).toEqual(['100', '99.9', '98.2', '0'])
})
