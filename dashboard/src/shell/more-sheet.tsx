import './more-sheet.css'
import { Link } from '@tanstack/react-router'
import { Lock, LogOut, Plus } from 'lucide-react'
import { useMay, useSession } from '../session/session.ts'
import { type ThemeChoice, themeStore, useThemeChoice } from '../ui/theme.ts'
import { useZone, type Zone, zoneName, zoneStore } from '../ui/zone.ts'
import { AdminPlace } from './admin-place.tsx'
import { Over } from './over.tsx'
import type { Administration } from './shell.tsx'
import { useHere } from './use-here.ts'
import { useSignOut } from './use-sign-out.ts'

const themes: { choice: ThemeChoice; label: string }[] = [
  { choice: 'light', label: 'Light' },
  { choice: 'dark', label: 'Dark' },
  { choice: 'system', label: 'As the system' },
]

/** On a phone: what has no place at the bottom of the screen. */
export function MoreSheet({
  administration,
  onClose,
}: {
  administration: Administration
  onClose: () => void
}) {
  const { user, version } = useSession()
  const leave = useSignOut()
  const mayConnect = useMay('operator')
  const here = useHere()
  return (
    <Over label="More" look="sheet" onClose={onClose}>
      <div className="more">
        <div className="more__who">
          <span className="avatar" aria-hidden="true">
            {user.username.charAt(0).toUpperCase()}
          </span>
          <span className="cut">
            <b>{user.username}</b>
            <span className="ink-3">
              {user.role}, Telltale {version}
            </span>
          </span>
          <button type="button" className="btn" onClick={() => void leave()}>
            <LogOut className="i i--sm" aria-hidden="true" />
            Sign out
          </button>
        </div>
        <nav className="more__places" aria-label="Administration, phone">
          <Link
            to="/connect"
            {...here('/connect')}
            className={`more__place ${here('/connect').className}`}
            onClick={onClose}
          >
            <Plus className="i" aria-hidden="true" />
            Connect a device
            {!mayConnect && (
              <>
                <span className="vh">, needs the operator role</span>
                <Lock className="i i--sm nav__lock" aria-hidden="true" />
              </>
            )}
          </Link>
          {administration.map((place) => (
            <AdminPlace key={place.to} place={place} className="more__place" onPress={onClose} />
          ))}
        </nav>
        <Choices />
      </div>
    </Over>
  )
}

function Choices() {
  const theme = useThemeChoice()
  const zone = useZone()
  const zones: Zone[] = ['local', 'utc']
  return (
    <div className="more__choices">
      <span id="more-theme">Theme</span>
      {/* biome-ignore lint/a11y/useSemanticElements: buttons, not fields of a form */}
      <div className="seg" role="group" aria-labelledby="more-theme">
        {themes.map(({ choice, label }) => (
          <button
            key={choice}
            type="button"
            className={choice === theme ? 'is-active' : ''}
            aria-pressed={choice === theme}
            onClick={() => themeStore.choose(choice)}
          >
            {label}
          </button>
        ))}
      </div>
      <span id="more-zone">Times in</span>
      {/* biome-ignore lint/a11y/useSemanticElements: buttons, not fields of a form */}
      <div className="seg" role="group" aria-labelledby="more-zone">
        {zones.map((choice) => (
          <button
            key={choice}
            type="button"
            className={choice === zone ? 'is-active' : ''}
            aria-pressed={choice === zone}
            onClick={() => zoneStore.choose(choice)}
          >
            {choice === 'local' ? 'Local' : zoneName(choice)}
          </button>
        ))}
      </div>
    </div>
  )
}
