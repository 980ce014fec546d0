import type { Role } from '@telltale/api/contract'
import { useId } from 'react'
import { Choice } from './choice.tsx'
import { roles, roleWords } from './words.ts'

type RoleChoiceProps = { legend: string; value: Role; onChange: (role: Role) => void }

export function RoleChoice({ legend, value, onChange }: RoleChoiceProps) {
  const name = useId()
  return (
    <fieldset className="peoplechoices">
      <legend className="field__label">{legend}</legend>
      {roles.map((role) => (
        <Choice
          key={role}
          name={name}
          title={role.charAt(0).toUpperCase() + role.slice(1)}
          checked={role === value}
          onChange={() => onChange(role)}
        >
          {roleWords[role]}
        </Choice>
      ))}
    </fieldset>
  )
}
