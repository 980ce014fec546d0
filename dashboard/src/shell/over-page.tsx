import { notifications } from '@mantine/notifications'
import { type ComponentType, useEffect, useState } from 'react'
import { isLostPart } from '../offline/lost-part.ts'
import { overlay, useOverlay } from './overlay.ts'
import type { Administration, Places } from './shell.tsx'

type OverProps = { places: Places; administration: Administration; onClose: () => void }

const aheadMs = 1_500

const parts: Record<'palette' | 'keys' | 'more', () => Promise<ComponentType<OverProps>>> = {
  palette: () => import('./palette.tsx').then(({ Palette }) => Palette),
  keys: () => import('./keys-sheet.tsx').then(({ KeysSheet }) => KeysSheet),
  more: () => import('./more-sheet.tsx').then(({ MoreSheet }) => MoreSheet),
}

/**
 * What lies over the page, loaded when it is first asked for. Not with `React.lazy`, which keeps a failure for ever:
 * without the network the page goes on, and the next press tries again.
 */
export function OverPage(props: Omit<OverProps, 'onClose'>) {
  const shown = useOverlay()
  usePaletteAhead()
  const [loaded, setLoaded] = useState<{ Part: ComponentType<OverProps>; of: string } | null>(null)
  useEffect(() => {
    if (shown === null) return
    let isWanted = true
    parts[shown]().then(
      (Part) => isWanted && setLoaded({ Part, of: shown }),
      (error) => {
        if (isWanted) overlay.show(null)
        notifications.show({ id: 'lost-part', message: words(error) })
      },
    )
    return () => {
      isWanted = false
    }
  }, [shown])
  if (shown === null || loaded?.of !== shown) return null
  return <loaded.Part {...props} onClose={() => overlay.show(null)} />
}

/** Whoever presses its keys types on at once: it is there before it is asked for, but after the first screen. */
function usePaletteAhead(): void {
  useEffect(() => {
    const timer = setTimeout(() => void parts.palette().catch(() => undefined), aheadMs)
    return () => clearTimeout(timer)
  }, [])
}

function words(error: unknown): string {
  return isLostPart(error)
    ? 'This could not be loaded. Telltale may be out of reach, or have a new version.'
    : 'This could not be shown.'
}
