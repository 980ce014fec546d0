import { NativeSelect } from '@mantine/core'
import { useNavigate } from '@tanstack/react-router'
import { type SyntheticEvent, useEffect, useState } from 'react'
import type { AuditSearch, Since } from './search.ts'
import { kinds } from './words.ts'

const spans: { since: Since | undefined; label: string }[] = [
  { since: '1h', label: '1 h' },
  { since: '24h', label: '24 h' },
  { since: '7d', label: '7 d' },
  { since: '30d', label: '30 d' },
  { since: undefined, label: 'All' },
]

type Part = { [name in keyof AuditSearch]?: AuditSearch[name] | undefined }
type Change = (part: Part) => void

/** What is chosen stands in the address: a link shows somebody else the same. */
export function AuditFilter({ search }: { search: AuditSearch }) {
  const navigate = useNavigate({ from: '/audit' })
  const change: Change = (part) => {
    const next = Object.fromEntries(
      Object.entries({ ...search, ...part }).filter(([, value]) => value !== undefined && value !== ''),
    ) as AuditSearch
    void navigate({ search: next, replace: true })
  }
  return (
    <search className="auditfilter" aria-label="Filter">
      <Words
        label="Who"
        hint="Who: rosa, token:ci"
        value={search.actor}
        onChange={(actor) => change({ actor })}
      />
      <Kind value={search.action} onChange={change} />
      <Words
        label="About"
        hint="About: a name or id"
        value={search.target}
        onChange={(target) => change({ target })}
      />
      <Span value={search.since} onChange={change} />
      <Outcome value={search.result} onChange={change} />
    </search>
  )
}

type WordsProps = {
  label: string
  hint: string
  value: string | undefined
  onChange: (value: string) => void
}

/** Looked for when it is complete: on Enter, or on leaving the field. */
function Words({ label, hint, value = '', onChange }: WordsProps) {
  const [typed, setTyped] = useState(value)
  useEffect(() => setTyped(value), [value])
  const settle = () => {
    if (typed.trim() !== value) onChange(typed.trim())
  }
  const submit = (event: SyntheticEvent) => {
    event.preventDefault()
    settle()
  }
  return (
    <form className="input" onSubmit={submit}>
      <input
        aria-label={label}
        placeholder={hint}
        spellCheck={false}
        autoCapitalize="none"
        maxLength={256}
        value={typed}
        onChange={(event) => setTyped(event.currentTarget.value)}
        onBlur={settle}
      />
    </form>
  )
}

/** A single action, from a shared address, is offered too. */
function Kind({ value, onChange }: { value: string | undefined; onChange: Change }) {
  const isKnown = value === undefined || kinds.some(({ action }) => action === value)
  return (
    <NativeSelect
      className="auditfilter__kind"
      aria-label="What"
      value={value ?? ''}
      data={[
        { value: '', label: 'Everything' },
        ...kinds.map(({ action, label }) => ({ value: action, label })),
        ...(isKnown ? [] : [{ value, label: value }]),
      ]}
      onChange={(event) => onChange({ action: event.currentTarget.value })}
    />
  )
}

function Span({ value, onChange }: { value: Since | undefined; onChange: Change }) {
  return (
    // biome-ignore lint/a11y/useSemanticElements: buttons, not fields of a form
    <div className="seg" role="group" aria-label="How far back">
      {spans.map(({ since, label }) => (
        <button
          key={label}
          type="button"
          className={since === value ? 'is-active' : ''}
          aria-pressed={since === value}
          onClick={() => onChange({ since })}
        >
          {label}
        </button>
      ))}
    </div>
  )
}

function Outcome({ value, onChange }: { value: 'failed' | undefined; onChange: Change }) {
  const outcomes = [
    { result: undefined, label: 'Any outcome' },
    { result: 'failed', label: 'Failed' },
  ] as const
  return (
    // biome-ignore lint/a11y/useSemanticElements: buttons, not fields of a form
    <div className="seg" role="group" aria-label="Outcome">
      {outcomes.map(({ result, label }) => (
        <button
          key={label}
          type="button"
          className={result === value ? 'is-active' : ''}
          aria-pressed={result === value}
          onClick={() => onChange({ result })}
        >
          {label}
        </button>
      ))}
    </div>
  )
}
