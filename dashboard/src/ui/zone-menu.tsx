import './zone-menu.css'
import { formatClock } from './format.ts'
import { LateMenu } from './late-menu.tsx'
import { useZone, zoneName } from './zone.ts'

const load = () => import('./zone-items.tsx').then(({ ZoneItems }) => ZoneItems)

/** What time it is, and in which zone all times here are: a press shows them in the other. */
export function ZoneMenu({ now }: { now: number }) {
  const zone = useZone()
  return (
    <LateMenu load={load} give={{ now }} className="btn btn--quiet zoneclock">
      <span className="vh">Times are shown in {zoneName(zone)}. It is </span>
      <time>{formatClock(now)}</time>
      <span>, {zoneName(zone)}</span>
    </LateMenu>
  )
}
