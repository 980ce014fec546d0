import { type ErrorComponentProps, useRouter } from '@tanstack/react-router'
import { CloudOff, RotateCw, TriangleAlert } from 'lucide-react'
import { useEffect, useRef } from 'react'
import { ApiError } from '../api.ts'
import { isLostPart } from '../offline/lost-part.ts'
import { reloadPage, useHasNewVersion } from '../offline/version.ts'
import { Quietbox } from '../ui/states.tsx'
import { TopBar } from './top-bar.tsx'
import { usePhase } from './use-phase.ts'

/** A page that cannot be shown leaves the navigation where it is. */
export function PageFailure({ error, reset }: ErrorComponentProps) {
  const router = useRouter()
  const again = () => {
    reset()
    void router.invalidate()
  }
  useAgainWhenBack(isLostPart(error), again)
  const hasNewVersion = useHasNewVersion()
  return (
    <>
      <TopBar>
        <h1 className="top__title">{isLostPart(error) ? 'Not loaded' : 'Something went wrong'}</h1>
      </TopBar>
      <div className="page pagefailure" role="alert">
        {isLostPart(error) ? (
          <LostPart hasNewVersion={hasNewVersion} onRetry={again} />
        ) : (
          <Quietbox
            icon={<TriangleAlert className="i" aria-hidden="true" />}
            title="This page could not be shown"
          >
            <span>{sentenceOf(error)}</span>
            {error instanceof ApiError && error.problem.requestId !== '' && (
              <small>request {error.problem.requestId}</small>
            )}
            <Buttons onRetry={again} />
          </Quietbox>
        )}
      </div>
    </>
  )
}

function sentenceOf(error: unknown): string {
  if (error instanceof ApiError) return error.problem.detail ?? error.problem.title
  return 'The fault is in Telltale, not in what you did. The other pages go on.'
}

function LostPart({ hasNewVersion, onRetry }: { hasNewVersion: boolean; onRetry: () => void }) {
  const phase = usePhase()
  const isAway = phase === 'offline' || phase === 'reconnecting' || !navigator.onLine
  if (hasNewVersion)
    return (
      <Quietbox icon={<RotateCw className="i" aria-hidden="true" />} title="A new version is there">
        <span>This page belongs to it. Reload, and it opens.</span>
        <button type="button" className="btn btn--primary" onClick={reloadPage}>
          Reload
        </button>
      </Quietbox>
    )
  return (
    <Quietbox icon={<CloudOff className="i" aria-hidden="true" />} title="This page could not be loaded">
      <span>
        {isAway
          ? 'Telltale cannot be reached. The page opens by itself when it can be again.'
          : 'The server did not send a part of it.'}
      </span>
      <Buttons onRetry={onRetry} />
    </Quietbox>
  )
}

function Buttons({ onRetry }: { onRetry: () => void }) {
  return (
    <span className="pagefailure__buttons">
      <button type="button" className="btn" onClick={onRetry}>
        <RotateCw className="i i--sm" aria-hidden="true" />
        Try again
      </button>
      <button type="button" className="btn btn--quiet" onClick={reloadPage}>
        Reload the page
      </button>
    </span>
  )
}

/** A part that was out of reach is asked for again when the line is back. */
function useAgainWhenBack(isLost: boolean, again: () => void): void {
  const phase = usePhase()
  const before = useRef(phase)
  const newest = useRef(again)
  newest.current = again
  useEffect(() => {
    const wasAway = before.current === 'offline' || before.current === 'reconnecting'
    before.current = phase
    if (isLost && wasAway && (phase === 'live' || phase === 'catching-up')) newest.current()
  }, [isLost, phase])
}
