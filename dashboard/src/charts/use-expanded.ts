import { useEffect, useState } from 'react'

/** Of a chart on the whole screen, what is not its plot. */
const aroundPlotPx = 120

export type Expanded = {
  /** Null while it stands in its page. */
  heightPx: number | null
  /** Null where the browser cannot, as on some phones. */
  toggle: (() => void) | null
}

/** One chart on the whole screen; Escape, or the same button, brings it back. */
export function useExpanded(section: HTMLElement | null): Expanded {
  const [heightPx, setHeight] = useState<number | null>(null)
  useEffect(() => {
    const look = () => {
      const isExpanded = section !== null && document.fullscreenElement === section
      setHeight(isExpanded ? Math.max(200, window.innerHeight - aroundPlotPx) : null)
    }
    document.addEventListener('fullscreenchange', look)
    window.addEventListener('resize', look)
    return () => {
      document.removeEventListener('fullscreenchange', look)
      window.removeEventListener('resize', look)
    }
  }, [section])
  const toggle = () => {
    if (document.fullscreenElement !== null) void document.exitFullscreen()
    // Refused without a press of the user, which this is; then nothing happens.
    else void section?.requestFullscreen().catch(() => undefined)
  }
  return { heightPx, toggle: document.fullscreenEnabled ? toggle : null }
}
