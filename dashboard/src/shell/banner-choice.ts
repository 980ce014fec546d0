import type { Readiness } from '@telltale/api/contract'

export type Banner =
  /** Publishers are held up: what devices cannot keep is lost. */
  | { kind: 'spool-full'; kept: number }
  /** `kept`: messages that wait on the broker's disk; null: it has none, so devices keep them. */
  | { kind: 'database-away'; kept: number | null }
  /** Only the broker does not reach it, or finds it too slow: pages can be read. */
  | { kind: 'storing-late'; kept: number }
  | { kind: 'broker-away' }
  | { kind: 'replaying'; left: number }
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
  const spool = readiness?.spool ?? null
  if (spool?.state === 'full') return { kind: 'spool-full', kept: spool.messages }
  if (isAway('database')) return { kind: 'database-away', kept: spool?.messages ?? null }
  if (isAway('broker')) return { kind: 'broker-away' }
  if (spool?.state === 'taking') return { kind: 'storing-late', kept: spool.messages }
  if (spool?.state === 'replaying') return { kind: 'replaying', left: spool.messages }
  if (hasNewVersion) return { kind: 'new-version', hasUnsaved }
  return isViewer && !isDismissed ? { kind: 'look-only' } : null
}
