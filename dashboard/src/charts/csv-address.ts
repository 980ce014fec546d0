import { metricsParam } from '../telemetry/history.ts'
import type { Picture } from '../telemetry/series.ts'
import type { ChartSeries } from './chart.tsx'
import { formatWindow, type TimeRange } from './time-range.ts'

/** Proxies in between may refuse longer ones; then the file has all metrics of the devices. */
const metricsCharsMax = 4_000

type Pictures = ReadonlyMap<string, Pick<Picture, 'series'>>

/** Where the API streams every reading of these series as a file, straight to the disk. */
export function csvAddress(all: readonly ChartSeries[], range: TimeRange, pictures: Pictures): string {
  // It refuses a name that was never sent.
  const sent = all.filter(({ deviceId, metric }) => pictures.get(deviceId)?.series[metric] !== undefined)
  const series = sent.length === 0 ? all : sent
  const deviceIds = [...new Set(series.map(({ deviceId }) => deviceId))]
  const [only] = deviceIds
  const metrics = metricsParam([...new Set(series.map(({ metric }) => metric))])
  const query = new URLSearchParams({ ...timesOf(range), format: 'csv' })
  if (metrics !== undefined && encodeURIComponent(metrics).length <= metricsCharsMax) {
    query.set('metrics', metrics)
  }
  if (deviceIds.length === 1) return `/api/v1/devices/${only}/readings?${query}`
  return `/api/v1/readings?devices=${deviceIds.join(',')}&${query}`
}

function timesOf(range: TimeRange): { from: string; to: string } {
  if (range.kind === 'live') return { from: `now-${formatWindow(range.windowMs)}`, to: 'now' }
  return { from: String(Math.floor(range.from)), to: String(Math.ceil(range.to)) }
}
