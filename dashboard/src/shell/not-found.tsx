import { Link } from '@tanstack/react-router'
import { Quietbox } from '../ui/states.tsx'
import { TopBar } from './top-bar.tsx'

/** An address that leads nowhere: everything else stays where it is. */
export function NotFound() {
  return (
    <>
      <title>No such page · Telltale</title>
      <TopBar>
        <h1 className="top__title cut">No such page</h1>
      </TopBar>
      <div className="page">
        <Quietbox title="There is no such page">
          <span>The address may be mistyped, or the page has moved.</span>
          <Link className="btn" to="/">
            Go to the fleet
          </Link>
        </Quietbox>
      </div>
    </>
  )
}
