import { queryOptions } from '@tanstack/react-query'
import type { Readings } from '@telltale/api/contract'
import { ApiError, get } from '../api.ts'
import { formatWindow, lengthOf, type TimeRange } from '../charts/time-range.ts'
import type { LiveClient } from '../live/client.ts'
import { readWatched } from '../live/snapshot.ts'

const minute = 60_000
const hour = 60 * minute

/** Contract: a device's clock may be ahead by so much. What it has sent is there already, and shown when it is due. */
export const aheadMs = 5 * minute
const pointsMax = 500
/** The most the API gives. */
const answerPointsMax = 10_000

export type HistoryOf = {
  deviceId: string
  range: TimeRange
  /** Absent: all of the device. */
  metrics?: readonly string[] | undefined
}

export const history = (live: LiveClient, { deviceId, range, metrics }: HistoryOf) =>
  queryOptions({
    queryKey: ['readings', deviceId, keyOf(range), metrics ?? null],
    queryFn: ({ signal }) =>
      readWatched(live, [deviceId], async () => {
        const ask = (query: Record<string, string | number | undefined>) =>
          get<Readings>(`/devices/${deviceId}/readings`, { ...windowOf(range), ...query }, signal)
        try {
          return await ask({ metrics: metricsParam(metrics) })
        } catch (error) {
          // One that was never sent may come any moment; the others are there.
          if (metrics !== undefined && isUnknownMetric(error)) return ask({})
          throw error
        }
      }),
    refetchInterval: () => reloadMs(range, live.serverNow()),
    staleTime: minute,
    // What came while no chart was shown is in no chart.
    refetchOnMount: 'always',
    gcTime: minute,
  })

function keyOf(range: TimeRange): string {
  return range.kind === 'live' ? formatWindow(range.windowMs) : `${range.from}-${range.to}`
}

function windowOf(range: TimeRange) {
  if (range.kind === 'fixed') {
    return { from: range.from, to: range.to, bucket: 'auto', maxPoints: pointsMax }
  }
  return {
    from: `now-${formatWindow(range.windowMs)}`,
    to: 'now+5m',
    bucket: 'auto',
    maxPoints: pointsIn(range.windowMs),
  }
}

/** Of the window and what lies ahead of it, so that buckets are as narrow as for the window alone. */
function pointsIn(windowMs: number): number {
  return Math.min(answerPointsMax, Math.ceil(pointsMax * (1 + aheadMs / windowMs)))
}

/** Live readings keep the line going; reading it anew now and then also brings late backlogs and true averages. */
function reloadMs(range: TimeRange, now: number): number | false {
  if (range.kind === 'fixed' && range.to < now - hour) return false
  const length = lengthOf(range)
  if (length < hour) return 2 * minute
  if (length < 6 * hour) return 3 * minute
  return length <= 24 * hour ? 5 * minute : 10 * minute
}

/** A comma separates names and spaces around them are trimmed, unless there is a backslash before. */
function escaped(metric: string): string {
  return metric.replace(/[\\, ]/g, '\\$&')
}

/** A space at the end of a name is trimmed all the same: then everything is asked for. */
export function metricsParam(metrics: readonly string[] | undefined): string | undefined {
  return metrics?.some((metric) => /\s$/.test(metric)) ? undefined : metrics?.map(escaped).join(',')
}

function isUnknownMetric(error: unknown): boolean {
  return error instanceof ApiError && error.problem.code === 'unknown_metric'
}
