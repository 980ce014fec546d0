import type { FleetSparklines } from '@telltale/api/contract'
import type { NumberSeries } from '../telemetry/series.ts'
import { beyondSince, forWords, type Newest } from '../tiles/facts.ts'
import { type MetricLook, type Trouble, troubleOf } from '../types/look.ts'

type ShownValue = { metric: string; look: MetricLook } & Newest
type Line = FleetSparklines['items'][number] & Pick<FleetSparklines, 'from' | 'stepMs'>

export type RowAlarm = { metric: string; words: string; note: (now: number) => string }

/** The first value beyond a threshold that is called an alarm, and for how long as far as the last hour tells. */
export function alarmOf(values: readonly ShownValue[], line: Line | undefined): RowAlarm | null {
  for (const { metric, value, time, look } of values) {
    const trouble = troubleOf(value, look)
    if (trouble?.level !== 'alarm') continue
    const since = line?.metric === metric ? sinceOf(line, { value, time }, trouble) : null
    const note = (now: number) => (since === null ? look.label : `alarm ${forWords(since, now)}`)
    return { metric, words: capital(trouble.words), note }
  }
  return null
}

/** As the device's page says it, of a coarser line. Null: the line does not tell. */
function sinceOf({ from, stepMs, values }: Line, newest: Newest, trouble: Trouble) {
  const points = values.flatMap((value, step) =>
    value === null ? [] : [{ t: from + step * stepMs, avg: value, min: value, max: value, count: 1 }],
  )
  const series: NumberSeries = { kind: 'number', points, liveTimes: [] }
  const since = beyondSince(series, newest, trouble)
  // Behind a silence the step may have begun with none, so that only its end is certain.
  const at = since.atLeast && since.at > from ? since.at + stepMs : since.at
  return at < newest.time ? { ...since, at } : null
}

function capital(words: string): string {
  return words.charAt(0).toUpperCase() + words.slice(1)
}
