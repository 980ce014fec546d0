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

/** What the newest answer of the server was about, and since when; no `sinceMs`: this page did not see it begin. */
export type Seen = { trouble: 'storing' | 'broker' | undefined; sinceMs?: number }

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

/** Undefined: the server has not answered, or does not any more, and nobody knows what was before. */
export function lookAt(
  before: Seen | undefined,
  { isKnown, banner, nowMs }: { isKnown: boolean; banner: Banner | null; nowMs: number },
): Seen | undefined {
  if (!isKnown) return undefined
  const trouble = troubleOf(banner)
  if (before?.trouble === trouble) return before ?? { trouble }
  // One that takes over from another may have been there behind it.
  const isNew = before !== undefined && before.trouble === undefined
  return isNew ? { trouble, sinceMs: nowMs } : { trouble }
}

/** The lines about the database are of one trouble. */
export function troubleOf(banner: Banner | null): Seen['trouble'] {
  switch (banner?.kind) {
    case 'spool-full':
    case 'database-away':
    case 'storing-late':
      return 'storing'
    case 'broker-away':
      return 'broker'
    default:
      return undefined
  }
}
