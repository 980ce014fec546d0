import { useEffect, useRef, useSyncExternalStore } from 'react'
import { overlay } from './overlay.ts'

/** Between the keys of a sequence such as `g f`. */
const sequenceMaxMs = 1_200

export type Shortcut = {
  /** `KeyboardEvent.key` as it is pressed: `j`, `?`, `Space`, `ArrowUp`; a sequence: `g f`; `Mod+k` is Ctrl or ⌘. */
  keys: string
  label: string
  /** Its heading in the sheet: `Everywhere`, `Fleet`, `Charts`. */
  group: string
  /** Absent: whoever has the focus listens itself, and the sheet only shows it. */
  run?: () => void
}

type Press = { key: string; mod: boolean; atMs: number }

/** What the keys do right now: the shell's, and those of the page that is shown. */
export class Shortcuts {
  readonly #lists: (readonly Shortcut[])[] = []
  readonly #listeners = new Set<() => void>()
  #shown: readonly Shortcut[] = []
  #begun = { keys: '', atMs: 0 }

  add(list: readonly Shortcut[]): () => void {
    this.#lists.push(list)
    this.#changed()
    return () => {
      this.#lists.splice(this.#lists.indexOf(list), 1)
      this.#changed()
    }
  }

  /** Of two with the same keys the later one works: a page may take over a key of the shell. */
  readonly all = (): readonly Shortcut[] => this.#shown

  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  /** Whether the press was for a shortcut, or began one. */
  press({ key, mod, atMs }: Press): boolean {
    const pressed = `${mod ? 'Mod+' : ''}${key === ' ' ? 'Space' : mod ? key.toLowerCase() : key}`
    const isGoingOn = this.#begun.keys !== '' && atMs - this.#begun.atMs <= sequenceMaxMs
    const keys = isGoingOn ? `${this.#begun.keys} ${pressed}` : pressed
    this.#begun = { keys: '', atMs: 0 }
    const meant = this.#run(keys) ?? (isGoingOn ? this.#run(pressed) : undefined)
    if (meant !== undefined) return true
    if (!this.#shown.some((shortcut) => shortcut.keys.startsWith(`${pressed} `))) return false
    this.#begun = { keys: pressed, atMs }
    return true
  }

  #run(keys: string): Shortcut | undefined {
    const shortcut = this.#shown.find((known) => known.keys === keys && known.run !== undefined)
    shortcut?.run?.()
    return shortcut
  }

  #changed(): void {
    const byKeys = new Map<string, Shortcut>()
    for (const shortcut of this.#lists.flat()) byKeys.set(shortcut.keys, shortcut)
    this.#shown = [...byKeys.values()]
    for (const listener of this.#listeners) listener()
  }
}

export const shortcuts = new Shortcuts()

type KeyTarget = { closest: (selector: string) => unknown } | null
type KeyPress = Pick<
  KeyboardEvent,
  'key' | 'ctrlKey' | 'metaKey' | 'altKey' | 'defaultPrevented' | 'isComposing'
> & { target: KeyTarget }

const fields = 'input, textarea, select, [contenteditable], [role="combobox"], [role="menu"]'

/** Null: the press is not for a shortcut. With Ctrl or ⌘ only `Mod+` shortcuts are meant, and these in fields too. */
export function readPress(event: KeyPress, isDialogOpen: boolean): Pick<Press, 'key' | 'mod'> | null {
  const { key, ctrlKey, metaKey, altKey, defaultPrevented, isComposing, target } = event
  if (defaultPrevented || isComposing || altKey || isDialogOpen) return null
  const mod = ctrlKey || metaKey
  if (!mod && target?.closest(fields)) return null
  // A focused button is pressed by these.
  if ((key === ' ' || key === 'Enter') && target?.closest('button, a, summary, [role="button"]')) return null
  return { key, mod }
}

const openDialogs = 'dialog[open], [role="dialog"], [role="alertdialog"], [role="menu"]'

export function listenForShortcuts(): () => void {
  const hear = (event: KeyboardEvent) => {
    const target = event.target instanceof Element ? event.target : null
    // One that has been asked for may still be on its way.
    const isDialogOpen = overlay.shown() !== null || document.querySelector(openDialogs) !== null
    const press = readPress({ ...pick(event), target }, isDialogOpen)
    if (press !== null && shortcuts.press({ ...press, atMs: event.timeStamp })) event.preventDefault()
  }
  window.addEventListener('keydown', hear)
  return () => window.removeEventListener('keydown', hear)
}

/** The getters of an event are not its own properties. */
function pick({ key, ctrlKey, metaKey, altKey, defaultPrevented, isComposing }: KeyboardEvent) {
  return { key, ctrlKey, metaKey, altKey, defaultPrevented, isComposing }
}

/** A page's own, while it is shown: `useShortcuts([{ keys: 'j', label: 'Next device', group: 'Fleet', run }])`. */
export function useShortcuts(list: readonly Shortcut[]): void {
  const newest = useRef(list)
  newest.current = list
  const shape = JSON.stringify(
    list.map(({ keys, label, group, run }) => [keys, label, group, run === undefined]),
  )
  useEffect(() => {
    const read: [keys: string, label: string, group: string, shownOnly: boolean][] = JSON.parse(shape)
    return shortcuts.add(
      read.map(([keys, label, group, shownOnly], place) => ({
        keys,
        label,
        group,
        ...(!shownOnly && { run: () => newest.current[place]?.run?.() }),
      })),
    )
  }, [shape])
}

export function useAllShortcuts(): readonly Shortcut[] {
  return useSyncExternalStore(shortcuts.subscribe, shortcuts.all)
}
