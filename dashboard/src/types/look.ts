import type { DeviceType, Latest, Threshold } from '@telltale/api/contract'
import { formatValue, prettyMetric } from '../ui/format.ts'

type Value = Latest['values'][string]['value']

/** How a metric is shown: as its type says, or as its name and value suggest. */
export type MetricLook = {
  label: string
  unit: string
  decimals: number | undefined
  /** The least its axis spans. */
  min: number | undefined
  max: number | undefined
  thresholds: readonly Threshold[]
}

export function metricLook(type: DeviceType | null | undefined, metric: string): MetricLook {
  const said = type && Object.hasOwn(type.metrics, metric) ? type.metrics[metric] : undefined
  return {
    label: said?.label ?? prettyMetric(metric),
    unit: said?.unit ?? '',
    decimals: said?.decimals,
    min: said?.min,
    max: said?.max,
    thresholds: said?.thresholds ?? [],
  }
}

export function formatLook(value: Value, { decimals }: Pick<MetricLook, 'decimals'>): string {
  if (typeof value !== 'number' || decimals === undefined) return formatValue(value)
  return value
    .toLocaleString('en-US', { minimumFractionDigits: decimals, maximumFractionDigits: decimals })
    .replace('-', '−')
}

export type Trouble = { level: Threshold['level']; words: string }

/** The worst threshold the value is beyond, in words; null when all is well. */
export function troubleOf(value: Value, look: MetricLook): Trouble | null {
  if (typeof value !== 'number') return null
  const troubles = look.thresholds.flatMap(({ level, above, below }): Trouble[] => {
    const bound = (limit: number) => `${formatLook(limit, look)}${look.unit === '' ? '' : ` ${look.unit}`}`
    if (above !== undefined && value > above) return [{ level, words: `above ${bound(above)}` }]
    if (below !== undefined && value < below) return [{ level, words: `below ${bound(below)}` }]
    return []
  })
  return troubles.find(({ level }) => level === 'alarm') ?? troubles[0] ?? null
}
