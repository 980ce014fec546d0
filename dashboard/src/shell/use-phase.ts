import { useSyncExternalStore } from 'react'
import type { LiveState } from '../live/state.ts'
import { useLive } from '../use-live.ts'

/** Only how the line is: the rest of its state changes four times a second. */
export function usePhase(): LiveState['phase'] {
  const live = useLive()
  return useSyncExternalStore(live.subscribeState, () => live.getState().phase)
}
