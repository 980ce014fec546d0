import type { DeviceQuery } from '@telltale/api/contract'

export type FleetSearch = Pick<DeviceQuery, 'q' | 'status' | 'tag'>

const statuses = ['online', 'silent', 'offline', 'never'] as const

/** The address is what another person pastes: anything not understood is dropped, not shown as an error. */
export function readFleetSearch(search: Record<string, unknown>): FleetSearch {
  const status = statuses.find((known) => known === search.status)
  const q = text(search.q)
  const tag = text(search.tag)
  return { ...(q && { q }), ...(status && { status }), ...(tag && { tag }) }
}

/** Router values may be numbers when the address says `q=42`. */
function text(value: unknown): string | undefined {
  if (typeof value === 'number') return String(value)
  return typeof value === 'string' && value !== '' ? value : undefined
}

export type Typed = { words: string; status?: NonNullable<FleetSearch['status']>; tag?: string }

/** `tag:almere status:offline pump` as a person types it; a status half typed is still just a word. */
export function readTyped(input: string): Typed {
  const typed: Typed = { words: '' }
  const words: string[] = []
  for (const word of input.split(/\s+/)) {
    const [, key, value = ''] = /^(tag|status):(.+)$/.exec(word) ?? []
    const status = statuses.find((known) => known === value)
    if (key === 'tag') typed.tag = value
    else if (key === 'status' && status !== undefined) typed.status = status
    else words.push(word)
  }
  typed.words = words.join(' ')
  return typed
}
