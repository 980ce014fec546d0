import { NativeSelect, TextInput } from '@mantine/core'
import { Plus, X } from 'lucide-react'
import { prettyMetric } from '../ui/format.ts'
import { type MetricDraft, newMetric, newThreshold, type Slots, type ThresholdDraft } from './draft.ts'

type MetricRowsProps = {
  metrics: MetricDraft[]
  slots: Slots
  disabled: boolean
  onChange: (metrics: MetricDraft[]) => void
}

export function MetricRows({ metrics, slots, disabled, onChange }: MetricRowsProps) {
  const replace = (changed: MetricDraft) =>
    onChange(metrics.map((metric) => (metric.key === changed.key ? changed : metric)))
  return (
    <section className="panel" aria-labelledby="metrics">
      <div className="panel__head">
        <h2 className="panel__title" id="metrics">
          Metrics
        </h2>
        <button
          type="button"
          className="btn btn--sm panel__action"
          disabled={disabled}
          onClick={() => onChange([...metrics, newMetric()])}
        >
          <Plus className="i i--sm" aria-hidden="true" />
          Add metric
        </button>
      </div>
      {metrics.length === 0 ? (
        <p className="panel__body ink-3">
          None described: values are shown under the names that devices give them, without a unit.
        </p>
      ) : (
        <ul className="metricrows">
          {metrics.map((metric) => (
            <MetricRow
              key={metric.key}
              metric={metric}
              slots={slots}
              disabled={disabled}
              onChange={replace}
              onRemove={() => onChange(metrics.filter(({ key }) => key !== metric.key))}
            />
          ))}
        </ul>
      )}
    </section>
  )
}

type MetricRowProps = {
  metric: MetricDraft
  slots: Slots
  disabled: boolean
  onChange: (metric: MetricDraft) => void
  onRemove: () => void
}

const columns = [
  { slot: 'name', label: 'Name', placeholder: 'temperature', max: 128 },
  { slot: 'label', label: 'Label', placeholder: '', max: 100 },
  { slot: 'unit', label: 'Unit', placeholder: '', max: 32 },
  { slot: 'decimals', label: 'Decimals', placeholder: '', max: 2 },
  { slot: 'min', label: 'Axis from', placeholder: '', max: 24 },
  { slot: 'max', label: 'Axis to', placeholder: '', max: 24 },
] as const

function MetricRow({ metric, slots, disabled, onChange, onRemove }: MetricRowProps) {
  const name = metric.name || 'the new metric'
  return (
    <li className="metricrow" aria-label={name}>
      <div className="metricrow__fields">
        {columns.map(({ slot, label, placeholder, max }) => (
          <TextInput
            key={slot}
            label={label}
            placeholder={slot === 'label' ? prettyMetric(metric.name) : placeholder}
            maxLength={max}
            disabled={disabled}
            spellCheck={false}
            autoCapitalize="none"
            autoComplete="off"
            value={metric[slot]}
            error={slots.get(`metrics/${metric.key}/${slot}`)}
            onChange={(event) => onChange({ ...metric, [slot]: event.currentTarget.value })}
          />
        ))}
        {disabled ? (
          <span className="metricrow__remove" />
        ) : (
          <button
            type="button"
            className="btn btn--quiet btn--icon metricrow__remove"
            aria-label={`Remove ${name}`}
            onClick={onRemove}
          >
            <X className="i" aria-hidden="true" />
          </button>
        )}
      </div>
      <Thresholds metric={metric} slots={slots} disabled={disabled} onChange={onChange} />
    </li>
  )
}

const thresholdsMax = 8

function Thresholds({ metric, slots, disabled, onChange }: Omit<MetricRowProps, 'onRemove'>) {
  const { thresholds } = metric
  const set = (next: ThresholdDraft[]) => onChange({ ...metric, thresholds: next })
  return (
    <div className="thresholds">
      {thresholds.map((one) => (
        <ThresholdRow
          key={one.key}
          threshold={one}
          unit={metric.unit}
          error={slots.get(`metrics/${metric.key}/thresholds/${one.key}`)}
          disabled={disabled}
          onChange={(changed) => set(thresholds.map((other) => (other.key === one.key ? changed : other)))}
          onRemove={() => set(thresholds.filter(({ key }) => key !== one.key))}
        />
      ))}
      {!disabled && (
        <button
          type="button"
          className="btn btn--quiet btn--sm"
          disabled={thresholds.length >= thresholdsMax}
          onClick={() => set([...thresholds, newThreshold()])}
        >
          <Plus className="i i--sm" aria-hidden="true" />
          Threshold<span className="vh"> for {metric.name || 'the new metric'}</span>
        </button>
      )}
    </div>
  )
}

type ThresholdRowProps = {
  threshold: ThresholdDraft
  unit: string
  error: string | undefined
  disabled: boolean
  onChange: (threshold: ThresholdDraft) => void
  onRemove: () => void
}

const sides = ['above', 'below'] as const

function ThresholdRow({ threshold, unit, error, disabled, onChange, onRemove }: ThresholdRowProps) {
  return (
    <fieldset className="threshold">
      <legend className="vh">Threshold</legend>
      <NativeSelect
        aria-label="Level"
        disabled={disabled}
        data={[
          { value: 'alarm', label: 'Alarm' },
          { value: 'warning', label: 'Warning' },
        ]}
        value={threshold.level}
        onChange={(event) =>
          onChange({ ...threshold, level: event.currentTarget.value === 'alarm' ? 'alarm' : 'warning' })
        }
      />
      {sides.map((side) => (
        <div key={side} className="threshold__side">
          <span className="ink-2" aria-hidden="true">
            {side}
          </span>
          <TextInput
            aria-label={`${side}${unit === '' ? '' : `, in ${unit}`}`}
            maxLength={24}
            disabled={disabled}
            autoComplete="off"
            value={threshold[side]}
            error={error !== undefined}
            onChange={(event) => onChange({ ...threshold, [side]: event.currentTarget.value })}
          />
        </div>
      ))}
      {!disabled && (
        <button
          type="button"
          className="btn btn--quiet btn--icon"
          aria-label="Remove the threshold"
          onClick={onRemove}
        >
          <X className="i i--sm" aria-hidden="true" />
        </button>
      )}
      {error !== undefined && <span className="threshold__error ink-bad">{error}</span>}
    </fieldset>
  )
}
