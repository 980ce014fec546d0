import { NativeSelect, Textarea, TextInput } from '@mantine/core'
import { X } from 'lucide-react'
import { commandLabel } from '../commands/command-fields.tsx'
import { readField } from '../commands/schema.ts'
import { initialParams, paramsText } from '../commands/values.ts'
import { useBoardDevice } from './boards.ts'
import { DevicePicker } from './device-picker.tsx'
import { MetricPicker } from './metric-picker.tsx'
import { type DraftField, type PanelDraft, toggleMetric } from './panel-draft.ts'

type PanelFieldsProps = {
  draft: PanelDraft
  /** Null before anybody has pressed: nobody is told off for a field they have not reached yet. */
  errors: ReadonlyMap<DraftField, string> | null
  onDraft: (draft: PanelDraft) => void
}

export function PanelFields(props: PanelFieldsProps) {
  switch (props.draft.kind) {
    case 'positions':
      return <PositionFields {...props} />
    case 'command':
      return <CommandFieldset {...props} />
    default:
      return <MetricFields {...props} />
  }
}

function MetricFields({ draft, errors, onDraft }: PanelFieldsProps) {
  return (
    <>
      <DevicePicker
        label="Device"
        deviceId={draft.deviceId}
        onDevice={(deviceId) => onDraft({ ...draft, deviceId })}
      />
      {draft.deviceId !== '' && (
        <MetricPicker
          draft={draft}
          onPick={(metric) => onDraft(toggleMetric(draft, { deviceId: draft.deviceId, metric }))}
        />
      )}
      {errors?.get('series') !== undefined && (
        <p className="ink-bad" role="alert">
          {errors.get('series')}
        </p>
      )}
      {draft.kind === 'chart' && <ChosenSeries draft={draft} onDraft={onDraft} />}
      {draft.kind === 'gauge' && (
        <div className="panelform__pair">
          {(['min', 'max'] as const).map((end) => (
            <TextInput
              key={end}
              label={end === 'min' ? 'Scale from' : 'Scale to'}
              placeholder="as the type says"
              inputMode="decimal"
              value={draft[end]}
              error={errors?.get(end)}
              onChange={(event) => onDraft({ ...draft, [end]: event.currentTarget.value })}
            />
          ))}
        </div>
      )}
    </>
  )
}

/** Lines of other devices are not in the list of this one's metrics. */
function ChosenSeries({ draft, onDraft }: Pick<PanelFieldsProps, 'draft' | 'onDraft'>) {
  if (draft.series.length === 0) return null
  return (
    <ul className="chosen" aria-label="Lines of the chart">
      {draft.series.map(({ deviceId, metric }, at) => (
        <li key={`${deviceId} ${metric}`} className="token">
          <span className="cut">
            {deviceId}, {metric}
          </span>
          <button
            type="button"
            aria-label={`Remove ${deviceId}, ${metric}`}
            onClick={() => onDraft({ ...draft, series: draft.series.filter((_, index) => index !== at) })}
          >
            <X className="i" aria-hidden="true" />
          </button>
        </li>
      ))}
    </ul>
  )
}

function PositionFields({ draft, errors, onDraft }: PanelFieldsProps) {
  return (
    <>
      <NativeSelect
        label="Whose"
        value={draft.whose}
        data={[
          { value: 'devices', label: 'These devices' },
          { value: 'tag', label: 'All with a tag' },
        ]}
        onChange={(event) =>
          onDraft({ ...draft, whose: event.currentTarget.value === 'tag' ? 'tag' : 'devices' })
        }
      />
      {draft.whose === 'tag' ? (
        <TextInput
          label="Tag"
          value={draft.tag}
          error={errors?.get('tag')}
          maxLength={64}
          spellCheck={false}
          autoCapitalize="none"
          onChange={(event) => onDraft({ ...draft, tag: event.currentTarget.value })}
        />
      ) : (
        <>
          <DevicePicker
            label="Add a device"
            deviceId=""
            error={errors?.get('devices')}
            onDevice={(id) =>
              onDraft({ ...draft, devices: [...new Set([...draft.devices, id])].slice(0, 50) })
            }
          />
          {draft.devices.length > 0 && (
            <ul className="chosen" aria-label="Devices of the list">
              {draft.devices.map((id) => (
                <li key={id} className="token">
                  <span className="cut">{id}</span>
                  <button
                    type="button"
                    aria-label={`Remove ${id}`}
                    onClick={() => onDraft({ ...draft, devices: draft.devices.filter((one) => one !== id) })}
                  >
                    <X className="i" aria-hidden="true" />
                  </button>
                </li>
              ))}
            </ul>
          )}
        </>
      )}
      <div className="panelform__pair">
        {(['latitude', 'longitude'] as const).map((name) => (
          <TextInput
            key={name}
            label={name === 'latitude' ? 'Metric of the latitude' : 'Metric of the longitude'}
            value={draft[name]}
            error={errors?.get(name)}
            maxLength={128}
            spellCheck={false}
            autoCapitalize="none"
            onChange={(event) => onDraft({ ...draft, [name]: event.currentTarget.value })}
          />
        ))}
      </div>
    </>
  )
}

function CommandFieldset({ draft, errors, onDraft }: PanelFieldsProps) {
  return (
    <>
      <DevicePicker
        label="Device"
        deviceId={draft.deviceId}
        onDevice={(deviceId) => onDraft({ ...draft, deviceId, name: '', params: '' })}
      />
      {draft.deviceId !== '' && <OfDeviceCommands draft={draft} errors={errors} onDraft={onDraft} />}
      {draft.deviceId === '' && errors?.get('name') !== undefined && (
        <p className="ink-bad" role="alert">
          {errors.get('name')}
        </p>
      )}
    </>
  )
}

function OfDeviceCommands({ draft, errors, onDraft }: PanelFieldsProps) {
  const { type } = useBoardDevice(draft.deviceId)
  const commands = type?.commands ?? {}
  const names = Object.keys(commands)
  const choose = (name: string) => {
    const schema = Object.hasOwn(commands, name) ? commands[name]?.params : undefined
    const params = schema === undefined || schema === null ? '' : paramsText(initialParams(readField(schema)))
    onDraft({ ...draft, name, params })
  }
  return (
    <>
      {names.length > 0 ? (
        <NativeSelect
          label="Command"
          value={draft.name}
          error={errors?.get('name')}
          data={[
            { value: '', label: 'Choose a command…' },
            ...names.map((name) => ({ value: name, label: commandLabel(name, commands) })),
            ...(draft.name === '' || names.includes(draft.name)
              ? []
              : [{ value: draft.name, label: draft.name }]),
          ]}
          onChange={(event) => choose(event.currentTarget.value)}
        />
      ) : (
        <TextInput
          label="Command"
          placeholder="set-led"
          maxLength={128}
          spellCheck={false}
          autoCapitalize="none"
          value={draft.name}
          error={errors?.get('name')}
          onChange={(event) => onDraft({ ...draft, name: event.currentTarget.value })}
        />
      )}
      <TextInput
        label="On the button"
        placeholder={draft.name}
        maxLength={200}
        value={draft.label}
        onChange={(event) => onDraft({ ...draft, label: event.currentTarget.value })}
      />
      <Textarea
        label="Parameters, JSON"
        description="What the form begins with; it is shown before anything is sent."
        autosize
        minRows={2}
        maxRows={8}
        spellCheck={false}
        classNames={{ input: 'mono' }}
        value={draft.params}
        error={errors?.get('params')}
        onChange={(event) => onDraft({ ...draft, params: event.currentTarget.value })}
      />
    </>
  )
}
