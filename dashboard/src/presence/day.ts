import type { PresenceHistory } from '@telltale/api/contract'

export type Hour = { from: number; to: number; connectedShare: number; known: boolean }

type Sessions = PresenceHistory['sessions']

/** A stretch of time cut into equal bars, each with the share of it the device was connected. */
export function hours(history: PresenceHistory, bars: number, knownSince: number): Hour[] {
  const stepMs = (history.to - history.from) / bars
  return Array.from({ length: bars }, (_, index) => {
    const from = history.from + index * stepMs
    const to = from + stepMs
    return {
      from,
      to,
      connectedShare: share(history.sessions, { from: Math.max(from, knownSince), to }),
      known: to > knownSince,
    }
  })
}

/** A device added an hour ago has not been offline for the 23 hours before. */
export function uptimePercent(history: PresenceHistory, knownSince: number): number {
  if (knownSince <= history.from || history.truncated) return history.uptimePercent
  return share(history.sessions, { from: knownSince, to: history.to }) * 100
}

function share(sessions: Sessions, { from, to }: { from: number; to: number }): number {
  return to <= from ? 0 : connectedMs(sessions, { from, to }) / (to - from)
}

function connectedMs(sessions: Sessions, { from, to }: { from: number; to: number }): number {
  let total = 0
  for (const { connectedAt, disconnectedAt } of sessions) {
    const start = Math.max(from, Date.parse(connectedAt))
    const end = Math.min(to, disconnectedAt === null ? to : Date.parse(disconnectedAt))
    total += Math.max(0, end - start)
  }
  return Math.min(total, to - from)
}

/** 100 only when nothing is missing: rounding up would hide the one outage of the day. */
export function formatUptime(percent: number): string {
  if (percent >= 100) return '100'
  return String(Math.min(99.9, Math.floor(percent * 10) / 10))
}
