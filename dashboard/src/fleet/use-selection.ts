import { useState } from 'react'
import { type FleetSearch, searchWords } from './search.ts'
import { countSelected, extend, nothing, type Selection, toggle } from './selection.ts'
import type { Order } from './use-order.ts'

export type Selecting = {
  selection: Selection
  count: number
  matching: number
  select: (id: string, isRange: boolean) => void
  /** From here to there, both included: what shift and an arrow key say. */
  stretch: (from: string, to: string) => void
  all: () => void
  clear: () => void
}

/** Of one filter: another one selects anew, or somebody would change what they do not see. */
export function useSelection(filter: FleetSearch, { ids }: Order, matching: number): Selecting {
  const words = searchWords(filter)
  const [state, setState] = useState({ words, selection: nothing })
  const selection = state.words === words ? state.selection : nothing
  const set = (next: Selection) => setState({ words, selection: next })
  return {
    selection,
    matching,
    count: countSelected(selection, matching),
    select: (id, isRange) => set(isRange ? extend(selection, id, ids) : toggle(selection, id, ids)),
    stretch: (from, to) => {
      const start = selection.anchor === null ? toggle(selection, from, ids) : selection
      set(extend(start, to, ids))
    },
    all: () => set({ kind: 'all', anchor: null }),
    clear: () => set(nothing),
  }
}
