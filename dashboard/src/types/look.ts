import type { DeviceType, Latest, Threshold } from '@telltale/api/contract'
import { formatValue, prettyMetric } from '../ui/format.ts'
import { grouped } from '../ui/grouped.ts'

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

/** Beyond this, digits are no longer read: 1e300 with one decimal would be 301 of them. */
const writtenOutMax = 1e9

/** A yes or a no is what people read where a device says true or false. */
export function formatLook(value: Value, { decimals }: Pick<MetricLook, 'decimals'>): string {
  if (typeof value === 'boolean') return value ? 'yes' : 'no'
  if (typeof value !== 'number' || decimals === undefined || Math.abs(value) >= writtenOutMax)
    return formatValue(value)
  const text = grouped(value, { min: decimals, max: decimals })
  // What rounds to nothing has no sign.
  return /[1-9]/.test(text) ? text.replace('-', '−') : text.replace('-', '')
}

export type Trouble = {
  level: Threshold['level']
  words: string
  limit: number
  side: 'above' | 'below'
}

/** The worst threshold the value is beyond, in words; null when all is well. */
export function troubleOf(value: Value, look: MetricLook): Trouble | null {
  if (typeof value !== 'number') return null
  const troubles = look.thresholds.flatMap(({ level, above, below }): Trouble[] => {
    if (above !== undefined && value > above) return [trouble(look, { level, limit: above, side: 'above' })]
    if (below !== undefined && value < below) return [trouble(look, { level, limit: below, side: 'below' })]
    return []
  })
  return troubles.find(({ level }) => level === 'alarm') ?? troubles[0] ?? null
}

function trouble(look: MetricLook, found: Omit<Trouble, 'words'>): Trouble {
  // Decimals that say nothing are for values, which must not change their width.
  const bound = formatLook(found.limit, look).replace(/\.0+$/, '')
  return { ...found, words: `${found.side} ${look.unit === '' ? bound : `${bound} ${look.unit}`}` }
}
