import { type KeyboardEvent, type RefObject, useEffect, useRef } from 'react'
import type { Selecting } from './use-selection.ts'

const pageRows = 12

type ListKeys = {
  box: RefObject<HTMLUListElement | null>
  ids: readonly string[]
  /** Where the keyboard is, -1 when nowhere. */
  at: number
  /** The first row on the screen. */
  first: number
  setAt: (id: string) => void
  scrollTo: (index: number) => void
  selecting: Selecting
}

const steps: Record<string, number> = {
  ...{ ArrowDown: 1, j: 1, ArrowUp: -1, k: -1 },
  ...{ PageDown: pageRows, PageUp: -pageRows, Home: -Infinity, End: Infinity },
}

/**
 * Arrow keys or j and k go from row to row, with shift they take the row in; x selects, shift and x up to here, Enter
 * opens (it is a link), m the menu, Escape selects nothing.
 */
export function useListKeys(list: ListKeys): (event: KeyboardEvent) => void {
  const { box, ids, at, first, setAt, scrollTo, selecting } = list
  const wanted = useRef<string | null>(null)
  // After the row is there, which may be a moment after it was asked for.
  useEffect(() => {
    if (wanted.current === null) return
    const link = box.current?.querySelector<HTMLElement>(`[data-id="${wanted.current}"] a`)
    if (link == null) return
    wanted.current = null
    link.focus({ preventScroll: true })
  })
  const go = (index: number) => {
    const id = ids[Math.max(0, Math.min(ids.length - 1, index))]
    if (id === undefined) return
    wanted.current = id
    setAt(id)
    scrollTo(ids.indexOf(id))
  }
  useFirstPress(() => go(first))
  return (event) => {
    const { key, shiftKey } = event
    if (event.ctrlKey || event.metaKey || event.altKey) return
    const id = ids[at]
    const step = steps[key.length === 1 ? key.toLowerCase() : key]
    if (step !== undefined) {
      const target = Math.max(0, Math.min(ids.length - 1, at + step))
      const to = ids[target]
      if (shiftKey && id !== undefined && to !== undefined && key.startsWith('Arrow'))
        selecting.stretch(id, to)
      go(target)
    } else if (key.toLowerCase() === 'x' && id !== undefined) selecting.select(id, shiftKey)
    else if (key === 'm' && id !== undefined) press(box, id, '.rowmenu')
    else if (key === 'Escape' && selecting.count > 0) selecting.clear()
    else return
    event.preventDefault()
  }
}

function press(box: RefObject<HTMLElement | null>, id: string, what: string): void {
  box.current?.querySelector<HTMLElement>(`[data-id="${id}"] ${what}`)?.click()
}

/** j from anywhere on the page where no text is being typed leads into the list. */
function useFirstPress(enter: () => void): void {
  const newest = useRef(enter)
  newest.current = enter
  useEffect(() => {
    const listen = ({ key, target, ctrlKey, metaKey, altKey }: globalThis.KeyboardEvent) => {
      if (key === 'j' && target === document.body && !ctrlKey && !metaKey && !altKey) newest.current()
    }
    window.addEventListener('keydown', listen)
    return () => window.removeEventListener('keydown', listen)
  }, [])
}
