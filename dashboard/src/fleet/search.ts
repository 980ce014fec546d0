import type { FleetQuery } from '@telltale/api/contract'

/** `tag` is one tag, or several with commas between them: the device has all of them. */
export type FleetSearch = FleetQuery
export type FleetStatus = NonNullable<FleetSearch['status']>

export const fleetStatuses = [
  { status: 'online', label: 'Online' },
  { status: 'silent', label: 'Silent' },
  { status: 'offline', label: 'Offline' },
  { status: 'never', label: 'Never seen' },
] as const

const tagsMax = 8

/** The address is what another person pastes: anything not understood is dropped, not shown as an error. */
export function readFleetSearch(search: Record<string, unknown>): FleetSearch {
  const status = statusOf(search.status)
  const q = text(search.q)
  const tag = joinTags(tagsOf({ tag: text(search.tag) }))
  const type = text(search.type)
  return { ...(q && { q }), ...(status && { status }), ...(tag && { tag }), ...(type && { type }) }
}

/** Router values may be numbers when the address says `q=42`. */
function text(value: unknown): string | undefined {
  if (typeof value === 'number') return String(value)
  return typeof value === 'string' && value !== '' ? value : undefined
}

function statusOf(value: unknown): FleetStatus | undefined {
  return fleetStatuses.find(({ status }) => status === value)?.status
}

export function tagsOf({ tag = '' }: { tag?: string | undefined }): string[] {
  return [...new Set(tag.split(/[\s,]+/).filter((name) => name !== '' && !name.includes(':')))].slice(
    0,
    tagsMax,
  )
}

function joinTags(tags: readonly string[]): string | undefined {
  return tags.length === 0 ? undefined : tags.join(',')
}

/** With the tag or, when it is there already, without it. */
export function toggleTag(search: FleetSearch, tag: string): string | undefined {
  const tags = tagsOf(search)
  return joinTags(tags.includes(tag) ? tags.filter((other) => other !== tag) : [...tags, tag])
}

/** Only what is said: the shape of an address. */
export function changeSearch(
  search: FleetSearch,
  part: { [key in keyof FleetSearch]?: FleetSearch[key] | undefined },
): FleetSearch {
  return readFleetSearch({ ...search, ...part })
}

export type Typed = {
  /** To search for now. */
  words: string
  /** Still being typed: a condition without its end, such as `tag:al`. */
  rest: string
  status?: FleetStatus
  tags: string[]
  type?: string
}

/**
 * `tag:almere status:offline pump` as a person types it. A condition counts when a space ends it, or when the person
 * says that it is whole; a status or key that does not exist is just a word.
 */
export function readTyped(input: string, isWhole: boolean): Typed {
  const typed: Typed = { words: '', rest: '', tags: [] }
  const parts = input.split(/\s+/)
  const words: string[] = []
  for (const [index, part] of parts.entries()) {
    const isEnded = isWhole || index < parts.length - 1
    const [, key, value = ''] = /^(tag|status|type):(.*)$/.exec(part) ?? []
    const status = statusOf(value)
    if (key !== undefined && !isEnded) typed.rest = part
    else if (key === 'tag' && tagsOf({ tag: value }).length > 0) typed.tags.push(...tagsOf({ tag: value }))
    else if (key === 'type' && value !== '') typed.type = value
    else if (key === 'status' && status !== undefined) typed.status = status
    else words.push(part)
  }
  typed.words = words.join(' ').trim()
  return typed
}

/** The conditions of a search, as they are typed. */
export function conditionsOf(search: FleetSearch): { key: 'status' | 'type' | 'tag'; value: string }[] {
  return [
    ...(search.status === undefined ? [] : [{ key: 'status' as const, value: search.status }]),
    ...(search.type === undefined ? [] : [{ key: 'type' as const, value: search.type }]),
    ...tagsOf(search).map((value) => ({ key: 'tag' as const, value })),
  ]
}

/** As a person would type it. */
export function searchWords(search: FleetSearch): string {
  const conditions = conditionsOf(search).map(({ key, value }) => `${key}:${value}`)
  return [...conditions, search.q ?? ''].filter(Boolean).join(' ')
}
