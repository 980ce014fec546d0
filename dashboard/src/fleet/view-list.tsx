import { Link } from '@tanstack/react-router'
import { Check, X } from 'lucide-react'
import { type SyntheticEvent, useState } from 'react'
import type { AtButtonProps } from '../ui/late-menu.tsx'
import { PopoverAt } from '../ui/menu-at.tsx'
import { type FleetSearch, searchWords } from './search.ts'
import { type View, viewNameMax, withView } from './views.ts'

type ViewListProps = AtButtonProps & {
  views: View[]
  current: View | undefined
  filter: FleetSearch
  onViews: (views: View[]) => void
}

export function ViewList({ views, current, filter, onViews, ...at }: ViewListProps) {
  return (
    <PopoverAt {...at} position="bottom-end" width={300} label="Saved views" className="viewlist">
      {views.length === 0 && <p className="ink-3">A filter you come back to gets a name here.</p>}
      <ul>
        {views.map((view) => (
          <li key={view.name} className="viewlist__item">
            <Link
              to="/"
              search={view.search}
              className="viewlist__link"
              aria-current={view === current ? 'true' : undefined}
              onClick={at.onClose}
            >
              <span className="cut">{view.name}</span>
              <small className="cut">{searchWords(view.search) || 'all devices'}</small>
              {view === current && <Check className="i i--sm" aria-hidden="true" />}
            </Link>
            <button
              type="button"
              className="btn btn--quiet btn--icon btn--sm"
              aria-label={`Delete ${view.name}`}
              onClick={() => onViews(views.filter((other) => other !== view))}
            >
              <X className="i i--sm" aria-hidden="true" />
            </button>
          </li>
        ))}
      </ul>
      <SaveView filter={filter} onSave={(name) => onViews(withView(views, { name, search: filter }))} />
    </PopoverAt>
  )
}

function SaveView({ filter, onSave }: { filter: FleetSearch; onSave: (name: string) => void }) {
  const [name, setName] = useState('')
  const words = searchWords(filter)
  if (words === '') return <p className="ink-3 viewlist__hint">Filter the list first, then save it here.</p>
  const submit = (event: SyntheticEvent) => {
    event.preventDefault()
    if (name.trim() === '') return
    onSave(name.trim())
    setName('')
  }
  return (
    <form className="viewlist__save" onSubmit={submit}>
      <div className="input">
        <input
          aria-label={`Name for ${words}`}
          placeholder="Name for this filter"
          maxLength={viewNameMax}
          data-autofocus
          value={name}
          onChange={(event) => setName(event.currentTarget.value)}
        />
      </div>
      <button type="submit" className="btn" disabled={name.trim() === ''}>
        Save view
      </button>
    </form>
  )
}
