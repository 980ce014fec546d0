import { useEffect, useRef, useState } from 'react'

const stillAfterMs = 3_000
const stepMs = 200

/** Whether the mouse has rested for a while: then the cursor goes, and the boards go on. */
export function useStillness(): boolean {
  const [isStill, setStill] = useState(true)
  useEffect(() => {
    let timer: ReturnType<typeof setTimeout> | undefined
    const onMove = (event: PointerEvent) => {
      // A page that appears under a resting mouse says "moved" once, by nothing.
      if (event.movementX === 0 && event.movementY === 0) return
      setStill(false)
      clearTimeout(timer)
      timer = setTimeout(() => setStill(true), stillAfterMs)
    }
    window.addEventListener('pointermove', onMove)
    return () => {
      clearTimeout(timer)
      window.removeEventListener('pointermove', onMove)
    }
  }, [])
  return isStill
}

/** Counts the turns, and how much of this one is over. Held, the time that has passed stays passed. */
export function useCycle(count: number, everyMs: number, paused: boolean) {
  const [turn, setTurn] = useState({ at: 0, share: 0 })
  const passed = useRef(0)
  useEffect(() => {
    if (paused || count < 2) return
    let last = performance.now()
    const timer = setInterval(() => {
      const now = performance.now()
      passed.current += now - last
      last = now
      const isOver = passed.current >= everyMs
      if (isOver) passed.current = 0
      const share = passed.current / everyMs
      setTurn((old) => ({ at: isOver ? old.at + 1 : old.at, share }))
    }, stepMs)
    return () => clearInterval(timer)
  }, [count, everyMs, paused])
  return { ...turn, paused }
}

/** Where the browser can: a wall that goes dark is none. The lock is lost whenever the page is hidden. */
export function useAwake(): void {
  useEffect(() => {
    let lock: WakeLockSentinel | undefined
    let isOver = false
    const ask = async () => {
      if (document.hidden || !('wakeLock' in navigator)) return
      // Refused on low battery, or on plain http: the screen's own settings have the last word.
      const granted = await navigator.wakeLock.request('screen').catch(() => undefined)
      if (isOver) await granted?.release()
      else lock = granted
    }
    void ask()
    document.addEventListener('visibilitychange', ask)
    return () => {
      isOver = true
      document.removeEventListener('visibilitychange', ask)
      void lock?.release()
    }
  }, [])
}
