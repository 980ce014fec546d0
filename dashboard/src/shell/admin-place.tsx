import { Link } from '@tanstack/react-router'
import { Lock } from 'lucide-react'
import { useMay } from '../session/session.ts'
import type { Administration } from './shell.tsx'
import { useHere } from './use-here.ts'

type AdminPlaceProps = { place: Administration[number]; className: string; onPress?: () => void }

/** A page of the administration; one that this role may not see stays where it is, with a lock. */
export function AdminPlace({ place, className, onPress }: AdminPlaceProps) {
  const { to, label, Icon } = place
  const here = useHere()
  const isAdmin = useMay('admin')
  if ('needs' in place && !isAdmin) {
    return (
      <span
        className={`${className} is-locked`}
        data-tip={`${label}, needs the ${place.needs} role`}
        title={`Needs the ${place.needs} role`}
      >
        <Icon className="i" aria-hidden="true" />
        <span>{label}</span>
        <span className="vh">, needs the {place.needs} role</span>
        <Lock className="i i--sm nav__lock" aria-hidden="true" />
      </span>
    )
  }
  return (
    <Link
      to={to}
      {...here(to)}
      className={`${className} ${here(to).className}`}
      data-tip={label}
      onClick={onPress}
    >
      <Icon className="i" aria-hidden="true" />
      <span>{label}</span>
    </Link>
  )
}
