/** Chosen one by one, or everything the filter matches, loaded or not. */
export type Selection =
  | { kind: 'some'; ids: ReadonlySet<string>; anchor: string | null }
  | { kind: 'all'; anchor: string | null }

export const nothing: Selection = { kind: 'some', ids: new Set(), anchor: null }

export function isSelected(selection: Selection, id: string): boolean {
  return selection.kind === 'all' || selection.ids.has(id)
}

/** `matching`: how many devices the filter matches. */
export function countSelected(selection: Selection, matching: number): number {
  return selection.kind === 'all' ? matching : selection.ids.size
}

/** `order`: every id the filter matches. Taking one of all leaves the others, by name. */
export function toggle(selection: Selection, id: string, order: readonly string[]): Selection {
  const ids = new Set(selection.kind === 'all' ? order : selection.ids)
  if (!ids.delete(id)) ids.add(id)
  return { kind: 'some', ids, anchor: id }
}

/** From the last one pressed to this one, both included: all become as the last one is. */
export function extend(selection: Selection, id: string, order: readonly string[]): Selection {
  if (selection.kind === 'all') return toggle(selection, id, order)
  const from = selection.anchor === null ? -1 : order.indexOf(selection.anchor)
  const to = order.indexOf(id)
  if (from < 0 || to < 0 || selection.anchor === null) return toggle(selection, id, order)
  const isOn = selection.ids.has(selection.anchor)
  const ids = new Set(selection.ids)
  for (const each of order.slice(Math.min(from, to), Math.max(from, to) + 1)) {
    if (isOn) ids.add(each)
    else ids.delete(each)
  }
  // The anchor stays: the next press with shift starts from the same one, as in every list.
  return { kind: 'some', ids, anchor: selection.anchor }
}
