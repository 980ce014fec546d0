import { inTransaction, type Pool, type Queryable } from './pool.ts'
import { PASSWORD_STATE, type PasswordState, SESSION_IDLE } from './users.ts'

/** What people see and change of themselves. A session is told by the hash of its cookie. */

export interface OwnSession {
  id: string
  createdAt: string
  usedAt: string
  /** The earlier of the absolute end and the end by disuse. */
  expiresAt: string
  address: string | null
  userAgent: string | null
  isCurrent: boolean
}

interface OwnSessionRow {
  id: string
  created_at: Date
  used_at: Date
  ends_at: Date
  address: string | null
  user_agent: string | null
  is_current: boolean
}

/** Of whoever this session belongs to, the one used last first. */
export async function listOwnSessions(db: Queryable, hash: Buffer): Promise<OwnSession[]> {
  const { rows } = await db.query<OwnSessionRow>(
    `SELECT s.id, s.created_at, s.used_at, least(s.expires_at, s.used_at + ${SESSION_IDLE}) AS ends_at,
       s.address, s.user_agent, s.token_hash = $1 AS is_current
     FROM login_session mine JOIN login_session s ON s.user_id = mine.user_id
     WHERE mine.token_hash = $1 AND s.expires_at > now() AND s.used_at > now() - ${SESSION_IDLE}
     ORDER BY s.used_at DESC, s.id`,
    [hash],
  )
  return rows.map((row) => ({
    id: row.id,
    createdAt: row.created_at.toISOString(),
    usedAt: row.used_at.toISOString(),
    expiresAt: row.ends_at.toISOString(),
    address: row.address,
    userAgent: row.user_agent,
    isCurrent: row.is_current,
  }))
}

/** Ends a session of the same user. @returns its hash, or undefined when there is none with that id */
export async function endOwnSession(db: Queryable, hash: Buffer, id: string): Promise<Buffer | undefined> {
  const { rows } = await db.query<{ hash: Buffer }>(
    `DELETE FROM login_session s USING login_session mine
     WHERE mine.token_hash = $1 AND s.user_id = mine.user_id AND s.id = $2
     RETURNING s.token_hash AS hash`,
    [hash, id],
  )
  return rows[0]?.hash
}

/** Of the user behind the session: what to compare with, and whether it has to be. */
export async function findOwnPassword(
  db: Queryable,
  hash: Buffer,
): Promise<{ passwordHash: string | null; state: PasswordState } | undefined> {
  const { rows } = await db.query<{ passwordHash: string | null; state: PasswordState }>(
    `SELECT u.password_hash AS "passwordHash", ${PASSWORD_STATE} AS state
     FROM login_session s JOIN app_user u ON u.id = s.user_id WHERE s.token_hash = $1`,
    [hash],
  )
  return rows[0]
}

/**
 * Sets the password of the user behind the session and ends the others and the links. Undefined when the password is
 * no longer the one that was compared, or the session is over.
 * @returns hashes of the sessions that ended
 */
export async function changeOwnPassword(
  pool: Pool,
  hash: Buffer,
  change: { from: string | null; to: string },
): Promise<Buffer[] | undefined> {
  return inTransaction(pool, async (db) => {
    const { rows } = await db.query<{ id: string }>(
      `UPDATE app_user u SET password_hash = $3 FROM login_session s
       WHERE s.token_hash = $1 AND u.id = s.user_id AND u.password_hash IS NOT DISTINCT FROM $2
       RETURNING u.id`,
      [hash, change.from, change.to],
    )
    const userId = rows[0]?.id
    if (userId === undefined) return undefined
    await db.query('DELETE FROM sign_in_link WHERE user_id = $1', [userId])
    // Whoever chose a password knows it from now on.
    await db.query('UPDATE login_session SET by_link = false WHERE token_hash = $1', [hash])
    const ended = await db.query<{ hash: Buffer }>(
      'DELETE FROM login_session WHERE user_id = $1 AND token_hash <> $2 RETURNING token_hash AS hash',
      [userId, hash],
    )
    return ended.rows.map((row) => row.hash)
  })
}
