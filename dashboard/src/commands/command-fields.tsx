import { NativeSelect, Textarea, TextInput } from '@mantine/core'
import { TriangleAlert } from 'lucide-react'
import type { ParamsError } from './check.ts'
import {
  type Choice,
  type CommandDraft,
  type Commands,
  choose,
  commandOf,
  draftField,
  readDraft,
  withField,
} from './draft.ts'
import { ParamsForm } from './params-form.tsx'
import { type PlacedErrors, placeErrors } from './placed-errors.ts'
import type { Field } from './schema.ts'

type CommandFieldsProps = {
  commands: Commands
  draft: CommandDraft
  onDraft: (draft: CommandDraft) => void
  disabled: boolean
  /** What the server refused about these very params. */
  refused: readonly ParamsError[]
}

/** Which command, and its params: as a form when its schema is known, as JSON always. */
export function CommandFields({ commands, draft, onDraft, disabled, refused }: CommandFieldsProps) {
  const field = draftField(draft, commands)
  const read = readDraft(draft, commands)
  const errors = [...read.shown, ...refused]
  return (
    <div className="commandfields">
      <Chooser commands={commands} draft={draft} onDraft={onDraft} disabled={disabled} />
      {draft.choice.kind !== 'none' && field === null && (
        <JsonText
          draft={draft}
          onDraft={onDraft}
          disabled={disabled}
          jsonError={read.jsonError}
          errors={errors}
        />
      )}
      {field !== null && (
        <>
          <Head draft={draft} onDraft={onDraft} note={field.description} />
          {draft.tab === 'form' ? (
            <Form
              field={field}
              params={read.params}
              jsonError={read.jsonError}
              placed={placeErrors(field, errors, read.params)}
              disabled={disabled}
              draft={draft}
              onDraft={onDraft}
            />
          ) : (
            <JsonText
              draft={draft}
              onDraft={onDraft}
              disabled={disabled}
              jsonError={read.jsonError}
              errors={errors}
            />
          )}
        </>
      )}
    </div>
  )
}

type PartProps = Pick<CommandFieldsProps, 'commands' | 'draft' | 'onDraft' | 'disabled'>

const named = 'named:'

/** A command of the type, or any other by its name: a device may know more than its type says. */
function Chooser({ commands, draft, onDraft, disabled }: PartProps) {
  const { choice } = draft
  const names = Object.keys(commands)
  const pick = (value: string) => onDraft(choose(choiceOf(value), commands))
  return (
    <>
      {names.length > 0 && (
        <NativeSelect
          label="Command"
          disabled={disabled}
          value={choice.kind === 'named' ? named + choice.name : choice.kind}
          data={[
            ...(choice.kind === 'none' ? [{ value: 'none', label: 'Choose a command…' }] : []),
            ...names.map((name) => ({ value: named + name, label: commandLabel(name, commands) })),
            { value: 'other', label: 'Other command…' },
          ]}
          onChange={(event) => pick(event.currentTarget.value)}
        />
      )}
      {choice.kind === 'named' && commandOf(choice.name, commands)?.dangerous === true && (
        <p className="commandfields__note iconline">
          <TriangleAlert className="i i--sm ink-warn" aria-hidden="true" />
          Asks again before it is sent.
        </p>
      )}
      {choice.kind === 'other' && (
        <TextInput
          label={names.length > 0 ? 'Name of the command' : 'Command'}
          placeholder="set-led"
          maxLength={128}
          disabled={disabled}
          spellCheck={false}
          autoCapitalize="none"
          value={choice.name}
          onChange={(event) =>
            onDraft({ ...draft, choice: { kind: 'other', name: event.currentTarget.value } })
          }
        />
      )}
    </>
  )
}

function choiceOf(value: string): Choice {
  if (value.startsWith(named)) return { kind: 'named', name: value.slice(named.length) }
  return value === 'other' ? { kind: 'other', name: '' } : { kind: 'none' }
}

export function commandLabel(name: string, commands: Commands): string {
  const label = commandOf(name, commands)?.label
  return label === undefined || label === name ? name : `${label} (${name})`
}

const tabs = [
  { tab: 'form', words: 'Form' },
  { tab: 'json', words: 'JSON' },
] as const

function Head({ draft, onDraft, note }: Pick<PartProps, 'draft' | 'onDraft'> & { note: string }) {
  return (
    <>
      <div className="commandfields__head">
        <span className="field__label">Parameters</span>
        <fieldset className="seg seg--sm">
          <legend className="vh">Write the parameters as</legend>
          {tabs.map(({ tab, words }) => (
            <button
              key={tab}
              type="button"
              className={draft.tab === tab ? 'is-active' : ''}
              aria-pressed={draft.tab === tab}
              onClick={() => onDraft({ ...draft, tab })}
            >
              {words}
            </button>
          ))}
        </fieldset>
      </div>
      {note !== '' && <p className="commandfields__note">{note}</p>}
    </>
  )
}

type FormProps = Pick<PartProps, 'draft' | 'onDraft' | 'disabled'> & {
  field: Field
  params: unknown
  jsonError: string | null
  placed: PlacedErrors
}

function Form({ field, params, jsonError, placed, disabled, draft, onDraft }: FormProps) {
  if (jsonError !== null) {
    return (
      <p className="ink-bad">
        {jsonError} The form can go on when{' '}
        <button type="button" className="link" onClick={() => onDraft({ ...draft, tab: 'json' })}>
          the JSON is mended
        </button>
        .
      </p>
    )
  }
  return (
    <>
      <ParamsForm
        root={field}
        form={{
          params,
          errors: placed,
          disabled,
          onChange: (path, value) => onDraft(withField(draft, path, { root: field, value })),
          onJson: () => onDraft({ ...draft, tab: 'json' }),
        }}
      />
      <Rest lines={placed.rest} />
    </>
  )
}

type JsonTextProps = Pick<PartProps, 'draft' | 'onDraft' | 'disabled'> & {
  jsonError: string | null
  errors: readonly ParamsError[]
}

function JsonText({ draft, onDraft, disabled, jsonError, errors }: JsonTextProps) {
  return (
    <>
      <Textarea
        label="Parameters, JSON"
        placeholder={'{"on": true}'}
        autosize
        minRows={2}
        maxRows={14}
        disabled={disabled}
        spellCheck={false}
        classNames={{ input: 'mono' }}
        value={draft.text}
        error={jsonError}
        onChange={(event) => onDraft({ ...draft, text: event.currentTarget.value })}
      />
      <Rest lines={errors.map(({ at, message }) => (at === '' ? message : `${at.slice(1)}: ${message}`))} />
    </>
  )
}

function Rest({ lines }: { lines: readonly string[] }) {
  if (lines.length === 0) return null
  return (
    <div role="alert">
      <ul className="commandfields__rest">
        {lines.map((line) => (
          <li key={line}>{line}</li>
        ))}
      </ul>
    </div>
  )
}
