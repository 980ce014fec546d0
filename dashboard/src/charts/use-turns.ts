import { useEffect, useState } from 'react'
import { flushSync } from 'react-dom'
import type { Frame, Shown } from './frame.ts'

/** What a chart draws: the newest that is shown, as of its last turn. What nobody sees takes none. */
export function useTurns(frame: Frame, isSeen: boolean): Shown {
  const [shown, setShown] = useState(frame.getShown)
  useEffect(() => {
    if (!isSeen) return
    // At once, so that the queue knows what it cost.
    const draw = () => flushSync(() => setShown(frame.getShown()))
    const ask = () => frame.turns.ask(draw)
    ask()
    const forget = frame.subscribeShown(ask)
    return () => {
      forget()
      frame.turns.drop(draw)
    }
  }, [frame, isSeen])
  return shown
}
