import type { LiveEvent } from '@telltale/api/contract'
import {
  createContext,
  useCallback,
  useContext,
  useEffect,
  useMemo,
  useReducer,
  useRef,
  useSyncExternalStore,
} from 'react'
import type { LiveClient } from './live/client.ts'
import type { LiveState } from './live/state.ts'
import { useZone } from './ui/zone.ts'

export const LiveContext = createContext<LiveClient | null>(null)

export function useLive(): LiveClient {
  const live = useContext(LiveContext)
  if (live === null) throw new Error('useLive needs a LiveContext above it')
  return live
}

export function useLiveState(): LiveState {
  const live = useLive()
  return useSyncExternalStore(live.subscribeState, live.getState)
}

export function useLiveEvents(listener: (event: LiveEvent) => void): void {
  const live = useLive()
  const newest = useRef(listener)
  newest.current = listener
  useEffect(() => live.subscribe((event) => newest.current(event)), [live])
}

/** Watches by content, not by array identity: a re-render with the same ids keeps the stream. */
export function useWatch(deviceIds: readonly string[]): void {
  const live = useLive()
  const key = deviceIds.join(',')
  const ids = useMemo(() => (key === '' ? [] : key.split(',')), [key])
  useEffect(() => live.watch(ids), [live, ids])
}

/** The server's time; renders again at least every `stepMs`. */
export function useNow(stepMs = 1_000): number {
  const live = useLive()
  // Who shows ages mostly shows times too.
  useZone()
  const [, tick] = useReducer((count: number) => count + 1, 0)
  useEffect(() => {
    const timer = setInterval(tick, stepMs)
    return () => clearInterval(timer)
  }, [stepMs])
  // Read at every render, not at every tick: an event between two ticks must not lie in the future.
  return live.serverNow()
}

/** Everything on screen is old, whatever its own age says. */
export function usePictureIsOld(): boolean {
  const live = useLive()
  // Not the whole state: that is another one with every reading.
  const look = useCallback(() => isAway(live.getState()), [live])
  return useSyncExternalStore(live.subscribeState, look)
}

function isAway({ phase }: LiveState): boolean {
  return phase === 'reconnecting' || phase === 'offline'
}
