/** SQLSTATE classes that decide what happens to a batch (PostgreSQL, appendix A). */

/** The row itself is wrong: bisect, quarantine the culprit. */
export function isDataError(error: unknown): boolean {
  const state = sqlState(error)
  return (
    state !== undefined && !isMissingPartition(error) && (state.startsWith('22') || state.startsWith('23'))
  )
}

/**
 * Passes by itself: a lost connection (no SQLSTATE, 08, 57P0x), too few resources, a lost race, a timeout. What is
 * none of the database's, such as a fault of our own, would come again for ever.
 */
export function isTransient(error: unknown): boolean {
  const state = sqlState(error)
  if (state !== undefined) return /^(08|53|57P0|57014|55P03|40001|40P01)/.test(state)
  if (!(error instanceof Error) || error instanceof TypeError || error instanceof RangeError) return false
  const { code } = error as { code?: unknown }
  return typeof code === 'string' ? CONNECTION_CODE.test(code) : CONNECTION_WORDS.test(error.message)
}

/** Of system calls and name look-ups; of Node's sockets and TLS; of OpenSSL, when a certificate is being changed. */
const CONNECTION_CODE =
  /^(E[A-Z]+|EAI_[A-Z]+|ERR_(SOCKET|STREAM|SSL|TLS)_\w+|[A-Z_]*(CERT|ISSUER|HOSTNAME)[A-Z_]*)$/

/** pg gives its own errors no code. */
const CONNECTION_WORDS = new RegExp(
  [
    '^Connection terminated',
    '^Client (has encountered a connection error|was closed) and is not queryable$',
    '^timeout (expired$|exceeded when trying to connect$)',
    '^Query read timeout$',
    '^[Rr]eceived (unexpected|invalid)',
    '^There was an error establishing an SSL connection$',
    '^The server does not support SSL connections$',
  ].join('|'),
)

export const UNIQUE_VIOLATION = '23505'
export const LOCK_NOT_AVAILABLE = '55P03'

/** `23514 no partition of relation … found for row`: ours to mend, not the row's fault. */
export function isMissingPartition(error: unknown): boolean {
  return sqlState(error) === '23514' && /no partition of relation/.test(String((error as Error).message))
}

export function sqlState(error: unknown): string | undefined {
  const code = (error as { code?: unknown } | null)?.code
  // Every state has a digit; `EPIPE` is the socket's.
  return typeof code === 'string' && /^(?=.*\d)[0-9A-Z]{5}$/.test(code) ? code : undefined
}
