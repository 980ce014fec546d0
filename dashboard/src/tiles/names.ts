import type { DeviceType } from '@telltale/api/contract'

/** Enough for one look; a device may have hundreds. */
export const shownMax = 12
/** An address that is longer is refused on its way. */
const paramCharsMax = 6_000

/** What the type describes comes first, in its order; the others follow as the device named them. */
export function inOrder(names: readonly string[], type: DeviceType | null | undefined): string[] {
  const described = Object.keys(type?.metrics ?? {})
  const has = new Set(names)
  const known = new Set(described)
  return [...described.filter((name) => has.has(name)), ...names.filter((name) => !known.has(name))]
}

/** As the API takes them: a comma inside a name is escaped. As many as an address can carry. */
export function metricsParam(names: readonly string[]): string {
  const parts: string[] = []
  let chars = 0
  for (const name of names) {
    // The API trims names, so one that begins or ends with a space cannot be asked for.
    if (name.trim() !== name || name === '') continue
    const part = name.replace(/[\\,]/g, '\\$&')
    chars += encodeURIComponent(part).length + 3
    if (chars > paramCharsMax) break
    parts.push(part)
  }
  return parts.join(',')
}

/** Any word of the search in the name or its label. */
export function matches(search: string, ...texts: string[]): boolean {
  const wanted = search.trim().toLowerCase().split(/\s+/)
  const text = texts.join(' ').toLowerCase()
  return wanted.every((word) => text.includes(word))
}
