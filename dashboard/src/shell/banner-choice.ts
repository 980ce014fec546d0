import type { Readiness } from '@telltale/api/contract'

export type Banner =
  | { kind: 'database-away' }
  | { kind: 'broker-away' }
  | { kind: 'new-version'; hasUnsaved: boolean }
  | { kind: 'look-only' }

type Facts = {
  /** Undefined: not known, or the server does not answer; that is what the live indicator is for. */
  readiness: Readiness | undefined
  hasNewVersion: boolean
  hasUnsaved: boolean
  isViewer: boolean
  isDismissed: boolean
}

/** The one line across the top, or none: what matters most to everything on the page. */
export function chooseBanner({
  readiness,
  hasNewVersion,
  hasUnsaved,
  isViewer,
  isDismissed,
}: Facts): Banner | null {
  const isAway = (name: string) => readiness?.checks.some((check) => check.name === name && !check.ok)
  if (isAway('database')) return { kind: 'database-away' }
  if (isAway('broker')) return { kind: 'broker-away' }
  if (hasNewVersion) return { kind: 'new-version', hasUnsaved }
  return isViewer && !isDismissed ? { kind: 'look-only' } : null
}
