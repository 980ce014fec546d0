import { hasUnsavedInput } from './unsaved.ts'
import { askServedBuild, newVersion, reloadPage, type ServedBuild } from './version.ts'

const reloadedKey = 'telltale-reloaded-for'

type Plan = 'reload' | 'announce' | 'nothing'
type Facts = {
  served: ServedBuild
  hasUnsaved: boolean
  /** What this tab has been reloaded for before: never twice for the same. */
  reloadedFor: string | null
  part: string
}

/** A part of this page that the server no longer has: it has been upgraded meanwhile. */
export function planForLostPart({ served, hasUnsaved, reloadedFor, part }: Facts): Plan {
  if (served !== 'another') return 'nothing'
  if (hasUnsaved || reloadedFor === part) return 'announce'
  return 'reload'
}

/** Where the reason is another, the page says what failed, and offers to try again. */
export function watchForLostParts(): void {
  window.addEventListener('vite:preloadError', ({ payload }) => {
    const part = /\/assets\/[\w.-]+/.exec(payload.message)?.[0] ?? 'unknown'
    // The router would reload by itself, also what is being typed, and without a network.
    payload.message = `A part of this page could not be loaded (${part}).`
    payload.name = lostPartName
    void follow(part)
  })
}

const lostPartName = 'LostPart'

export function isLostPart(error: unknown): boolean {
  return error instanceof Error && error.name === lostPartName
}

/** For whoever asked for it. */
export function lostPartWords(error: unknown): string {
  return isLostPart(error)
    ? 'This could not be loaded. Telltale may be out of reach, or have a new version.'
    : 'This could not be shown.'
}

async function follow(part: string): Promise<void> {
  const served = await askServedBuild()
  const plan = planForLostPart({ served, hasUnsaved: hasUnsavedInput(), reloadedFor: reloadedFor(), part })
  if (plan === 'nothing') return
  newVersion.announce()
  if (plan === 'announce' || !remember(part)) return
  reloadPage()
}

function reloadedFor(): string | null {
  try {
    return sessionStorage.getItem(reloadedKey)
  } catch {
    return null
  }
}

/** False where nothing can be remembered: a reload might then never end. */
function remember(part: string): boolean {
  try {
    sessionStorage.setItem(reloadedKey, part)
    return true
  } catch {
    return false
  }
}
