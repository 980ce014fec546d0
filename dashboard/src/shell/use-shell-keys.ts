import { useNavigate } from '@tanstack/react-router'
import { useEffect } from 'react'
import { overlay } from './overlay.ts'
import type { Places } from './shell.tsx'
import { listenForShortcuts, useShortcuts } from './shortcuts.ts'

const group = 'Everywhere'

export function useShellKeys(places: Places): void {
  const go = useNavigate()
  useEffect(listenForShortcuts, [])
  useShortcuts([
    { keys: 'Mod+k', label: 'Search and do', group, run: () => overlay.show('palette') },
    { keys: '/', label: 'Search this page', group, run: searchHere },
    { keys: '?', label: 'These shortcuts', group, run: () => overlay.show('keys') },
    ...places.map(({ to, label, short }) => ({
      keys: `g ${short.charAt(0).toLowerCase()}`,
      label: to === '/connect' ? label : `Go to ${label}`,
      group,
      run: () => void go({ to }),
    })),
  ])
}

/** A page's own search; where there is none, that of everything. */
function searchHere(): void {
  const fields = document.querySelectorAll<HTMLElement>('#main search input, #main [role="search"] input')
  const own = [...fields].find((field) => field.checkVisibility())
  if (own === undefined) overlay.show('palette')
  else own.focus()
}
