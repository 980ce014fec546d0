import { Popover } from '@mantine/core'
import { useLocalStorage } from '@mantine/hooks'
import { Link } from '@tanstack/react-router'
import { Bookmark, Check, X } from 'lucide-react'
import { type SyntheticEvent, useState } from 'react'
import { useSession } from '../session/session.ts'
import { type FleetSearch, searchWords } from './search.ts'
import { isSameSearch, parseViews, type View, viewNameMax, viewsKey, withView } from './views.ts'

/** Filters by name. The address says the same and can be sent to anybody; the names stay in this browser. */
export function SavedViews({ filter }: { filter: FleetSearch }) {
  const { user } = useSession()
  const [views, setViews] = useLocalStorage<View[]>({
    key: viewsKey(user.username),
    defaultValue: [],
    deserialize: (text) => parseViews(text ?? null),
  })
  const [isOpen, setOpen] = useState(false)
  const current = views.find((view) => isSameSearch(view.search, filter))
  return (
    <Popover opened={isOpen} onChange={setOpen} position="bottom-end" width={300} trapFocus returnFocus>
      <Popover.Target>
        <button
          type="button"
          className="btn views"
          aria-label={current?.name ?? 'Views'}
          onClick={() => setOpen(!isOpen)}
        >
          <Bookmark className="i" aria-hidden="true" />
          <span className="cut">{current?.name ?? 'Views'}</span>
        </button>
      </Popover.Target>
      <Popover.Dropdown aria-label="Saved views" className="viewlist">
        {views.length === 0 && <p className="ink-3">A filter you come back to gets a name here.</p>}
        <ul>
          {views.map((view) => (
            <li key={view.name} className="viewlist__item">
              <Link
                to="/"
                search={view.search}
                className="viewlist__link"
                aria-current={view === current ? 'true' : undefined}
                onClick={() => setOpen(false)}
              >
                <span className="cut">{view.name}</span>
                <small className="cut">{searchWords(view.search) || 'all devices'}</small>
                {view === current && <Check className="i i--sm" aria-hidden="true" />}
              </Link>
              <button
                type="button"
                className="btn btn--quiet btn--icon btn--sm"
                aria-label={`Delete ${view.name}`}
                onClick={() => setViews(views.filter((other) => other !== view))}
              >
                <X className="i i--sm" aria-hidden="true" />
              </button>
            </li>
          ))}
        </ul>
        <SaveView filter={filter} onSave={(name) => setViews(withView(views, { name, search: filter }))} />
      </Popover.Dropdown>
    </Popover>
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
