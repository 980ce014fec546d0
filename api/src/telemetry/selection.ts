import { limits } from '@telltale/infra/limits'
import { existingDevices } from '@telltale/infra/storage/devices'
import type { Pool } from '@telltale/infra/storage/pool'
import { findSeries, type SeriesRecord } from '@telltale/infra/storage/readings'
import { ProblemError } from '../problems.ts'

const METRICS_MAX = 256
/** A name in an error message is a hint, not a copy. */
const SHOWN_CHARS_MAX = 128

/**
 * The series of these metrics (all when undefined) of these devices.
 * @throws ProblemError device_not_found; unknown_metric when no device has ever sent one of them
 */
export async function selectSeries(
  pool: Pool,
  deviceIds: string[],
  metrics: string[] | undefined,
): Promise<SeriesRecord[]> {
  if ((await existingDevices(pool, deviceIds)).size < deviceIds.length)
    throw new ProblemError('device_not_found')
  const { seriesMax } = limits.history
  const series = await findSeries(pool, { deviceIds, metrics, limit: seriesMax + 1 })
  if (series.length > seriesMax)
    throw wrong('invalid_request', [`these are more than ${seriesMax} series; name fewer devices or metrics`])
  const known = new Set(series.map(({ metric }) => metric))
  const unknown = metrics?.filter((metric) => !known.has(metric)) ?? []
  if (unknown.length > 0) throw wrong('unknown_metric', unknown.map(describeUnknown))
  return series
}

function wrong(code: 'invalid_request' | 'unknown_metric', messages: string[]): ProblemError {
  return new ProblemError(code, { fields: messages.map((message) => ({ path: 'query/metrics', message })) })
}

function describeUnknown(metric: string): string {
  return `${JSON.stringify(metric.slice(0, SHOWN_CHARS_MAX))} was never sent`
}

/**
 * `temperature,gps.lat`; a backslash makes the next character part of the name, also a comma, and a space at either
 * end: `a\,b`. Undefined: every metric.
 */
export function parseMetrics(text: string | undefined): string[] | undefined {
  const parts = text?.match(/(?:\\.|[^\\,])+/gs) ?? []
  const metrics = new Set(parts.map((part) => unescaped(part)).filter(Boolean))
  if (metrics.size > METRICS_MAX) throw wrong('invalid_request', [`names more than ${METRICS_MAX} metrics`])
  return metrics.size === 0 ? undefined : [...metrics]
}

function unescaped(part: string): string {
  const characters = part.match(/\\.|[^\\]/gs) ?? []
  const isOfName = (character: string) => character.trim() !== ''
  const first = characters.findIndex(isOfName)
  const named = characters.slice(first, characters.findLastIndex(isOfName) + 1)
  return named.map((character) => character.slice(-1)).join('')
}
