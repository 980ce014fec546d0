import { useSyncExternalStore } from 'react'
import { cityOf, offsetWords } from './wall-time.ts'

/** In which zone the whole dashboard shows times: that of the browser, or UTC. */
export type Zone = 'local' | 'utc'

const storageKey = 'telltale-zone'

class ZoneStore {
  private readonly listeners = new Set<() => void>()
  /** Of this page only; what is stored is read again when another tab changes it. */
  private chosen: Zone | null = null
  private readonly hear = (event: StorageEvent): void => {
    // null: everything was cleared.
    if (event.key !== storageKey && event.key !== null) return
    this.chosen = null
    this.tell()
  }

  readonly subscribe = (listener: () => void): (() => void) => {
    if (this.listeners.size === 0) window.addEventListener('storage', this.hear)
    this.listeners.add(listener)
    return () => {
      this.listeners.delete(listener)
      if (this.listeners.size === 0) window.removeEventListener('storage', this.hear)
    }
  }

  readonly zone = (): Zone => {
    this.chosen ??= this.read()
    return this.chosen
  }

  choose(zone: Zone): void {
    this.chosen = zone
    try {
      localStorage.setItem(storageKey, zone)
    } catch {
      // Blocked storage: the choice then lasts as long as the page does not reload, which is all we can do.
    }
    this.tell()
  }

  private tell(): void {
    for (const listener of this.listeners) listener()
  }

  private read(): Zone {
    try {
      return localStorage.getItem(storageKey) === 'utc' ? 'utc' : 'local'
    } catch {
      return 'local'
    }
  }
}

export const zoneStore = new ZoneStore()

/** Whoever shows a time calls this, so that it is drawn anew when the zone is switched. */
export function useZone(): Zone {
  return useSyncExternalStore(zoneStore.subscribe, zoneStore.zone)
}

let browserZone: string | undefined

/** The IANA name of the zone that is shown. */
export function shownTimeZone(zone: Zone = zoneStore.zone()): string {
  if (zone === 'utc') return 'UTC'
  browserZone ??= Intl.DateTimeFormat().resolvedOptions().timeZone
  return browserZone
}

/** `Amsterdam`, or `UTC`. */
export function zoneName(zone: Zone): string {
  return cityOf(shownTimeZone(zone))
}

/** `Amsterdam, UTC+1` at that time of the year. */
export function zoneWords(zone: Zone, atMs: number): string {
  const name = zoneName(zone)
  const offset = offsetWords(atMs, shownTimeZone(zone))
  return name === offset ? name : `${name}, ${offset}`
}
