import type { FleetSparklines, Latest } from '@telltale/api/contract'
import { type MetricLook, troubleOf } from '../types/look.ts'
import { formatDuration } from '../ui/format.ts'

type ShownValue = { metric: string; value: Latest['values'][string]['value']; look: MetricLook }
type Line = FleetSparklines['items'][number] & Pick<FleetSparklines, 'from' | 'stepMs'>

export type RowAlarm = { metric: string; words: string; note: (now: number) => string }

/** The first value beyond a threshold that is called an alarm, and for how long as far as the last hour tells. */
export function alarmOf(values: readonly ShownValue[], line: Line | undefined): RowAlarm | null {
  for (const { metric, value, look } of values) {
    const trouble = troubleOf(value, look)
    if (trouble?.level !== 'alarm') continue
    const since = line?.metric === metric ? beyondSince(line, look) : undefined
    const note = (now: number) => {
      if (since === undefined) return look.label
      return since === null ? 'alarm for over an hour' : `alarm for ${formatDuration(now - since)}`
    }
    return { metric, words: capital(trouble.words), note }
  }
  return null
}

/** Null: since before the line begins. Undefined: the line does not tell. */
function beyondSince({ from, stepMs, values }: Line, look: MetricLook): number | null | undefined {
  let since: number | undefined
  for (let step = values.length - 1; step >= 0; step -= 1) {
    const value = values[step]
    if (value === null || value === undefined) continue
    if (troubleOf(value, look)?.level !== 'alarm') return since
    since = from + step * stepMs
  }
  return since === undefined ? undefined : null
}

function capital(words: string): string {
  return words.charAt(0).toUpperCase() + words.slice(1)
}
