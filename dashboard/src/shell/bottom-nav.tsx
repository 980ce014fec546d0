import { Link } from '@tanstack/react-router'
import { Menu, Search } from 'lucide-react'
import { overlay, useOverlay } from './overlay.ts'
import type { Places } from './shell.tsx'
import { useHere } from './use-here.ts'

/** On a phone: where a person goes every day. Connecting is behind the fleet's plus, the rest behind "More". */
export function BottomNav({ places }: { places: Places }) {
  const shown = useOverlay()
  const here = useHere()
  const everyDay = places.filter(({ to }) => to !== '/connect')
  const middle = Math.ceil(everyDay.length / 2)
  const link = ({ to, short, Icon }: Places[number]) => (
    <Link key={to} to={to} {...here(to)}>
      <Icon className="i" aria-hidden="true" />
      {short}
    </Link>
  )
  return (
    <nav className="bottomnav" aria-label="Main, phone">
      {everyDay.slice(0, middle).map(link)}
      <button type="button" aria-haspopup="dialog" onClick={() => overlay.show('palette')}>
        <Search className="i" aria-hidden="true" />
        Search
      </button>
      {everyDay.slice(middle).map(link)}
      <button
        type="button"
        aria-haspopup="dialog"
        aria-expanded={shown === 'more'}
        onClick={() => overlay.show('more')}
      >
        <Menu className="i" aria-hidden="true" />
        More
      </button>
    </nav>
  )
}
