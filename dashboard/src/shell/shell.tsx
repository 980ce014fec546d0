import './shell.css'
import './page-frame.css'
import { Outlet } from '@tanstack/react-router'
import {
  Gauge,
  KeyRound,
  LayoutDashboard,
  LayoutGrid,
  Plug,
  Plus,
  ScrollText,
  Shapes,
  SlidersHorizontal,
  Users,
} from 'lucide-react'
import { useEffect } from 'react'
import { rememberHeard } from '../offline/last-heard.ts'
import { useVersionWatch } from '../offline/version.ts'
import { useSession } from '../session/session.ts'
import { useLive } from '../use-live.ts'
import { PageBanner } from './banner.tsx'
import { BottomNav } from './bottom-nav.tsx'
import { useLiveSync } from './live-sync.ts'
import { OverPage } from './over-page.tsx'
import { useRememberRecent } from './recent.ts'
import { Side } from './side.tsx'
import { useArrival } from './use-arrival.ts'
import { usePhase } from './use-phase.ts'
import { useShellKeys } from './use-shell-keys.ts'

const places = [
  { to: '/', label: 'Fleet', short: 'Fleet', Icon: LayoutGrid },
  { to: '/boards', label: 'Boards', short: 'Boards', Icon: LayoutDashboard },
  { to: '/connect', label: 'Connect a device', short: 'Connect', Icon: Plus },
  { to: '/system', label: 'System', short: 'System', Icon: Gauge },
] as const

/** On a phone these are under "More". Who may not use one sees it all the same, with the role it needs. */
const administration = [
  { to: '/types', label: 'Device types', Icon: Shapes },
  { to: '/users', label: 'Users', Icon: Users, needs: 'admin' },
  { to: '/tokens', label: 'Tokens', Icon: KeyRound, needs: 'admin' },
  { to: '/integrations', label: 'Integrations', Icon: Plug, needs: 'admin' },
  { to: '/settings', label: 'Enrolment, retention', Icon: SlidersHorizontal, needs: 'admin' },
  { to: '/audit', label: 'Audit log', Icon: ScrollText, needs: 'admin' },
] as const

export type Places = typeof places
export type Administration = typeof administration

export function Shell() {
  const live = useLive()
  const { username } = useSession().user
  // The cookie is the browser's: signing in as another user in another tab changes who this one is.
  useEffect(() => {
    live.start(username)
    return () => live.stop()
  }, [live, username])
  useLiveSync()
  useShellKeys(places)
  useArrival()
  useRememberRecent()
  useVersionWatch()
  useRememberHeard()
  const lit = useLitMark()
  return (
    <div className="app">
      <a className="skip" href="#main">
        Skip to the content
      </a>
      <Side lit={lit} places={places} administration={administration} />
      <main className="main" id="main" tabIndex={-1}>
        <PageBanner />
        <Outlet />
      </main>
      <BottomNav places={places} />
      <OverPage places={places} administration={administration} />
    </div>
  )
}

/** The tab's mark is a lamp too: lit only while what the tab shows is live. */
function useLitMark(): boolean {
  const phase = usePhase()
  const lit = phase === 'live' || phase === 'catching-up'
  useEffect(() => {
    const icon = document.querySelector<HTMLLinkElement>('link[rel="icon"]')
    if (icon !== null) icon.href = lit ? '/mark.svg' : '/mark-unlit.svg'
  }, [lit])
  return lit
}

/** For the page that says how long the server has been away. */
function useRememberHeard(): void {
  const live = useLive()
  useEffect(
    () =>
      live.subscribeState(() => {
        if (live.getState().phase === 'live') rememberHeard(Date.now())
      }),
    [live],
  )
}
