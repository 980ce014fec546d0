import './shell.css'
import { Link, Outlet, useLocation } from '@tanstack/react-router'
import { Gauge, LayoutGrid, Plug, Plus, Shapes } from 'lucide-react'
import { useEffect } from 'react'
import { useFleetSummary } from '../fleet/summary.ts'
import { useSession } from '../session/session.ts'
import { formatCount } from '../ui/format.ts'
import { Mark } from '../ui/mark.tsx'
import { useLive, useLiveState } from '../use-live.ts'
import { useLiveSync } from './live-sync.ts'
import { UserMenu } from './user-menu.tsx'

const places = [
  { to: '/', label: 'Fleet', short: 'Fleet', Icon: LayoutGrid },
  { to: '/connect', label: 'Connect a device', short: 'Connect', Icon: Plus },
  { to: '/system', label: 'System', short: 'System', Icon: Gauge },
] as const

/** On a phone these are under "More". */
const administration = [
  { to: '/types', label: 'Device types', Icon: Shapes },
  { to: '/integrations', label: 'Integrations', Icon: Plug },
] as const

export function Shell() {
  const live = useLive()
  const { username } = useSession().user
  // The cookie is the browser's: signing in as another user in another tab changes who this one is.
  useEffect(() => {
    live.start(username)
    return () => live.stop()
  }, [live, username])
  useLiveSync()
  const lit = useLitMark()
  const here = useHere()
  return (
    <div className="app">
      <a className="skip" href="#main">
        Skip to the content
      </a>
      <Side lit={lit} />
      <main className="main" id="main" tabIndex={-1}>
        <Outlet />
      </main>
      <nav className="bottomnav" aria-label="Main, phone">
        {places.map(({ to, short, Icon }) => (
          <Link key={to} to={to} {...here(to)}>
            <Icon className="i" aria-hidden="true" />
            {short}
          </Link>
        ))}
        <UserMenu variant="phone" />
      </nav>
    </div>
  )
}

function Side({ lit }: { lit: boolean }) {
  const { user, version } = useSession()
  const total = useFleetSummary().data?.total
  const here = useHere()
  return (
    <aside className="side">
      <Link className="side__brand" to="/" aria-label="Telltale, to the fleet">
        <Mark lit={lit} />
        <span className="wordmark">Telltale</span>
      </Link>
      <nav className="nav" aria-label="Main">
        {places.map(({ to, label, Icon }) => (
          <Link key={to} to={to} {...here(to)} className={`nav__item ${here(to).className}`} title={label}>
            <Icon className="i" aria-hidden="true" />
            <span>{label}</span>
            {to === '/' && total !== undefined && <span className="nav__val">{formatCount(total)}</span>}
          </Link>
        ))}
      </nav>
      <nav className="nav" aria-label="Administration">
        <div className="nav__head" aria-hidden="true">
          Administration
        </div>
        {administration.map(({ to, label, Icon }) => (
          <Link key={to} to={to} {...here(to)} className={`nav__item ${here(to).className}`} title={label}>
            <Icon className="i" aria-hidden="true" />
            <span>{label}</span>
          </Link>
        ))}
      </nav>
      <div className="side__foot">
        <UserMenu variant="side" />
        <span className="side__version ink-3">{version}</span>
        <span className="vh">signed in as {user.username}</span>
      </div>
    </aside>
  )
}

/** Devices and batches belong to the fleet, a type to the types; a filter in the address changes nothing. */
function useHere(): (to: string) => { className: string; 'aria-current': 'page' | undefined } {
  const path = useLocation({ select: (location) => location.pathname })
  const here = /^\/(devices|batches)(\/|$)/.test(path) ? '/' : path.replace(/^(\/types)\/.*/, '$1')
  return (to) =>
    to === here
      ? { className: 'is-active', 'aria-current': 'page' }
      : { className: '', 'aria-current': undefined }
}

/** The tab's mark is a lamp too: lit only while what the tab shows is live. */
function useLitMark(): boolean {
  const { phase } = useLiveState()
  const lit = phase === 'live' || phase === 'catching-up'
  useEffect(() => {
    const icon = document.querySelector<HTMLLinkElement>('link[rel="icon"]')
    if (icon !== null) icon.href = lit ? '/mark.svg' : '/mark-unlit.svg'
  }, [lit])
  return lit
}
