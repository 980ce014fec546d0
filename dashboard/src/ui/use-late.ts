import { notifications } from '@mantine/notifications'
import { type ComponentType, useCallback, useEffect, useRef, useState } from 'react'
import { lostPartWords } from '../offline/lost-part.ts'

/** What brings a part; the same function at every render. */
export type Load<P> = () => Promise<ComponentType<P>>

/**
 * A part that is no part of the first sight: `want` loads it ahead, when somebody comes near, and it is shown once it
 * is there and needed. Not with `React.lazy`, which keeps a failure for ever: without the network the page goes on,
 * and the next press tries again.
 */
export function useLate<P>(
  load: Load<P>,
  isNeeded: boolean,
  onLost: () => void,
): [Part: ComponentType<P> | null, want: () => void] {
  const [Part, setPart] = useState<ComponentType<P> | null>(null)
  const lost = useRef(onLost)
  lost.current = onLost
  const want = useCallback(() => void load().then((Loaded) => setPart(() => Loaded), ignore), [load])
  useEffect(() => {
    if (!isNeeded || Part !== null) return
    let isWanted = true
    load().then(
      (Loaded) => isWanted && setPart(() => Loaded),
      (error) => {
        if (isWanted) lost.current()
        notifications.show({ id: 'lost-part', message: lostPartWords(error) })
      },
    )
    return () => {
      isWanted = false
    }
  }, [isNeeded, Part, load])
  return [Part, want]
}

function ignore(): void {}
