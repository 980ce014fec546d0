import './params-form.css'
import { NativeSelect, TextInput } from '@mantine/core'
import { Plus, X } from 'lucide-react'
import { type KeyboardEvent, type ReactNode, useId, useState } from 'react'
import { rangeWords } from './check.ts'
import type { PlacedErrors } from './placed-errors.ts'
import type { Field } from './schema.ts'
import { type Path, pointerOf, readNumber, shownNumber, steppedNumber, valueAt } from './values.ts'

/** What every field of one form shares. */
export type FormContext = {
  params: unknown
  errors: PlacedErrors
  disabled: boolean
  onChange: (path: Path, value: unknown) => void
  /** For what no form can show. */
  onJson: () => void
}

export function ParamsForm({ root, form }: { root: Field; form: FormContext }) {
  if (root.kind !== 'group')
    return <FieldInput field={{ ...root, label: root.label || 'Value' }} path={[]} form={form} />
  if (root.fields.length === 0) return <p className="ink-3">It takes no parameters.</p>
  return <Fields fields={root.fields} path={[]} form={form} />
}

function Fields({ fields, path, form }: { fields: readonly Field[]; path: Path; form: FormContext }) {
  return (
    <div className="params">
      {fields.map((field) => (
        <FieldInput key={field.key} field={field} path={[...path, field.key]} form={form} />
      ))}
    </div>
  )
}

type FieldProps<K extends Field['kind'] = Field['kind']> = {
  field: Extract<Field, { kind: K }>
  path: Path
  form: FormContext
}

function FieldInput({ field, path, form }: FieldProps) {
  switch (field.kind) {
    case 'boolean':
      return <YesNo field={field} path={path} form={form} />
    case 'number':
      return <NumberInput field={field} path={path} form={form} />
    case 'text':
      return <TextField field={field} path={path} form={form} />
    case 'choice':
      return <Choice field={field} path={path} form={form} />
    case 'group':
      return (
        <Group field={field} path={path} form={form}>
          <Fields fields={field.fields} path={path} form={form} />
        </Group>
      )
    case 'list':
      return <List field={field} path={path} form={form} />
    case 'json':
      return <BeyondForm field={field} path={path} form={form} />
  }
}

const order: ('label' | 'input' | 'description' | 'error')[] = ['label', 'input', 'description', 'error']

/** What Mantine's inputs need to know, the same for each. */
function usual({ field, path, form }: { field: Field; path: Path; form: FormContext }) {
  return {
    label: <Label field={field} />,
    'aria-required': field.required,
    description: field.description || null,
    inputWrapperOrder: order,
    disabled: form.disabled,
    error: form.errors.byField.get(pointerOf(path)) ?? null,
  }
}

function Label({ field }: { field: Field }) {
  return (
    <span className="params__label">
      <bdi className="params__name">{field.label}</bdi>
      {!field.required && <span className="params__optional">optional</span>}
    </span>
  )
}

function TextField(props: FieldProps<'text'>) {
  const { path, form } = props
  const value = valueAt(form.params, path)
  const shown =
    value === undefined || value === null ? '' : typeof value === 'string' ? value : JSON.stringify(value)
  return (
    <TextInput
      {...usual(props)}
      autoComplete="off"
      value={shown}
      onChange={(event) => form.onChange(path, event.currentTarget.value || undefined)}
    />
  )
}

function NumberInput(props: FieldProps<'number'>) {
  const { field, path, form } = props
  const value = valueAt(form.params, path)
  const [typed, setTyped] = useState('')
  const change = (text: string) => {
    setTyped(text)
    form.onChange(path, readNumber(text))
  }
  const step = (event: KeyboardEvent) => {
    if (event.key !== 'ArrowUp' && event.key !== 'ArrowDown') return
    event.preventDefault()
    change(String(steppedNumber(field, value, event.key === 'ArrowUp' ? 1 : -1)))
  }
  return (
    <TextInput
      {...usual(props)}
      description={[field.description, rangeWords(field)].filter(Boolean).join(' · ') || null}
      inputMode={field.min !== undefined && field.min >= 0 ? 'decimal' : 'text'}
      autoComplete="off"
      value={shownNumber(typed, value)}
      onChange={(event) => change(event.currentTarget.value)}
      onKeyDown={step}
    />
  )
}

function Choice(props: FieldProps<'choice'>) {
  const { field, path, form } = props
  const value = valueAt(form.params, path)
  const place = field.options.findIndex((option) => JSON.stringify(option.value) === JSON.stringify(value))
  const stranger = value !== undefined && value !== null && place === -1
  const data = field.options.map(({ label }, index) => ({ value: String(index), label }))
  return (
    <NativeSelect
      {...usual(props)}
      data={[
        { value: '', label: stranger ? JSON.stringify(value) : field.required ? 'Choose…' : 'Not sent' },
        ...data,
      ]}
      value={place === -1 ? '' : String(place)}
      onChange={(event) => form.onChange(path, field.options[Number(event.currentTarget.value || -1)]?.value)}
    />
  )
}

const answers = [
  { words: 'Yes', value: true },
  { words: 'No', value: false },
] as const

/** Two words and no switch: a switch would look like the state of the device, which only the device can tell. */
function YesNo({ field, path, form }: FieldProps<'boolean'>) {
  const value = valueAt(form.params, path)
  return (
    <Group field={field} path={path} form={form} plain>
      <div className="seg">
        {answers.map(({ words, value: answer }) => (
          <button
            key={words}
            type="button"
            className={value === answer ? 'is-active' : ''}
            aria-pressed={value === answer}
            disabled={form.disabled}
            // Pressed again, an optional one is not sent.
            onClick={() => form.onChange(path, value === answer && !field.required ? undefined : answer)}
          >
            {words}
          </button>
        ))}
      </div>
    </Group>
  )
}

type GroupProps = { field: Field; path: Path; form: FormContext; plain?: boolean; children: ReactNode }

function Group({ field, path, form, plain = false, children }: GroupProps) {
  const note = useId()
  const error = form.errors.byField.get(pointerOf(path))
  return (
    <fieldset
      className={plain ? 'paramgroup' : 'paramgroup paramgroup--in'}
      aria-describedby={error === undefined && field.description === '' ? undefined : note}
      data-invalid={error === undefined ? undefined : true}
    >
      <legend className="field__label">
        <Label field={field} />
      </legend>
      <div className="paramgroup__in">{children}</div>
      <div id={note} className="paramgroup__note">
        {field.description !== '' && <p className="ink-3">{field.description}</p>}
        {error !== undefined && <p className="ink-bad">{error}</p>}
      </div>
    </fieldset>
  )
}

function List({ field, path, form }: FieldProps<'list'>) {
  const value = valueAt(form.params, path)
  const items: unknown[] = Array.isArray(value) ? value : []
  const remove = (place: number) => {
    const left = items.filter((_, index) => index !== place)
    form.onChange(path, left.length === 0 && !field.required ? undefined : left)
  }
  const full = field.itemsMax !== undefined && items.length >= field.itemsMax
  return (
    <Group field={field} path={path} form={form}>
      {items.map((_, place) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: an item is its place in the list
        <div key={place} className="paramitem">
          <FieldInput field={itemField(field, place)} path={[...path, place]} form={form} />
          <button
            type="button"
            className="btn btn--quiet btn--icon"
            aria-label={`Remove ${field.label} ${place + 1}`}
            disabled={form.disabled}
            onClick={() => remove(place)}
          >
            <X className="i i--sm" aria-hidden="true" />
          </button>
        </div>
      ))}
      <div>
        <button
          type="button"
          className="btn btn--sm"
          disabled={form.disabled || full}
          onClick={() => form.onChange(path, [...items, field.item.initial ?? null])}
        >
          <Plus className="i i--sm" aria-hidden="true" />
          Add<span className="vh"> to {field.label}</span>
        </button>
      </div>
    </Group>
  )
}

function itemField(list: Extract<Field, { kind: 'list' }>, place: number): Field {
  const named = list.item.label === list.key ? list.label : list.item.label
  return { ...list.item, label: `${named} ${place + 1}` }
}

function BeyondForm({ field, path, form }: FieldProps<'json'>) {
  const value = valueAt(form.params, path)
  return (
    <Group field={field} path={path} form={form}>
      {value !== undefined && <div className="payload">{JSON.stringify(value)}</div>}
      <div>
        <button type="button" className="btn btn--sm" disabled={form.disabled} onClick={form.onJson}>
          Write it as JSON<span className="vh">: {field.label}</span>
        </button>
      </div>
    </Group>
  )
}
