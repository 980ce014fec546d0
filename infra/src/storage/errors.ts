/** SQLSTATE classes that decide what happens to a batch (PostgreSQL, appendix A). */

/** The row itself is wrong: bisect, quarantine the culprit. */
export function isDataError(error: unknown): boolean {
  const state = sqlState(error)
  return (
    state !== undefined && !isMissingPartition(error) && (state.startsWith('22') || state.startsWith('23'))
  )
}

/** Passes by itself: a lost connection (no SQLSTATE, 08, 57P0x), too few resources, a lost race, a timeout. */
export function isTransient(error: unknown): boolean {
  const state = sqlState(error)
  return state === undefined || /^(08|53|57P0|57014|55P03|40001|40P01)/.test(state)
}

export const UNIQUE_VIOLATION = '23505'
export const LOCK_NOT_AVAILABLE = '55P03'

/** `23514 no partition of relation … found for row`: ours to mend, not the row's fault. */
export function isMissingPartition(error: unknown): boolean {
  return sqlState(error) === '23514' && /no partition of relation/.test(String((error as Error).message))
}

export function sqlState(error: unknown): string | undefined {
  const code = (error as { code?: unknown } | null)?.code
  return typeof code === 'string' && /^[0-9A-Z]{5}$/.test(code) ? code : undefined
}
