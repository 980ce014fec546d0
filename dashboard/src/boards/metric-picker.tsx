import { TextInput } from '@mantine/core'
import { useState } from 'react'
import { formatLook, metricLook } from '../types/look.ts'
import { SkeletonLines } from '../ui/states.tsx'
import { useBoardDevice } from './boards.ts'
import type { PanelDraft } from './panel-draft.ts'

/** A list that fits the eye needs no search. */
const searchFrom = 12

type MetricPickerProps = { draft: PanelDraft; onPick: (metric: string) => void }

/** What the device says, with its newest value: people know their metrics by their numbers. */
export function MetricPicker({ draft, onPick }: MetricPickerProps) {
  const of = useBoardDevice(draft.deviceId)
  const [typed, setTyped] = useState('')
  if (of.isLoading) return <SkeletonLines lines={3} heightPx={32} />
  const isFit = (value: unknown) =>
    draft.kind === 'state' || draft.kind === 'tile' || typeof value === 'number'
  const all = Object.entries(of.values).filter(([, { value }]) => isFit(value))
  const chosen = new Set(
    draft.series.filter(({ deviceId }) => deviceId === draft.deviceId).map(({ metric }) => metric),
  )
  const words = typed.trim().toLowerCase()
  const shown = all.filter(([metric]) => {
    const { label } = metricLook(of.type, metric)
    return `${metric} ${label}`.toLowerCase().includes(words)
  })
  if (all.length === 0) {
    return (
      <p className="ink-3">
        {of.isGone ? 'There is no such device.' : 'It has said nothing yet that such a panel could show.'}
      </p>
    )
  }
  return (
    <fieldset className="metrics">
      <legend className="field__label">
        {draft.kind === 'chart' ? `Metrics, ${draft.series.length} of 8 lines` : 'Metric'}
      </legend>
      {all.length > searchFrom && (
        <TextInput
          aria-label="Find a metric"
          placeholder="Find a metric"
          value={typed}
          onChange={(event) => setTyped(event.currentTarget.value)}
        />
      )}
      <div className="metrics__list">
        {shown.map(([metric, { value }]) => {
          const look = metricLook(of.type, metric)
          const isChosen = chosen.has(metric)
          return (
            <button
              key={metric}
              type="button"
              className={isChosen ? 'metric is-active' : 'metric'}
              aria-pressed={isChosen}
              title={metric}
              onClick={() => onPick(metric)}
            >
              <bdi className="cut">{look.label}</bdi>
              <span className="metric__value num cut">
                {formatLook(value, look)} {look.unit}
              </span>
            </button>
          )
        })}
      </div>
    </fieldset>
  )
}
