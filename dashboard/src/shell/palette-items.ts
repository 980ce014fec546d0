import type { LucideIcon } from 'lucide-react'
import type { LampShape } from '../ui/lamp.tsx'

export type PaletteItem = {
  id: string
  label: string
  /** Found by these too, though they are not shown. */
  words?: string
  mark: { lamp: LampShape; state: string } | { Icon: LucideIcon }
  /** The id of a device beside its name. */
  note?: string
  /** At the end of the line: a value, a key, or why it cannot be done. */
  end?: string
  isLocked?: boolean
  run: () => void
  /** Stays open, as after "Try again". */
  staysOpen?: boolean
}

export type PaletteGroup = { heading: string; items: readonly PaletteItem[] }

/** Every word has to be somewhere in it: `dev typ` finds "Device types". */
export function matches({ label, words = '' }: Pick<PaletteItem, 'label' | 'words'>, typed: string): boolean {
  const text = `${label} ${words}`.toLowerCase()
  return typed
    .toLowerCase()
    .split(/\s+/)
    .every((word) => text.includes(word))
}

/** Tags of what was found that begin like what was typed; one typed out as `tag:…` is taken as it is. */
export function tagsFor(typed: string, devices: readonly { tags: readonly string[] }[]): string[] {
  const [, exact] = /^tag:([^\s,:]{1,64})$/.exec(typed) ?? []
  if (exact !== undefined) return [exact]
  const start = typed.toLowerCase()
  const tags = devices.flatMap((device) => device.tags).filter((tag) => tag.toLowerCase().startsWith(start))
  return start === '' ? [] : [...new Set(tags)].slice(0, 3)
}

/** The next one down or up, round at the ends. Nothing chosen yet is as the first. */
export function step(ids: readonly string[], active: string | null, by: 1 | -1): string | null {
  if (ids.length === 0) return null
  const place = Math.max(0, ids.indexOf(active ?? ''))
  return ids[(place + by + ids.length) % ids.length] ?? null
}
