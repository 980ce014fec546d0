import { notifications } from '@mantine/notifications'
import { type ComponentType, useEffect, useState } from 'react'
import { lostPartWords } from '../offline/lost-part.ts'
import { overlay, useOverlay } from './overlay.ts'
import type { Administration, Places } from './shell.tsx'

type OverProps = { places: Places; administration: Administration; onClose: () => void }

const aheadMs = 3_000

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
  useAhead()
  const [loaded, setLoaded] = useState<{ Part: ComponentType<OverProps>; of: string } | null>(null)
  useEffect(() => {
    if (shown === null) return
    let isWanted = true
    parts[shown]().then(
      (Part) => isWanted && setLoaded({ Part, of: shown }),
      (error) => {
        if (isWanted) overlay.show(null)
        notifications.show({ id: 'lost-part', message: lostPartWords(error) })
      },
    )
    return () => {
      isWanted = false
    }
  }, [shown])
  if (shown === null || loaded?.of !== shown) return null
  return <loaded.Part {...props} onClose={() => overlay.show(null)} />
}

/** What must open at once, also when the network is away by then: the palette, menus, dialogs, what is said briefly. */
const ahead = [
  parts.palette,
  () => import('../ui/menu-at.tsx'),
  () => import('./user-items.tsx'),
  () => import('../ui/theme-items.tsx'),
  () => import('../ui/zone-items.tsx'),
  () => import('../ui/dialog.tsx'),
  () => import('../ui/toasts.tsx'),
]

/** Before it is asked for, but after the first screen. */
function useAhead(): void {
  useEffect(() => {
    const timer = setTimeout(() => {
      for (const load of ahead) load().catch(() => undefined)
    }, aheadMs)
    return () => clearTimeout(timer)
  }, [])
}
