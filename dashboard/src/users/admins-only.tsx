import { Lock } from 'lucide-react'
import type { ReactNode } from 'react'
import { NeedsRole } from '../ui/locked.tsx'
import { Quietbox } from '../ui/states.tsx'

/** In place of a page that this person's role may not see: a typed or shared address leads here too. */
export function AdminsOnly({ title, children }: { title: string; children: ReactNode }) {
  return (
    <div className="panel">
      <Quietbox icon={<Lock className="i" aria-hidden="true" />} title={title}>
        <span>{children}</span>
        <NeedsRole needed="admin" />
      </Quietbox>
    </div>
  )
}
