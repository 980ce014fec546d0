/**
 * What becomes of work that the database did not do:
 *
 * - `retry`: it passes by itself. Tried again; what waits for longer than two seconds is kept on the broker's disk.
 * - `lighten`: it passes by itself, or with less to do at once. The same; after three times in halves. No quarantine.
 * - `mend`: a person has to change something there. The same, and said in the log as an error.
 * - `divide`: the data is refused. A batch is halved until the culprit is alone; that one is quarantined.
 * - `give-up`: a fault of our own, which would come again however often it is tried. Divided like refused data.
 *
 * Nothing of it ends a process, and nothing is acknowledged by it. Whether a commit whose answer was lost took place is
 * not asked: doing the work again is harmless, because rows have an identity.
 */
export type Verdict = 'retry' | 'lighten' | 'mend' | 'divide' | 'give-up'

interface ErrorClass {
  /** The beginning of an SQLSTATE (PostgreSQL, appendix A); the longest that fits counts. */
  state: string
  verdict: Verdict
  what: string
}

/** Every class there is. docs/RELIABILITY.md shows the same table. */
export const errorClasses: readonly ErrorClass[] = [
  {
    state: '08',
    verdict: 'retry',
    what: 'the connection failed, or nobody knows how a commit ended (08007)',
  },
  { state: '40', verdict: 'retry', what: 'lost a race: serialization, deadlock, outcome unknown (40003)' },
  { state: '53200', verdict: 'lighten', what: 'more memory or locks than it has' },
  { state: '53', verdict: 'retry', what: 'no disk or connection left' },
  { state: '55P03', verdict: 'retry', what: 'a lock was not free in time' },
  { state: '57014', verdict: 'lighten', what: 'longer than a statement may take, or cancelled' },
  { state: '57', verdict: 'retry', what: 'stopping, or starting' },
  { state: '25P03', verdict: 'retry', what: 'the transaction stood still for too long' },
  { state: '22', verdict: 'divide', what: 'a value the database cannot hold' },
  { state: '23', verdict: 'divide', what: 'a row that breaks a rule of its table' },
  { state: '21', verdict: 'divide', what: 'a row that meets itself in one statement' },
  { state: '54', verdict: 'divide', what: 'larger than a limit of the database' },
  { state: '25006', verdict: 'mend', what: 'it only reads: a standby, or set so' },
  { state: '28', verdict: 'mend', what: 'it does not let us in any more' },
  { state: '3D', verdict: 'mend', what: 'the database is gone' },
  { state: '42', verdict: 'mend', what: 'a table, a column or a right is missing' },
  { state: '58', verdict: 'mend', what: 'its disk or its system fails' },
  { state: 'F0', verdict: 'mend', what: 'its configuration is broken' },
  { state: 'XX', verdict: 'mend', what: 'its data or its code is damaged' },
  { state: '', verdict: 'mend', what: 'anything else it says' },
]

const bySpecificity = [...errorClasses].sort((a, b) => b.state.length - a.state.length)

export function verdictOf(error: unknown): Verdict {
  const state = sqlState(error)
  if (state === undefined) return isConnectionError(error) ? 'retry' : 'give-up'
  if (isMissingPartition(error)) return 'retry'
  return (bySpecificity.find((known) => state.startsWith(known.state)) as ErrorClass).verdict
}

/** The row itself is wrong: bisect, quarantine the culprit. */
export function isDataError(error: unknown): boolean {
  return verdictOf(error) === 'divide'
}

/** Passes by itself. What is none of the database's, such as a fault of our own, would come again for ever. */
export function isTransient(error: unknown): boolean {
  const verdict = verdictOf(error)
  return verdict === 'retry' || verdict === 'lighten'
}

/** Not refused and no fault of our own: to be tried again until it is done, however long that takes. */
export function isUnfinished(error: unknown): boolean {
  return isTransient(error) || verdictOf(error) === 'mend'
}

function isConnectionError(error: unknown): boolean {
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
