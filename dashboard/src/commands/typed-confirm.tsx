import { TextInput } from '@mantine/core'
import { type ReactNode, type SyntheticEvent, useState } from 'react'

type TypedConfirmProps = {
  label: string
  /** Any of these will do. */
  answers: readonly string[]
  action: string
  /** The way back. */
  keep?: string
  busy?: boolean
  onConfirm: () => void
  onKeep: () => void
  children: ReactNode
}

/** The safe answer is a press away; the other one has to be typed. */
export function TypedConfirm(props: TypedConfirmProps) {
  const { label, answers, action, keep = 'Do not send', busy = false, onConfirm, onKeep, children } = props
  const [typed, setTyped] = useState('')
  const right = answers.some((answer) => plain(answer) === plain(typed))
  const submit = (event: SyntheticEvent) => {
    event.preventDefault()
    if (right && !busy) onConfirm()
  }
  return (
    <form className="confirm" onSubmit={submit}>
      {children}
      <TextInput
        label={label}
        data-autofocus
        spellCheck={false}
        autoCapitalize="none"
        autoComplete="off"
        value={typed}
        onChange={(event) => setTyped(event.currentTarget.value)}
      />
      <div className="confirm__answers">
        <button type="button" className="btn" onClick={onKeep}>
          {keep}
        </button>
        <button type="submit" className="btn btn--danger" disabled={!right || busy}>
          {action}
        </button>
      </div>
    </form>
  )
}

/** The same letters, however the keyboard composes them. */
function plain(text: string): string {
  return text.normalize('NFC').trim()
}
