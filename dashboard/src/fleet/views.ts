import { type FleetSearch, readFleetSearch, searchWords } from './search.ts'

export type View = { name: string; search: FleetSearch }

const viewsMax = 50
export const viewNameMax = 60

/** Kept in this browser, for this person: the address itself is what others are sent. */
export function viewsKey(username: string): string {
  return `telltale.views.${username}`
}

/** What another version of this page or a curious hand left there is dropped, never an error. */
export function parseViews(text: string | null): View[] {
  try {
    const stored: unknown = JSON.parse(text ?? '[]')
    if (!Array.isArray(stored)) return []
    return stored.flatMap((view: unknown) => parseView(view)).slice(0, viewsMax)
  } catch {
    return []
  }
}

function parseView(view: unknown): View[] {
  if (typeof view !== 'object' || view === null) return []
  const { name, search } = view as Record<string, unknown>
  if (typeof name !== 'string' || name === '' || typeof search !== 'object' || search === null) return []
  return [{ name: name.slice(0, viewNameMax), search: readFleetSearch(search as Record<string, unknown>) }]
}

/** The same name again takes the place of the old view. By name, as people look for it. */
export function withView(views: readonly View[], view: View): View[] {
  const others = views.filter(({ name }) => name !== view.name)
  return [...others, view].sort((a, b) => a.name.localeCompare(b.name)).slice(0, viewsMax)
}

export function isSameSearch(a: FleetSearch, b: FleetSearch): boolean {
  return searchWords(a) === searchWords(b)
}
