import { useEffect, useSyncExternalStore } from 'react'
import { usePhase } from '../shell/use-phase.ts'

/** An upgrade restarts the server, which the stream notices; this is for one that went unnoticed. */
const lookEveryMs = 15 * 60_000

/** The module this page began with; its name holds a hash of all that it can load. */
export function entryOf(page: string): string | null {
  return /<script[^>]+src="(\/assets\/[^"]+\.js)"/.exec(page)?.[1] ?? null
}

export type ServedBuild = 'this' | 'another' | 'unreachable'

/** Which build the server hands out now. The page is asked for with its ETag, so this is a few bytes. */
export async function askServedBuild(): Promise<ServedBuild> {
  const own = document.querySelector('script[type="module"][src^="/assets/"]')?.getAttribute('src')
  try {
    const response = await fetch('/', { cache: 'no-cache', headers: { accept: 'text/html' } })
    if (!response.ok) return 'unreachable'
    const served = entryOf(await response.text())
    // In development, and where something else answers, there is nothing to compare.
    if (own == null || served === null || served === own) return 'this'
    return 'another'
  } catch {
    return 'unreachable'
  }
}

class NewVersion {
  readonly #listeners = new Set<() => void>()
  #isThere = false

  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  readonly isThere = (): boolean => this.#isThere

  announce(): void {
    this.#isThere = true
    for (const listener of this.#listeners) listener()
  }

  async look(): Promise<void> {
    if (!this.#isThere && (await askServedBuild()) === 'another') this.announce()
  }
}

export const newVersion = new NewVersion()

export function useHasNewVersion(): boolean {
  return useSyncExternalStore(newVersion.subscribe, newVersion.isThere)
}

/** Looks whenever the server may have been replaced: when the stream is back, and now and then. */
export function useVersionWatch(): void {
  const phase = usePhase()
  useEffect(() => {
    if (phase === 'live') void newVersion.look()
  }, [phase])
  useEffect(() => {
    const timer = setInterval(() => void newVersion.look(), lookEveryMs)
    return () => clearInterval(timer)
  }, [])
}

export function reloadPage(): void {
  window.location.reload()
}
