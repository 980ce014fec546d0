import { Lock, X } from 'lucide-react'
import { useEffect, useRef, useState } from 'react'
import { hasUnsavedInput } from '../offline/unsaved.ts'
import { reloadPage, useHasNewVersion } from '../offline/version.ts'
import { useSession } from '../session/session.ts'
import { formatCount, formatDuration } from '../ui/format.ts'
import { Lamp } from '../ui/lamp.tsx'
import { useLive, useNow } from '../use-live.ts'
import { type Banner, chooseBanner, lookAt, type Seen, troubleOf } from './banner-choice.ts'
import { useReadiness } from './use-readiness.ts'

/** A chart under the pointer must not move; looked at this often, until the pointer has left. */
const heldLookMs = 250

/** What concerns the whole page, in one line. Never two. */
export function PageBanner() {
  const { username, role } = useSession().user
  const readiness = useReadiness()
  const live = useLive()
  const hasNewVersion = useHasNewVersion()
  const [isDismissed, dismiss] = useDismissed(`telltale-look-only:${username}`)
  const hasUnsaved = hasNewVersion && hasUnsavedInput()
  const wanted = chooseBanner({
    readiness,
    hasNewVersion,
    hasUnsaved,
    isViewer: role === 'viewer',
    isDismissed,
  })
  const shown = useHeldWhileHovered(wanted)
  const seen = useRef<Seen | undefined>(undefined)
  seen.current = lookAt(seen.current, {
    isKnown: readiness !== undefined,
    banner: wanted,
    nowMs: live.serverNow(),
  })
  const sinceMs = seen.current?.trouble === troubleOf(shown) ? seen.current?.sinceMs : undefined
  return (
    <div role="status" className="pagebanner">
      {shown !== null && <Line key={shown.kind} banner={shown} sinceMs={sinceMs} onDismiss={dismiss} />}
    </div>
  )
}

type LineProps = { banner: Banner; sinceMs: number | undefined; onDismiss: () => void }

function Line({ banner, sinceMs, onDismiss }: LineProps) {
  switch (banner.kind) {
    case 'spool-full':
      return (
        <div className="banner banner--bad">
          <Lamp shape="alarm" />
          <span>
            <b>Devices are held up.</b> The database does not take what they send, and there is no more room
            to keep it
            <Count of={banner.kept} />. Nothing acknowledged is lost; devices have to keep the rest.{' '}
            <Since sinceMs={sinceMs} />
          </span>
        </div>
      )
    case 'database-away':
      return (
        <div className="banner banner--warn">
          <Lamp shape="silent" />
          <span>
            <b>The database does not answer.</b>{' '}
            {banner.kept === null ? (
              'Devices keep their readings until it is back; nothing acknowledged is lost.'
            ) : (
              <>
                Readings are kept on the broker’s disk
                <Count of={banner.kept} /> and shown live; history and lists may be missing or old.
              </>
            )}{' '}
            <Since sinceMs={sinceMs} />
          </span>
        </div>
      )
    case 'storing-late':
      return (
        <div className="banner banner--warn">
          <Lamp shape="silent" />
          <span>
            <b>The database does not take readings.</b> They are kept on the broker’s disk
            <Count of={banner.kept} /> and shown live; history lacks the newest. <Since sinceMs={sinceMs} />
          </span>
        </div>
      )
    case 'replaying':
      return (
        <div className="banner banner--off">
          <Lamp shape="busy" />
          <span>
            <b>Catching up.</b> What came while the database was away is being stored
            {banner.left > 0 && (
              <span className="num" aria-hidden="true">
                , {formatCount(banner.left)} messages left
              </span>
            )}
            . Until then history has gaps.
          </span>
        </div>
      )
    case 'broker-away':
      return (
        <div className="banner banner--warn">
          <Lamp shape="silent" />
          <span>
            <b>The broker is away.</b> Devices cannot connect, and commands wait. <Since sinceMs={sinceMs} />
          </span>
        </div>
      )
    case 'new-version':
      return (
        <div className="banner banner--on">
          <Lamp shape="online" tone="on" />
          <span>
            <b>A new version is there.</b>{' '}
            {banner.hasUnsaved
              ? 'Reload when you are done: what you have typed here is not saved.'
              : 'Reload to use it. You stay where you are.'}
          </span>
          <button type="button" className="btn btn--sm" onClick={reloadPage}>
            Reload
          </button>
        </div>
      )
    case 'look-only':
      return (
        <div className="banner banner--off">
          <Lock className="i" aria-hidden="true" />
          <span>
            <b>You can look, not touch.</b> Changing things and sending commands needs another role. Ask an
            administrator.
          </span>
          <button
            type="button"
            className="btn btn--quiet btn--icon btn--sm"
            aria-label="Dismiss"
            onClick={onDismiss}
          >
            <X className="i i--sm" aria-hidden="true" />
          </button>
        </div>
      )
  }
}

/** How many so far. Not announced: it changes every other second. */
function Count({ of }: { of: number }) {
  return of === 0 ? null : (
    <span className="num" aria-hidden="true">
      {' '}
      ({formatCount(of)} so far)
    </span>
  )
}

/** Nothing when this page did not see it begin. */
function Since({ sinceMs }: { sinceMs: number | undefined }) {
  const now = useNow()
  if (sinceMs === undefined) return null
  // Not part of what is announced: it changes every second.
  return (
    <span className="num" aria-hidden="true">
      For {formatDuration(Math.floor(Math.max(0, now - sinceMs) / 1_000) * 1_000)}.
    </span>
  )
}

/** Whatever is under the pointer does not move: a line that comes or goes waits until no chart is hovered. */
function useHeldWhileHovered(wanted: Banner | null): Banner | null {
  const [shown, setShown] = useState(wanted)
  const newest = useRef(wanted)
  newest.current = wanted
  const kind = `${wanted?.kind} ${wanted?.kind === 'new-version' && wanted.hasUnsaved}`
  // biome-ignore lint/correctness/useExhaustiveDependencies: `kind` says whether it is another one
  useEffect(() => {
    const look = () => {
      if (document.querySelector('.chart:hover, .plot:hover, .bands:hover') !== null) return
      clearInterval(timer)
      setShown(newest.current)
    }
    const timer = setInterval(look, heldLookMs)
    look()
    return () => clearInterval(timer)
  }, [kind])
  // Its figures may change in place.
  return shown?.kind === wanted?.kind ? wanted : shown
}

/** For this session of the browser: in the next one it is worth saying again. */
function useDismissed(key: string): [isDismissed: boolean, dismiss: () => void] {
  const [dismissed, setDismissed] = useState<string | null>(null)
  const dismiss = () => {
    setDismissed(key)
    try {
      sessionStorage.setItem(key, 'yes')
    } catch {
      // Then it is back after a reload.
    }
  }
  return [dismissed === key || wasDismissed(key), dismiss]
}

function wasDismissed(key: string): boolean {
  try {
    return sessionStorage.getItem(key) !== null
  } catch {
    return false
  }
}
