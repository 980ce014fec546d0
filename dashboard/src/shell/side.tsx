import { Link } from '@tanstack/react-router'
import { Lock, Search } from 'lucide-react'
import { useRef } from 'react'
import { useFleetSummary } from '../fleet/summary.ts'
import { useMay, useSession } from '../session/session.ts'
import { formatCount } from '../ui/format.ts'
import { Mark } from '../ui/mark.tsx'
import { AdminPlace } from './admin-place.tsx'
import { keyName } from './key-name.ts'
import { overlay } from './overlay.ts'
import { Pinned } from './pinned.tsx'
import { RailTip } from './rail-tip.tsx'
import type { Administration, Places } from './shell.tsx'
import { useHere } from './use-here.ts'
import { UserMenu } from './user-menu.tsx'

type SideProps = { lit: boolean; places: Places; administration: Administration }

export function Side({ lit, places, administration }: SideProps) {
  const { user, version } = useSession()
  const total = useFleetSummary().data?.total
  const mayConnect = useMay('operator')
  const here = useHere()
  const bar = useRef<HTMLElement>(null)
  return (
    <aside className="side" ref={bar}>
      <Link className="side__brand" to="/" aria-label="Telltale, to the fleet">
        <Mark lit={lit} />
        <span className="wordmark">Telltale</span>
      </Link>
      <button
        type="button"
        className="side__search"
        data-tip={`Search, ${keyName('Mod+k')}`}
        aria-label="Search devices, pages and actions"
        aria-haspopup="dialog"
        aria-keyshortcuts="Control+K Meta+K"
        onClick={() => overlay.show('palette')}
      >
        <Search className="i" aria-hidden="true" />
        <span>Search</span>
        <span className="kbd mono" aria-hidden="true" data-key={keyName('Mod+k')} />
      </button>
      <div className="side__scroll">
        <nav className="nav" aria-label="Main">
          {places.map(({ to, label, Icon }) => (
            <Link
              key={to}
              to={to}
              {...here(to)}
              className={`nav__item ${here(to).className}`}
              data-tip={label}
            >
              <Icon className="i" aria-hidden="true" />
              <span>{label}</span>
              {to === '/connect' && !mayConnect && (
                <>
                  <span className="vh">, needs the operator role</span>
                  <Lock className="i i--sm nav__lock" aria-hidden="true" />
                </>
              )}
              {to === '/' && total !== undefined && <span className="nav__val">{formatCount(total)}</span>}
            </Link>
          ))}
        </nav>
        <Pinned />
        <nav className="nav" aria-label="Administration">
          <div className="nav__head" aria-hidden="true">
            Administration
          </div>
          {administration.map((place) => (
            <AdminPlace key={place.to} place={place} className="nav__item" />
          ))}
        </nav>
      </div>
      <div className="side__foot">
        <UserMenu />
        <span className="side__version ink-3">{version}</span>
        <span className="vh">signed in as {user.username}</span>
      </div>
      <RailTip of={bar} />
    </aside>
  )
}
