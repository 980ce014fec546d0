import { useNavigate } from '@tanstack/react-router'
import type { Device } from '@telltale/api/contract'
import { Search, X } from 'lucide-react'
import { type ReactNode, useEffect, useRef, useState } from 'react'
import { formatCount } from '../ui/format.ts'
import { type FleetSearch, readTyped } from './search.ts'
import { useFleetSummary } from './summary.ts'

const typingPauseMs = 250
const facetTagsMax = 8

const statusFacets = [
  { status: 'online', label: 'Online' },
  { status: 'silent', label: 'Silent' },
  { status: 'offline', label: 'Offline' },
  { status: 'never', label: 'Never seen' },
] as const

type FilterProps = {
  filter: FleetSearch
  shown: number
  more: boolean
  devices: Device[]
  /** What can be done with all that match. */
  children: ReactNode
}

export function Filter({ filter, shown, more, devices, children }: FilterProps) {
  const navigate = useNavigate({ from: '/' })
  const change = (part: Partial<Record<keyof FleetSearch, string | undefined>>) => {
    const search = Object.fromEntries(
      Object.entries({ ...filter, ...part }).filter(([, value]) => value !== undefined && value !== ''),
    ) as FleetSearch
    void navigate({ search, replace: true })
  }
  const total = useFleetSummary().data?.total
  const filtered = Object.keys(filter).length > 0
  const count = `${formatCount(shown)}${more ? '+' : ''}${total === undefined ? '' : ` of ${formatCount(total)}`}`
  return (
    <section className="filter" aria-label="Filter">
      <div className="filter__row">
        <SearchBox filter={filter} onChange={change} count={filtered ? count : ''} />
        {children}
      </div>
      <Facets filter={filter} onChange={change} tags={commonTags(devices, filter.tag)} />
    </section>
  )
}

type Change = (part: Partial<Record<keyof FleetSearch, string | undefined>>) => void

function SearchBox({ filter, onChange, count }: { filter: FleetSearch; onChange: Change; count: string }) {
  const input = useRef<HTMLInputElement>(null)
  const [typed, setTyped] = useState(filter.q ?? '')
  useSlashKey(input)
  const type = (text: string) => {
    setTyped(text)
    clearTimeout(timer.current)
    timer.current = setTimeout(() => {
      timer.current = undefined
      const { words, tag, status } = readTyped(text)
      if (tag !== undefined || status !== undefined) setTyped(words)
      onChange({ q: words.trim(), ...(tag && { tag }), ...(status && { status }) })
    }, typingPauseMs)
  }
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined)
  useEffect(() => () => clearTimeout(timer.current), [])
  // The address may change from outside (Back, "Remove the filter"); words still being typed win.
  const { q = '' } = filter
  useEffect(() => {
    if (timer.current === undefined) setTyped((words) => (words.trim() === q ? words : q))
  }, [q])
  return (
    <search className="input search">
      <Search className="i ink-3" aria-hidden="true" />
      {filter.status !== undefined && (
        <Token words={`status:${filter.status}`} onRemove={() => onChange({ status: undefined })} />
      )}
      {filter.tag !== undefined && (
        <Token words={`tag:${filter.tag}`} onRemove={() => onChange({ tag: undefined })} />
      )}
      <input
        ref={input}
        aria-label="Search devices"
        placeholder="Add a name, tag: or status:"
        value={typed}
        onChange={(event) => type(event.currentTarget.value)}
      />
      {count !== '' && (
        <span className="search__count num not-phone" role="status">
          {count}
        </span>
      )}
      <kbd className="kbd not-phone">/</kbd>
    </search>
  )
}

function useSlashKey(input: React.RefObject<HTMLInputElement | null>) {
  useEffect(() => {
    const focus = (event: KeyboardEvent) => {
      const inField =
        event.target instanceof HTMLElement && event.target.closest('input, textarea, select') !== null
      if (event.key !== '/' || inField || event.ctrlKey || event.metaKey) return
      event.preventDefault()
      input.current?.focus()
    }
    window.addEventListener('keydown', focus)
    return () => window.removeEventListener('keydown', focus)
  }, [input])
}

function Token({ words, onRemove }: { words: string; onRemove: () => void }) {
  return (
    <span className="token">
      {words}
      <button type="button" aria-label={`Remove ${words}`} onClick={onRemove}>
        <X className="i" aria-hidden="true" />
      </button>
    </span>
  )
}

function Facets({ filter, onChange, tags }: { filter: FleetSearch; onChange: Change; tags: string[] }) {
  const summary = useFleetSummary().data
  return (
    <div className="facets">
      {statusFacets.map(({ status, label }) => {
        const on = filter.status === status
        return (
          <button
            key={status}
            type="button"
            className={on ? 'facet is-on' : 'facet'}
            aria-pressed={on}
            onClick={() => onChange({ status: on ? undefined : status })}
          >
            {label} <b>{summary === undefined ? '' : formatCount(summary[status])}</b>
          </button>
        )
      })}
      {tags.length > 0 && <span className="facets__sep" />}
      {tags.map((tag) => {
        const on = filter.tag === tag
        return (
          <button
            key={tag}
            type="button"
            className={on ? 'facet is-on' : 'facet'}
            aria-pressed={on}
            onClick={() => onChange({ tag: on ? undefined : tag })}
          >
            {tag}
          </button>
        )
      })}
    </div>
  )
}

/** The tags of the rows loaded so far, most used first; the chosen one stays even when it is rare. */
function commonTags(devices: readonly Device[], chosen: string | undefined): string[] {
  const uses = new Map<string, number>()
  for (const device of devices) for (const tag of device.tags) uses.set(tag, (uses.get(tag) ?? 0) + 1)
  const tags = [...uses].sort((a, b) => b[1] - a[1] || a[0].localeCompare(b[0])).map(([tag]) => tag)
  const shown = tags.slice(0, facetTagsMax)
  return chosen === undefined || shown.includes(chosen) ? shown : [chosen, ...shown.slice(0, -1)]
}
