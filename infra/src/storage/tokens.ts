import { hashSecret, newSecret } from '../secrets.ts'
import { passOnBoards } from './boards.ts'
import { inTransaction, type Pool, type Queryable } from './pool.ts'
import type { Role } from './users.ts'

/** Tells a token from other secrets at a glance, for people and for secret scanners. */
export const TOKEN_PREFIX = 'tt_'

export interface TokenRecord {
  id: string
  name: string
  role: Role
  createdBy: string
  createdAt: string
  expiresAt: string | null
  usedAt: string | null
}

interface TokenRow {
  id: string
  name: string
  role: Role
  created_by: string
  created_at: Date
  expires_at: Date | null
  used_at: Date | null
}

const COLUMNS = 'id, name, role, created_by, created_at, expires_at, used_at'
const USABLE = 'revoked_at IS NULL AND (expires_at IS NULL OR expires_at > now())'

/** The answer holds the only copy of the token there will ever be. */
export async function createToken(
  db: Queryable,
  token: { name: string; role: Role; createdBy: string; expiresAt?: string | undefined },
): Promise<TokenRecord & { token: string }> {
  const secret = TOKEN_PREFIX + newSecret()
  const { rows } = await db.query<TokenRow>(
    `INSERT INTO api_token (name, hash, role, created_by, expires_at) VALUES ($1, $2, $3, $4, $5)
     RETURNING ${COLUMNS}`,
    [token.name, hashSecret(secret), token.role, token.createdBy, token.expiresAt ?? null],
  )
  return { ...toToken(rows[0] as TokenRow), token: secret }
}

/** Not revoked ones, newest first, expired ones included. */
export async function listTokens(
  db: Queryable,
  page: { limit: number; before?: { createdAt: string; id: string } | undefined },
): Promise<TokenRecord[]> {
  const { rows } = await db.query<TokenRow>(
    `SELECT ${COLUMNS} FROM api_token
     WHERE revoked_at IS NULL
       AND ($1::timestamptz IS NULL OR (date_trunc('milliseconds', created_at), id) < ($1, $2::uuid))
     ORDER BY date_trunc('milliseconds', created_at) DESC, id DESC LIMIT $3`,
    [page.before?.createdAt ?? null, page.before?.id ?? null, page.limit],
  )
  return rows.map(toToken)
}

/**
 * What it was; undefined when there is no such token or it was revoked before. With the last usable one of a name its
 * boards go as those of a user do: the next token of that name is another one's.
 */
export async function revokeToken(
  pool: Pool,
  { id, heir }: { id: string; heir: string },
): Promise<{ name: string; role: Role; hash: Buffer } | undefined> {
  return inTransaction(pool, async (db) => {
    // All of the name, so that of two revoked at once one is the last.
    await db.query(
      `SELECT FROM api_token WHERE revoked_at IS NULL AND name = (SELECT name FROM api_token WHERE id = $1)
       ORDER BY id FOR UPDATE`,
      [id],
    )
    const { rows } = await db.query<{ name: string; role: Role; hash: Buffer }>(
      `UPDATE api_token SET revoked_at = now() WHERE id = $1 AND revoked_at IS NULL
       RETURNING name, role, hash`,
      [id],
    )
    const revoked = rows[0]
    if (!revoked) return undefined
    const { rowCount } = await db.query(`SELECT FROM api_token WHERE name = $1 AND ${USABLE} LIMIT 1`, [
      revoked.name,
    ])
    if (rowCount === 0) await passOnBoards(db, `token:${revoked.name}`, heir)
    return revoked
  })
}

export interface UsableToken {
  name: string
  role: Role
  expiresAt: Date | null
}

/**
 * The token behind a secret, when it may be used now. Its last use is noted once a minute at most; nobody waits for
 * that, nor is kept out when it cannot be done.
 */
export async function useToken(db: Queryable, hash: Buffer): Promise<UsableToken | undefined> {
  const { rows } = await db.query<{
    id: string
    name: string
    role: Role
    expires_at: Date | null
    stale: boolean
  }>(
    `SELECT id, name, role, expires_at, coalesce(used_at < now() - interval '1 minute', true) AS stale
     FROM api_token WHERE hash = $1 AND ${USABLE}`,
    [hash],
  )
  const row = rows[0]
  if (!row) return undefined
  if (row.stale) db.query('UPDATE api_token SET used_at = now() WHERE id = $1', [row.id]).catch(() => {})
  return { name: row.name, role: row.role, expiresAt: row.expires_at }
}

/** Which of these hashes still belong to a usable token, and what it may do. */
export async function usableTokens(db: Queryable, hashes: Buffer[]): Promise<{ hash: Buffer; role: Role }[]> {
  const { rows } = await db.query<{ hash: Buffer; role: Role }>(
    `SELECT hash, role FROM api_token WHERE hash = ANY($1::bytea[]) AND ${USABLE}`,
    [hashes],
  )
  return rows
}

function toToken(row: TokenRow): TokenRecord {
  return {
    id: row.id,
    name: row.name,
    role: row.role,
    createdBy: row.created_by,
    createdAt: row.created_at.toISOString(),
    expiresAt: row.expires_at?.toISOString() ?? null,
    usedAt: row.used_at?.toISOString() ?? null,
  }
}
