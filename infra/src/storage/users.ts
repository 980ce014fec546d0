import { limits } from '../limits.ts'
import { hashSecret, newSecret } from '../secrets.ts'
import { inTransaction, type Pool, type Queryable } from './pool.ts'

export type Role = 'viewer' | 'operator' | 'admin'

export interface UserRecord {
  id: string
  username: string
  role: Role
}

/**
 * - `missing`: there is none yet, only links sign in.
 * - `replaceable`: the session began with a link a short while ago, so the current one is not asked for.
 * - `set`: it is changed by whoever knows it.
 */
export type PasswordState = 'missing' | 'replaceable' | 'set'

/** Of the user `u` in the session `s`. */
export const PASSWORD_STATE = `CASE WHEN u.password_hash IS NULL THEN 'missing'
  WHEN s.by_link AND s.created_at > now() - interval '${limits.people.choosePasswordMinutes} minutes'
  THEN 'replaceable' ELSE 'set' END`

/** OWASP ASVS 5, 7.3: a session ends after disuse, and after its absolute lifetime in any case. */
export const SESSION_IDLE = "interval '7 days'"
const SESSION_LIFETIME = "interval '30 days'"

export async function hasUsers(db: Queryable): Promise<boolean> {
  const { rows } = await db.query('SELECT 1 FROM app_user LIMIT 1')
  return rows.length > 0
}

/** False when the name is taken, in whatever case. */
export async function createUser(
  db: Queryable,
  user: { username: string; passwordHash: string | null; role: Role },
): Promise<boolean> {
  const { rowCount } = await db.query(
    `INSERT INTO app_user (username, password_hash, role) VALUES ($1, $2, $3)
     ON CONFLICT (lower(username)) DO NOTHING`,
    [user.username, user.passwordHash, user.role],
  )
  return rowCount === 1
}

export async function findUser(
  db: Queryable,
  username: string,
): Promise<(UserRecord & { passwordHash: string | null }) | undefined> {
  const { rows } = await db.query<UserRecord & { passwordHash: string | null }>(
    `SELECT id, username, role, password_hash AS "passwordHash" FROM app_user
     WHERE lower(username) = lower($1) AND disabled_at IS NULL`,
    [username],
  )
  return rows[0]
}

export interface NewLoginSession {
  userId: string
  address: string
  userAgent: string | undefined
  /** What was shown: the password with this hash, or a link. */
  proof: { passwordHash: string } | 'link'
}

export interface StartedSession {
  token: string
  expiresAt: Date
  passwordState: PasswordState
}

/**
 * Starts a session; `token` is its cookie value, of which only a hash is kept. Undefined when the user was disabled or
 * the password changed since it was compared: such a session would outlive the change.
 */
export async function createLoginSession(
  db: Queryable,
  session: NewLoginSession,
): Promise<StartedSession | undefined> {
  const token = newSecret()
  const { rows } = await db.query<{ expiresAt: Date; passwordState: PasswordState }>(
    `WITH u AS (
       UPDATE app_user SET signed_in_at = now()
       WHERE id = $2 AND disabled_at IS NULL AND ($6::text IS NULL OR password_hash = $6)
       RETURNING id, password_hash
     ), forgotten AS (
       -- Somebody who signs in without end ends sessions of their own, the longest unused first.
       DELETE FROM login_session WHERE token_hash IN (
         SELECT token_hash FROM login_session WHERE user_id IN (SELECT id FROM u)
         ORDER BY used_at DESC OFFSET ${limits.people.sessionsPerUserMax - 1})
     ), s AS (
       INSERT INTO login_session (token_hash, user_id, expires_at, address, user_agent, by_link)
       SELECT $1, id, now() + ${SESSION_LIFETIME}, $3, $4, $5 FROM u RETURNING *
     )
     SELECT s.used_at + ${SESSION_IDLE} AS "expiresAt", ${PASSWORD_STATE} AS "passwordState"
     FROM s JOIN u ON u.id = s.user_id`,
    [
      hashSecret(token),
      session.userId,
      session.address,
      session.userAgent?.slice(0, 512) ?? null,
      session.proof === 'link',
      session.proof === 'link' ? null : session.proof.passwordHash,
    ],
  )
  return rows[0] && { token, ...rows[0] }
}

export interface LoginSession {
  username: string
  role: Role
  /** The earlier of the absolute end and the end by disuse. */
  expiresAt: Date
  passwordState: PasswordState
}

const USABLE_SESSION = `expires_at > now() AND used_at > now() - ${SESSION_IDLE} AND disabled_at IS NULL`

/** The session behind a cookie, when it may be used now. Its last use is noted once a minute at most, and later. */
export async function useLoginSession(db: Queryable, hash: Buffer): Promise<LoginSession | undefined> {
  const { rows } = await db.query<LoginSession & { stale: boolean }>(
    `SELECT username, role, least(s.expires_at, s.used_at + ${SESSION_IDLE}) AS "expiresAt",
       ${PASSWORD_STATE} AS "passwordState", s.used_at < now() - interval '1 minute' AS stale
     FROM login_session s JOIN app_user u ON u.id = s.user_id
     WHERE token_hash = $1 AND ${USABLE_SESSION}`,
    [hash],
  )
  if (rows[0] === undefined) return undefined
  const { stale, ...session } = rows[0]
  if (stale) touchSessions(db, [hash])
  return session
}

/** Which of these sessions may still be used, and as what. An open stream is use, so they stay fresh. */
export async function usableLoginSessions(
  db: Queryable,
  hashes: Buffer[],
): Promise<{ hash: Buffer; role: Role }[]> {
  const { rows } = await db.query<{ hash: Buffer; role: Role; stale: boolean }>(
    `SELECT token_hash AS hash, role, used_at < now() - interval '1 minute' AS stale
     FROM login_session s JOIN app_user u ON u.id = s.user_id
     WHERE token_hash = ANY($1::bytea[]) AND ${USABLE_SESSION}`,
    [hashes],
  )
  const stale = rows.filter((row) => row.stale).map((row) => row.hash)
  if (stale.length > 0) touchSessions(db, stale)
  return rows.map(({ hash, role }) => ({ hash, role }))
}

/** Nobody waits for a note, nor is anybody kept out when it cannot be made: the next use makes it. */
function touchSessions(db: Queryable, hashes: Buffer[]): void {
  db.query('UPDATE login_session SET used_at = now() WHERE token_hash = ANY($1::bytea[])', [hashes]).catch(
    () => {},
  )
}

export async function deleteLoginSession(db: Queryable, hash: Buffer): Promise<void> {
  await db.query('DELETE FROM login_session WHERE token_hash = $1', [hash])
}

/** Sessions and links nobody can use any more. */
export async function deleteExpiredSessions(db: Queryable): Promise<void> {
  await db.query(`DELETE FROM login_session WHERE expires_at <= now() OR used_at <= now() - ${SESSION_IDLE}`)
  await db.query('DELETE FROM sign_in_link WHERE expires_at <= now()')
}

/**
 * A token that signs `username` in once, within `ttlMs`.
 * @throws Error when there is no such user
 */
export async function createSignInLink(db: Queryable, username: string, ttlMs: number): Promise<string> {
  const token = newSecret()
  const { rowCount } = await db.query(
    `INSERT INTO sign_in_link (token_hash, user_id, expires_at)
     SELECT $1, id, now() + $3 * interval '1 millisecond' FROM app_user
     WHERE lower(username) = lower($2) AND disabled_at IS NULL`,
    [hashSecret(token), username, ttlMs],
  )
  if (rowCount !== 1) throw new Error(`there is no user ${username}`)
  return token
}

/**
 * Uses the link up, and starts a session of its user. Whoever changes the account meanwhile comes before, and the link
 * is gone, or after, and ends the session.
 */
export async function signInByLink(
  pool: Pool,
  link: string,
  from: Pick<NewLoginSession, 'address' | 'userAgent'>,
): Promise<{ user: UserRecord; started: StartedSession } | undefined> {
  return inTransaction(pool, async (db) => {
    await db.query(
      'SELECT FROM app_user WHERE id = (SELECT user_id FROM sign_in_link WHERE token_hash = $1) FOR UPDATE',
      [hashSecret(link)],
    )
    const user = await redeemSignInLink(db, link)
    const started = user && (await createLoginSession(db, { ...from, userId: user.id, proof: 'link' }))
    return started && { user, started }
  })
}

/** Of two who try, one gets the user. */
async function redeemSignInLink(db: Queryable, token: string): Promise<UserRecord | undefined> {
  const { rows } = await db.query<UserRecord>(
    `WITH used AS (DELETE FROM sign_in_link WHERE token_hash = $1 RETURNING user_id, expires_at)
     SELECT id, username, role FROM used JOIN app_user ON id = user_id
     WHERE expires_at > now() AND disabled_at IS NULL`,
    [hashSecret(token)],
  )
  return rows[0]
}
