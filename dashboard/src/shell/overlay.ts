import { useSyncExternalStore } from 'react'

/** What lies over the page: never two. */
type Overlay = 'palette' | 'keys' | 'more' | null

class OverlayStore {
  readonly #listeners = new Set<() => void>()
  #shown: Overlay = null

  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  readonly shown = (): Overlay => this.#shown

  show(overlay: Overlay): void {
    this.#shown = overlay
    for (const listener of this.#listeners) listener()
  }
}

export const overlay = new OverlayStore()

export function useOverlay(): Overlay {
  return useSyncExternalStore(overlay.subscribe, overlay.shown)
}
