import { passOnBoards } from './boards.ts'
import { inTransaction, type Pool, type Queryable } from './pool.ts'
import { type Role, SESSION_IDLE } from './users.ts'

/** What an admin sees of a user. */
export interface Account {
  id: string
  username: string
  role: Role
  createdAt: string
  signedInAt: string | null
  disabledAt: string | null
  /** Without one, only a link signs in. */
  hasPassword: boolean
  /** Signed-in browsers. */
  sessions: number
  /** When the newest link that still signs in ends. */
  linkUntil: string | null
}

interface AccountRow {
  id: string
  username: string
  role: Role
  created_at: Date
  signed_in_at: Date | null
  disabled_at: Date | null
  has_password: boolean
  sessions: number
  link_until: Date | null
}

const SELECT_ACCOUNT = `SELECT id, username, role, created_at, signed_in_at, disabled_at,
    password_hash IS NOT NULL AS has_password,
    (SELECT count(*)::int FROM login_session s WHERE s.user_id = u.id AND u.disabled_at IS NULL
       AND s.expires_at > now() AND s.used_at > now() - ${SESSION_IDLE}) AS sessions,
    (SELECT max(expires_at) FROM sign_in_link l
       WHERE l.user_id = u.id AND u.disabled_at IS NULL AND l.expires_at > now()) AS link_until
  FROM app_user u`

/** By name. */
export async function listAccounts(
  db: Queryable,
  page: { limit: number; after?: string | undefined },
): Promise<Account[]> {
  const { rows } = await db.query<AccountRow>(
    `${SELECT_ACCOUNT} WHERE $1::text IS NULL OR lower(username) > lower($1)
     ORDER BY lower(username) LIMIT $2`,
    [page.after ?? null, page.limit],
  )
  return rows.map(toAccount)
}

async function getAccount(db: Queryable, id: string): Promise<Account | undefined> {
  const { rows } = await db.query<AccountRow>(`${SELECT_ACCOUNT} WHERE id = $1`, [id])
  return rows[0] && toAccount(rows[0])
}

/** In whatever case. */
export async function findAccount(db: Queryable, username: string): Promise<Account | undefined> {
  const { rows } = await db.query<AccountRow>(`${SELECT_ACCOUNT} WHERE lower(username) = lower($1)`, [
    username,
  ])
  return rows[0] && toAccount(rows[0])
}

export interface AccountChange {
  role?: Role | undefined
  disabled?: boolean | undefined
  /** Forgets the password and every link: who needs one gets it afterwards. */
  reset?: boolean | undefined
}

export interface AccountChanged {
  before: Account
  account: Account
  /** Hashes of sessions that are over now. */
  ended: Buffer[]
}

/**
 * The account before and after; of two requests that would together leave no admin, one is refused. `check` may throw:
 * then nothing has happened.
 */
export async function changeAccount(
  pool: Pool,
  id: string,
  change: AccountChange,
  check: (account: Account) => void,
): Promise<AccountChanged | 'no_user' | 'last_admin'> {
  return inTransaction(pool, async (db) => {
    const isLast = await isLastAdmin(db, id)
    await db.query('SELECT FROM app_user WHERE id = $1 FOR UPDATE', [id])
    const before = await getAccount(db, id)
    if (!before) return 'no_user'
    check(before)
    const role = change.role ?? before.role
    const disabled = change.disabled ?? before.disabledAt !== null
    if (isLast && (role !== 'admin' || disabled || change.reset)) return 'last_admin'
    await db.query(
      `UPDATE app_user SET role = $2, disabled_at = CASE WHEN $3 THEN coalesce(disabled_at, now()) END,
         password_hash = CASE WHEN NOT $4 THEN password_hash END WHERE id = $1`,
      [id, role, disabled, change.reset ?? false],
    )
    const ended = disabled || change.reset ? await endAll(db, id) : []
    return { before, account: (await getAccount(db, id)) as Account, ended }
  })
}

/**
 * The account as it was, and the hashes of its sessions. Its own boards go with it, or whoever gets the name next would
 * have them; those that others look at go to `heir`.
 */
export async function deleteAccount(
  pool: Pool,
  { id, heir }: { id: string; heir: string },
): Promise<{ account: Account; ended: Buffer[] } | 'no_user' | 'last_admin'> {
  return inTransaction(pool, async (db) => {
    if (await isLastAdmin(db, id)) return 'last_admin'
    const account = await getAccount(db, id)
    if (!account) return 'no_user'
    const ended = await endAll(db, id)
    await db.query('DELETE FROM app_user WHERE id = $1', [id])
    await passOnBoards(db, account.username, heir)
    return { account, ended }
  })
}

/**
 * Holds every admin who can sign in with a password until the end of the transaction: whoever takes one away looks at
 * what the others before it have left. A link may be lost, so an admin who has nothing else is not counted.
 */
async function isLastAdmin(db: Queryable, id: string): Promise<boolean> {
  const { rows } = await db.query<{ id: string }>(
    `SELECT id FROM app_user WHERE role = 'admin' AND disabled_at IS NULL AND password_hash IS NOT NULL
     ORDER BY id FOR UPDATE`,
  )
  return rows.length === 1 && rows[0]?.id === id
}

/** Sessions and links of a user. */
async function endAll(db: Queryable, userId: string): Promise<Buffer[]> {
  await db.query('DELETE FROM sign_in_link WHERE user_id = $1', [userId])
  const { rows } = await db.query<{ hash: Buffer }>(
    'DELETE FROM login_session WHERE user_id = $1 RETURNING token_hash AS hash',
    [userId],
  )
  return rows.map(({ hash }) => hash)
}

function toAccount(row: AccountRow): Account {
  return {
    id: row.id,
    username: row.username,
    role: row.role,
    createdAt: row.created_at.toISOString(),
    signedInAt: row.signed_in_at?.toISOString() ?? null,
    disabledAt: row.disabled_at?.toISOString() ?? null,
    hasPassword: row.has_password,
    sessions: row.sessions,
    linkUntil: row.link_until?.toISOString() ?? null,
  }
}
