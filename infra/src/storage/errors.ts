/** SQLSTATE classes that decide what happens to a batch (PostgreSQL, appendix A). */

/** The row itself is wrong: bisect, quarantine the culprit. */
export function isDataError(error: unknown): boolean {
  const state = sqlState(error)
  return (
    state !== undefined && !isMissingPartition(error) && (state.startsWith('22') || state.startsWith('23'))
  )
}

export const UNIQUE_VIOLATION = '23505'
export const FOREIGN_KEY_VIOLATION = '23503'

/** `23514 no partition of relation … found for row`: ours to mend, not the row's fault. */
export function isMissingPartition(error: unknown): boolean {
  return sqlState(error) === '23514' && /no partition of relation/.test(String((error as Error).message))
}

export function sqlState(error: unknown): string | undefined {
  const code = (error as { code?: unknown } | null)?.code
  return typeof code === 'string' && /^[0-9A-Z]{5}$/.test(code) ? code : undefined
}
