import { type ReactNode, useId } from 'react'

type ChoiceProps = {
  name: string
  title: string
  checked: boolean
  onChange: () => void
  children: ReactNode
}

/** One of several, with what it means. */
export function Choice({ name, title, checked, onChange, children }: ChoiceProps) {
  const note = useId()
  return (
    <label className="peoplechoice">
      <input
        type="radio"
        name={name}
        checked={checked}
        aria-label={title}
        aria-describedby={note}
        onChange={onChange}
      />
      <span>
        <span className="strong">{title}</span>
        <span className="peoplechoice__note" id={note}>
          {children}
        </span>
      </span>
    </label>
  )
}
