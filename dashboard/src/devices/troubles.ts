import type { DeviceType, Latest } from '@telltale/api/contract'
import type { Picture } from '../telemetry/series.ts'
import { beyondSince, expectedEveryMs, forWords, isLate } from '../tiles/facts.ts'
import { metricLook, troubleOf } from '../types/look.ts'

export type Alarm = {
  metric: string
  /** `Temperature above −15 °C`. */
  what: string
  /** `for 7 min`; when its last word is old, `when it was last heard`. */
  lasted: string
}

type Known = {
  values: Latest['values']
  type: DeviceType | null | undefined
  picture: Picture | null
  /** By the device's clock. */
  now: number
  /** Nothing newer is to be expected. */
  isOld: boolean
}

/** The newest values that are beyond an alarm threshold, each with how long it has been so. */
export function alarmsOf({ values, type, picture, now, isOld }: Known): Alarm[] {
  return alarmedMetrics(values, type).flatMap((metric) => {
    const newest = values[metric]
    const look = metricLook(type, metric)
    const trouble = newest === undefined ? null : troubleOf(newest.value, look)
    if (newest === undefined || trouble === null) return []
    const series = picture?.series[metric]
    const isStale = isOld || isLate(now - newest.time, expectedEveryMs(series))
    const since = beyondSince(series?.kind === 'number' ? series : undefined, newest, trouble)
    const lasted = isStale ? 'when it was last heard' : forWords(since, now)
    return [{ metric, what: `${look.label} ${trouble.words}`, lasted }]
  })
}

export function alarmedMetrics(values: Latest['values'], type: DeviceType | null | undefined): string[] {
  // Most devices have no type, and most types no thresholds.
  return Object.keys(type?.metrics ?? {}).filter((metric) => {
    const newest = Object.hasOwn(values, metric) ? values[metric] : undefined
    return newest !== undefined && troubleOf(newest.value, metricLook(type, metric))?.level === 'alarm'
  })
}
