const dayMs = 24 * 3_600_000

/** How long a new token works; null: until it is revoked. */
export const lifetimes = [
  { label: '30 days', days: 30 },
  { label: '90 days', days: 90 },
  { label: '1 year', days: 365 },
  { label: 'No end', days: null },
] as const

export type Days = (typeof lifetimes)[number]['days']

/** The field of a new token, if it has an end. */
export function expiryIn(days: Days, nowMs: number): { expiresAt?: string } {
  return days === null ? {} : { expiresAt: new Date(nowMs + days * dayMs).toISOString() }
}

export type Expiry = 'never' | 'over' | 'soon' | 'later'

/** A week is time enough to replace one. */
export function expiryOf(expiresAt: string | null, nowMs: number): Expiry {
  if (expiresAt === null) return 'never'
  const leftMs = Date.parse(expiresAt) - nowMs
  if (leftMs <= 0) return 'over'
  return leftMs < 7 * dayMs ? 'soon' : 'later'
}

/** Ready to paste; it reads, so it changes nothing. */
export function curlLine(origin: string, token: string): string {
  return `curl -H 'authorization: Bearer ${token}' '${origin}/api/v1/devices?limit=5'`
}
