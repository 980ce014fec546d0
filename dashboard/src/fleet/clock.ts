import { createContext, useContext, useMemo, useRef, useSyncExternalStore } from 'react'
import type { LiveClient } from '../live/client.ts'
import { useLive } from '../use-live.ts'

const tickMs = 1_000

/** One tick a second for every age on the screen, on the server's clock. Stands still while nobody looks. */
class Clock {
  private readonly live: LiveClient
  private readonly listeners = new Set<() => void>()
  private timer: ReturnType<typeof setInterval> | undefined
  private time = 0

  constructor(live: LiveClient) {
    this.live = live
  }

  readonly subscribe = (listener: () => void): (() => void) => {
    this.listeners.add(listener)
    this.timer ??= setInterval(this.tick, tickMs)
    return () => {
      this.listeners.delete(listener)
      if (this.listeners.size > 0) return
      clearInterval(this.timer)
      this.timer = undefined
    }
  }

  /** The same between two ticks: what is written stays, whatever is drawn anew in between. */
  readonly now = (): number => {
    if (this.timer === undefined) this.time = this.live.serverNow()
    return this.time
  }

  private readonly tick = () => {
    this.time = this.live.serverNow()
    for (const listener of this.listeners) listener()
  }
}

const ClockContext = createContext<Clock | null>(null)
export const ClockProvider = ClockContext.Provider

export function useNewClock(): Clock {
  const live = useLive()
  return useMemo(() => new Clock(live), [live])
}

/** Words about a time that passes: what says the same after a tick is not drawn again. */
export function useTicking(words: (now: number) => string): string {
  const clock = useContext(ClockContext)
  if (clock === null) throw new Error('useTicking needs a ClockProvider above it')
  const newest = useRef(words)
  newest.current = words
  return useSyncExternalStore(clock.subscribe, () => newest.current(clock.now()))
}
