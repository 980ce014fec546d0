import { useQuery } from '@tanstack/react-query'
import { Search, X } from 'lucide-react'
import { type KeyboardEvent, type RefObject, useEffect, useId, useRef, useState } from 'react'
import { fleetFacets } from './fleet-queries.ts'
import { changeSearch, conditionsOf, type FleetSearch, readTyped, tagsOf, toggleTag } from './search.ts'
import { complete, type Suggestion, suggest } from './suggest.ts'

const typingPauseMs = 250

type SearchBoxProps = { filter: FleetSearch; onFilter: (next: FleetSearch) => void; count: string }

/** Words, and conditions that become tokens: `tag:`, `status:`, `type:`. */
export function SearchBox({ filter, onFilter, count }: SearchBoxProps) {
  const input = useRef<HTMLInputElement>(null)
  useSlashKey(input)
  const { typed, type, finish } = useTyping(filter, onFilter)
  const list = useSuggestions(typed, filter, (next, isWhole) => (isWhole ? finish(next) : type(next)))
  const onKeyDown = (event: KeyboardEvent) => {
    if (list.onKeyDown(event)) return
    if (event.key === 'Enter') finish(typed)
    // As in every field of tokens: the last one goes with the key that would delete it.
    const last = conditionsOf(filter).at(-1)
    if (event.key === 'Backspace' && typed === '' && last !== undefined) onFilter(without(filter, last))
  }
  return (
    <search className="input search">
      <Search className="i ink-3" aria-hidden="true" />
      {conditionsOf(filter).map((condition) => {
        const words = `${condition.key}:${condition.value}`
        return <Token key={words} words={words} onRemove={() => onFilter(without(filter, condition))} />
      })}
      <input
        ref={input}
        role="combobox"
        aria-label="Search devices"
        aria-autocomplete="list"
        aria-expanded={list.isOpen}
        aria-controls={list.id}
        aria-activedescendant={list.active}
        autoComplete="off"
        spellCheck={false}
        placeholder="Add a name, tag: or status:"
        value={typed}
        onFocus={list.open}
        onBlur={list.close}
        onChange={(event) => {
          list.open()
          type(event.currentTarget.value)
        }}
        onKeyDown={onKeyDown}
      />
      {count !== '' && (
        <span className="search__count num not-phone" role="status">
          {count}
        </span>
      )}
      <kbd className="kbd not-phone">/</kbd>
      {list.options}
    </search>
  )
}

function without(filter: FleetSearch, { key, value }: ReturnType<typeof conditionsOf>[number]): FleetSearch {
  return changeSearch(filter, { [key]: key === 'tag' ? toggleTag(filter, value) : undefined })
}

/** Words count after a pause; a condition when a space ends it, or Enter. */
function useTyping(filter: FleetSearch, onFilter: (next: FleetSearch) => void) {
  const { q = '' } = filter
  const [typed, setTyped] = useState(q)
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined)
  useEffect(() => () => clearTimeout(timer.current), [])
  const apply = (text: string, isWhole: boolean) => {
    clearTimeout(timer.current)
    timer.current = undefined
    const { words, rest, tags, status, type } = readTyped(text, isWhole)
    const hasCondition = tags.length > 0 || status !== undefined || type !== undefined
    if (hasCondition) setTyped([words, rest].filter(Boolean).join(' '))
    const tag = [...tagsOf(filter), ...tags].join(',')
    onFilter(changeSearch(filter, { q: words, tag, ...(status && { status }), ...(type && { type }) }))
  }
  // The address may change from outside (Back, "Remove the filter"); words still being typed win.
  useEffect(() => {
    if (timer.current !== undefined) return
    setTyped((text) => {
      const { words, rest } = readTyped(text, false)
      return words === q ? text : [q, rest].filter(Boolean).join(' ')
    })
  }, [q])
  return {
    typed,
    type: (text: string) => {
      setTyped(text)
      clearTimeout(timer.current)
      timer.current = setTimeout(() => apply(text, false), typingPauseMs)
    },
    finish: (text: string) => apply(text, true),
  }
}

/** Of the word being typed. The arrow keys choose, Enter takes, Escape closes: then the words stay as they are. */
function useSuggestions(
  typed: string,
  filter: FleetSearch,
  onTake: (text: string, isWhole: boolean) => void,
) {
  const id = useId()
  const [isWanted, setWanted] = useState(false)
  const [chosen, setChosen] = useState(-1)
  const facets = useQuery({ ...fleetFacets(filter), enabled: isWanted }).data
  const found = isWanted ? suggest(typed, facets) : []
  const take = (suggestion: Suggestion) => {
    setChosen(-1)
    onTake(complete(typed, suggestion), suggestion.isWhole)
  }
  const isOpen = found.length > 0
  // Where nothing is called what is typed, Enter takes the first.
  const isHalf = found[0]?.isWhole === true && !found.some(({ text }) => typed.endsWith(text))
  const active = Math.min(chosen < 0 && isHalf ? 0 : chosen, found.length - 1)
  return {
    id,
    isOpen,
    active: active < 0 ? undefined : `${id}-${active}`,
    open: () => setWanted(true),
    close: () => {
      setWanted(false)
      setChosen(-1)
    },
    onKeyDown: (event: KeyboardEvent): boolean => {
      const step = { ArrowDown: 1, ArrowUp: -1 }[event.key]
      const suggestion = found[active]
      if (step !== undefined && isOpen) setChosen((active + step + found.length) % found.length)
      else if (event.key === 'Enter' && suggestion !== undefined) take(suggestion)
      else if (event.key === 'Escape' && isOpen) setWanted(false)
      else return false
      event.preventDefault()
      return true
    },
    options: (
      <div id={id} role="listbox" aria-label="Suggestions" className="suggest" hidden={!isOpen}>
        {found.map((suggestion, index) => (
          <div
            key={suggestion.text}
            id={`${id}-${index}`}
            role="option"
            tabIndex={-1}
            aria-selected={index === active}
            className={index === active ? 'suggest__item is-active' : 'suggest__item'}
            // Before the field loses the keyboard, and with it the list.
            onPointerDown={(event) => {
              event.preventDefault()
              take(suggestion)
            }}
          >
            <span className="cut">{suggestion.text}</span>
            <small>{suggestion.note}</small>
          </div>
        ))}
      </div>
    ),
  }
}

function useSlashKey(input: RefObject<HTMLInputElement | null>) {
  useEffect(() => {
    const focus = (event: globalThis.KeyboardEvent) => {
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
