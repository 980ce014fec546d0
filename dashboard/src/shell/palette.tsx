import './palette.css'
import { Lock, Search, X } from 'lucide-react'
import { type KeyboardEvent, useEffect, useRef, useState } from 'react'
import { Lamp } from '../ui/lamp.tsx'
import { Late } from '../ui/states.tsx'
import { Over } from './over.tsx'
import { type PaletteGroup, type PaletteItem, step } from './palette-items.ts'
import type { Place } from './places.ts'
import { usePaletteGroups } from './use-palette-groups.ts'

const listId = 'palette-list'
const optionId = (id: string) => `palette-${id}`

type PaletteProps = { places: readonly Place[]; administration: readonly Place[]; onClose: () => void }

/**
 * A combobox whose choice is the id of a line, not its place: what the server finds later moves no choice. Mantine's
 * spotlight keeps its choice in the DOM, by place, and tells a screen reader nothing of it.
 */
export function Palette({ places, administration, onClose }: PaletteProps) {
  const [typed, setTyped] = useState('')
  const [chosen, setChosen] = useState<string | null>(null)
  const { groups, isPending, nothing } = usePaletteGroups(typed.trim(), [...places, ...administration])
  const items = groups.flatMap((group) => group.items)
  const active = items.find(({ id }) => id === chosen) ?? items[0]
  const run = (item: PaletteItem | undefined) => {
    if (item === undefined || item.isLocked) return
    if (!item.staysOpen) onClose()
    item.run()
  }
  const runFirst = useFirstWhenFound(isPending && chosen === null, () => run(items[0]))
  const press = (event: KeyboardEvent) => {
    if (event.nativeEvent.isComposing) return
    if (event.key === 'Enter') {
      if (isPending && chosen === null) runFirst()
      else run(active)
    } else if (event.key === 'ArrowDown' || event.key === 'ArrowUp') {
      const ids = items.map(({ id }) => id)
      setChosen(step(ids, active?.id ?? null, event.key === 'ArrowDown' ? 1 : -1))
    } else return
    event.preventDefault()
  }
  return (
    <Over label="Search and do" look="palette" onClose={onClose}>
      <div className="palette__head">
        <Search className="i ink-3" aria-hidden="true" />
        <input
          // biome-ignore lint/a11y/noAutofocus: it is what was asked for
          autoFocus
          role="combobox"
          aria-label="Search devices, pages and actions"
          aria-expanded={items.length > 0}
          aria-controls={listId}
          aria-activedescendant={active && optionId(active.id)}
          aria-autocomplete="list"
          autoComplete="off"
          spellCheck={false}
          enterKeyHint="go"
          placeholder="A device, a page, something to do"
          value={typed}
          onChange={(event) => {
            setTyped(event.currentTarget.value)
            setChosen(null)
          }}
          onKeyDown={press}
        />
        {isPending && (
          <Late>
            <Lamp shape="busy" />
          </Late>
        )}
        <button type="button" className="palette__close" onClick={onClose} aria-label="Close, esc">
          <kbd className="kbd not-phone">esc</kbd>
          <X className="i only-phone" aria-hidden="true" />
        </button>
      </div>
      <div className="palette__list" id={listId} role="listbox" aria-label="Found">
        {groups.map((group) => (
          <Group key={group.heading} group={group} active={active?.id} onChoose={setChosen} onRun={run} />
        ))}
      </div>
      {nothing !== null && <p className="palette__nothing">{nothing}</p>}
      <span className="vh" role="status">
        {isPending ? '' : `${items.length} found`}
      </span>
    </Over>
  )
}

type GroupProps = {
  group: PaletteGroup
  active: string | undefined
  onChoose: (id: string) => void
  onRun: (item: PaletteItem) => void
}

function Group({ group, active, onChoose, onRun }: GroupProps) {
  return (
    // biome-ignore lint/a11y/useSemanticElements: a group of options, not of form fields
    <div role="group" aria-label={group.heading}>
      <div className="palette__heading" aria-hidden="true">
        {group.heading}
      </div>
      {group.items.map((item) => (
        <Option
          key={item.id}
          item={item}
          isActive={item.id === active}
          onChoose={() => onChoose(item.id)}
          onRun={() => onRun(item)}
        />
      ))}
    </div>
  )
}

type OptionProps = { item: PaletteItem; isActive: boolean; onChoose: () => void; onRun: () => void }

function Option({ item, isActive, onChoose, onRun }: OptionProps) {
  const { mark } = item
  const option = useRef<HTMLDivElement>(null)
  useEffect(() => {
    if (isActive) option.current?.scrollIntoView({ block: 'nearest' })
  }, [isActive])
  return (
    // biome-ignore lint/a11y/useKeyWithClickEvents: the keyboard is in the field, which names the active option
    // biome-ignore lint/a11y/useFocusableInteractive: as above
    <div
      ref={option}
      id={optionId(item.id)}
      role="option"
      aria-selected={isActive}
      aria-disabled={item.isLocked}
      className={isActive ? 'palette__item is-active' : 'palette__item'}
      // A list that changes under a resting pointer chooses nothing.
      onPointerMove={isActive ? undefined : onChoose}
      onClick={onRun}
    >
      {'lamp' in mark ? <Lamp shape={mark.lamp} /> : <mark.Icon className="i" aria-hidden="true" />}
      <span className="cut">
        {item.label}
        {'lamp' in mark && <span className="vh">, {mark.state}</span>}
      </span>
      {item.note !== undefined && <span className="palette__note cut">{item.note}</span>}
      {(item.end ?? '') !== '' && (
        <span className="palette__end">
          {item.isLocked && <Lock className="i i--sm" aria-hidden="true" />}
          {item.end}
        </span>
      )}
    </div>
  )
}

/** Enter right after typing means what will be found, not what was found for the letters before. */
function useFirstWhenFound(isPending: boolean, runNow: () => void): () => void {
  const [isWanted, setWanted] = useState(false)
  const newest = useRef(runNow)
  newest.current = runNow
  useEffect(() => {
    if (!isWanted || isPending) return
    setWanted(false)
    newest.current()
  }, [isWanted, isPending])
  return () => setWanted(true)
}
