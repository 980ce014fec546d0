import { Textarea, TextInput } from '@mantine/core'
import { Plus, X } from 'lucide-react'
import { useMemo, useState } from 'react'
import { readParams } from '../commands/params.ts'
import { ParamsForm } from '../commands/params-form.tsx'
import { readField } from '../commands/schema.ts'
import { initialParams, withValue } from '../commands/values.ts'
import { type CommandDraft, newCommand, type Slots } from './draft.ts'

type CommandRowsProps = {
  commands: CommandDraft[]
  slots: Slots
  disabled: boolean
  onChange: (commands: CommandDraft[]) => void
}

export function CommandRows({ commands, slots, disabled, onChange }: CommandRowsProps) {
  const replace = (changed: CommandDraft) =>
    onChange(commands.map((command) => (command.key === changed.key ? changed : command)))
  return (
    <section className="panel" aria-labelledby="commands">
      <div className="panel__head">
        <h2 className="panel__title" id="commands">
          Commands
        </h2>
        <button
          type="button"
          className="btn btn--sm panel__action"
          disabled={disabled}
          onClick={() => onChange([...commands, newCommand()])}
        >
          <Plus className="i i--sm" aria-hidden="true" />
          Add command
        </button>
      </div>
      {commands.length === 0 ? (
        <p className="panel__body ink-3">
          None described: any command can be sent by its name, with params as JSON, and nothing is checked.
        </p>
      ) : (
        <ul className="commandrows">
          {commands.map((command) => (
            <CommandRow
              key={command.key}
              command={command}
              slots={slots}
              disabled={disabled}
              onChange={replace}
              onRemove={() => onChange(commands.filter(({ key }) => key !== command.key))}
            />
          ))}
        </ul>
      )}
    </section>
  )
}

type CommandRowProps = {
  command: CommandDraft
  slots: Slots
  disabled: boolean
  onChange: (command: CommandDraft) => void
  onRemove: () => void
}

const example = `{
  "type": "object",
  "properties": {
    "level": { "type": "integer", "title": "Level", "minimum": 0, "maximum": 100 }
  },
  "required": ["level"],
  "additionalProperties": false
}`

function CommandRow({ command, slots, disabled, onChange, onRemove }: CommandRowProps) {
  const slot = (name: string) => slots.get(`commands/${command.key}/${name}`)
  const name = command.name || 'the new command'
  return (
    <li className="commandrow" aria-label={name}>
      <div className="commandrow__fields">
        <TextInput
          label="Name"
          placeholder="set-level"
          maxLength={128}
          disabled={disabled}
          spellCheck={false}
          autoCapitalize="none"
          autoComplete="off"
          value={command.name}
          error={slot('name')}
          onChange={(event) => onChange({ ...command, name: event.currentTarget.value })}
        />
        <TextInput
          label="Label"
          placeholder={command.name}
          maxLength={100}
          disabled={disabled}
          autoComplete="off"
          value={command.label}
          error={slot('label')}
          onChange={(event) => onChange({ ...command, label: event.currentTarget.value })}
        />
        <label className="check">
          <input
            type="checkbox"
            checked={command.dangerous}
            disabled={disabled}
            onChange={(event) => onChange({ ...command, dangerous: event.currentTarget.checked })}
          />
          Dangerous: ask again
        </label>
        {!disabled && (
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
      <div className="commandrow__params">
        <div className="commandrow__schema">
          <Textarea
            label="Schema of the params, JSON"
            description="Without one, any JSON is let through."
            inputWrapperOrder={['label', 'input', 'description', 'error']}
            autosize
            minRows={6}
            maxRows={24}
            disabled={disabled}
            spellCheck={false}
            classNames={{ input: 'mono', error: 'schemaerror' }}
            value={command.params}
            error={slot('params')}
            onChange={(event) => onChange({ ...command, params: event.currentTarget.value })}
          />
          {command.params.trim() === '' && !disabled && (
            <button type="button" className="link" onClick={() => onChange({ ...command, params: example })}>
              Begin with an example
            </button>
          )}
        </div>
        <Preview text={command.params} />
      </div>
    </li>
  )
}

/** The form this schema makes, to be tried out: nothing is sent from here. */
function Preview({ text }: { text: string }) {
  const root = useMemo(() => {
    const read = readParams(text)
    return read.ok && read.params !== undefined ? readField(read.params) : null
  }, [text])
  const [tried, setTried] = useState<{ of: unknown; params: unknown }>({ of: null, params: undefined })
  if (root === null) {
    return (
      <div className="preview">
        <span className="field__label">The form it makes</span>
        <p className="ink-3">
          {text.trim() === ''
            ? 'Without a schema people write the params as JSON.'
            : 'Shown when the JSON is whole.'}
        </p>
      </div>
    )
  }
  const params = tried.of === root ? tried.params : initialParams(root)
  return (
    <fieldset className="preview">
      <legend className="field__label">The form it makes</legend>
      <ParamsForm
        root={root}
        form={{
          params,
          errors: { byField: new Map(), rest: [] },
          disabled: false,
          onChange: (path, value) =>
            setTried({ of: root, params: withValue(params, path, { field: root, value }) }),
          onJson: () => undefined,
        }}
      />
    </fieldset>
  )
}
