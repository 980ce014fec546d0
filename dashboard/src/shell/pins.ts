import { useCallback, useSyncExternalStore } from 'react'
import { useSession } from '../session/session.ts'

export const pinsMax = 8
const deviceId = /^[A-Za-z0-9_-][A-Za-z0-9_.-]{0,63}$/

/** What another version, or a person, has written there must not break the side bar. */
export function readPins(stored: string | null): readonly string[] {
  try {
    const value: unknown = JSON.parse(stored ?? '[]')
    if (!Array.isArray(value)) return []
    const ids = value.filter((id): id is string => typeof id === 'string' && deviceId.test(id))
    return [...new Set(ids)].slice(0, pinsMax)
  } catch {
    return []
  }
}

/** Of this browser: another tab's change is heard. */
class PinStore {
  readonly #listeners = new Set<() => void>()
  readonly #read = new Map<string, { stored: string | null; pins: readonly string[] }>()
  /** Where storage is blocked, as long as the page does not reload. */
  readonly #kept = new Map<string, string>()

  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener)
    window.addEventListener('storage', listener)
    return () => {
      this.#listeners.delete(listener)
      window.removeEventListener('storage', listener)
    }
  }

  /** The same array until it changes. */
  get(user: string): readonly string[] {
    const stored = this.#stored(user)
    const before = this.#read.get(user)
    if (before !== undefined && before.stored === stored) return before.pins
    const pins = readPins(stored)
    this.#read.set(user, { stored, pins })
    return pins
  }

  set(user: string, pins: readonly string[]): void {
    const text = JSON.stringify(pins)
    this.#kept.set(user, text)
    try {
      localStorage.setItem(keyOf(user), text)
    } catch {
      // Blocked or full storage: `#kept` has it.
    }
    for (const listener of this.#listeners) listener()
  }

  #stored(user: string): string | null {
    try {
      return localStorage.getItem(keyOf(user)) ?? null
    } catch {
      return this.#kept.get(user) ?? null
    }
  }
}

function keyOf(user: string): string {
  return `telltale-pins:${user}`
}

const pinStore = new PinStore()

export function usePins() {
  const { username } = useSession().user
  const pins = useSyncExternalStore(
    pinStore.subscribe,
    useCallback(() => pinStore.get(username), [username]),
  )
  const isFull = pins.length >= pinsMax
  const toggle = useCallback(
    (id: string) => {
      const now = pinStore.get(username)
      if (now.includes(id))
        pinStore.set(
          username,
          now.filter((pinned) => pinned !== id),
        )
      else if (now.length < pinsMax) pinStore.set(username, [...now, id])
    },
    [username],
  )
  /** Of devices that are gone. */
  const forget = useCallback(
    (gone: readonly string[]) =>
      pinStore.set(
        username,
        pinStore.get(username).filter((id) => !gone.includes(id)),
      ),
    [username],
  )
  return { pins, isFull, toggle, forget }
}
