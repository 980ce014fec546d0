import { RotateCw } from 'lucide-react'
import { type ReactNode, useEffect, useState } from 'react'
import { ApiError } from '../api.ts'

/** What would be here, why it is not, and the one next step. */
export function Quietbox({
  icon,
  title,
  children,
}: {
  icon?: ReactNode
  title: string
  children?: ReactNode
}) {
  return (
    <div className="quietbox">
      {icon}
      <b>{title}</b>
      {children}
    </div>
  )
}

type FailureProps = { what: string; error: unknown; onRetry?: () => void }

/** An error in place: the rest of the page goes on. */
export function Failure({ what, error, onRetry }: FailureProps) {
  const problem = error instanceof ApiError ? error.problem : null
  return (
    <div className="quietbox" role="alert">
      <b>{what}</b>
      <span>{problem?.detail ?? problem?.title ?? 'Something unexpected went wrong on this screen.'}</span>
      {problem !== null && problem.requestId !== '' && <small>request {problem.requestId}</small>}
      {onRetry !== undefined && (
        <button type="button" className="btn btn--sm" onClick={onRetry}>
          <RotateCw className="i i--sm" aria-hidden="true" />
          Try again
        </button>
      )}
    </div>
  )
}

/** Fast answers need no skeleton: it shows only after 200 ms. */
export function Late({ children }: { children: ReactNode }) {
  const [late, setLate] = useState(false)
  useEffect(() => {
    const timer = setTimeout(() => setLate(true), 200)
    return () => clearTimeout(timer)
  }, [])
  return late ? children : null
}

export function SkeletonLines({ lines, heightPx = 46 }: { lines: number; heightPx?: number }) {
  return (
    <Late>
      <div role="status" aria-label="Loading" className="skel-lines">
        {Array.from({ length: lines }, (_, line) => (
          // biome-ignore lint/suspicious/noArrayIndexKey: identical, never reordered
          <span key={line} className="skel-lines__row" style={{ height: heightPx }}>
            <span className="skel" style={{ width: `${38 - (line % 3) * 7}%` }} />
          </span>
        ))}
      </div>
    </Late>
  )
}
