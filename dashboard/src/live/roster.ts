import { liveLimits } from './limits.ts'

type Wish = { devices: readonly string[]; isVisible: boolean }

/** What the other tabs of this browser watch. Every tab keeps it, because every tab may have to lead. */
export class Roster {
  private readonly tabs = new Map<string, Wish & { misses: number }>()

  /** True when the tab is new. */
  note(tab: string, wish: Wish): boolean {
    const isNew = !this.tabs.has(tab)
    this.tabs.set(tab, { ...wish, misses: 0 })
    return isNew
  }

  remove(tab: string): void {
    this.tabs.delete(tab)
  }

  /** A tab that crashed says no goodbye: it is gone when it has missed some calls. */
  call(): void {
    for (const [tab, entry] of this.tabs) {
      entry.misses += 1
      if (entry.misses > liveLimits.rollMissesMax) this.tabs.delete(tab)
    }
  }

  /** The fleet and all devices of all tabs; when they are too many, those that somebody can see. */
  union(own: Wish): readonly string[] {
    const wishes = [own, ...this.tabs.values()].sort((a, b) => Number(b.isVisible) - Number(a.isVisible))
    const ids = new Set(wishes.flatMap(({ devices }) => devices))
    return ['*', ...[...ids].slice(0, liveLimits.devicesMax).sort()]
  }
}
