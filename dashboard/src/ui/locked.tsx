import { Lock } from 'lucide-react'

/** Stands beside a control that this person's role may not use. */
export function NeedsRole({ needed }: { needed: 'operator' | 'admin' }) {
  return (
    <span className="locked">
      <Lock className="i i--sm" aria-hidden="true" />
      needs the {needed} role
    </span>
  )
}
