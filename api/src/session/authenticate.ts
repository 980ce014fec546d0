import { hashSecret } from '@telltale/infra/secrets'
import type { Queryable } from '@telltale/infra/storage/pool'
import { TOKEN_PREFIX, useToken } from '@telltale/infra/storage/tokens'
import { type PasswordState, type Role, useLoginSession } from '@telltale/infra/storage/users'

/** Who a request speaks for. `hash` identifies the session or token without being able to use it. */
export interface Principal {
  via: 'cookie' | 'bearer'
  name: string
  role: Role
  hash: Buffer
  /** Null: a token without an end. */
  expiresAt: Date | null
  /** Of a person; tokens have no password. */
  passwordState?: PasswordState
}

export const SESSION_COOKIE = 'telltale_session'

const RANK: Record<Role, number> = { viewer: 0, operator: 1, admin: 2 }

export function mayActAs(role: Role, needed: Role): boolean {
  return RANK[role] >= RANK[needed]
}

export interface Proof {
  authorization: string | undefined
  cookie: string | undefined
}

/** A bearer token goes before the cookie: scripts that send one mean it. */
export async function authenticate(db: Queryable, proof: Proof): Promise<Principal | undefined> {
  const bearer = bearerOf(proof)
  if (bearer !== undefined) return authenticateToken(db, bearer)
  return proof.cookie ? authenticateCookie(db, proof.cookie) : undefined
}

/** What identifies the session or token; undefined without any proof. */
export function hashOfProof(proof: Proof): Buffer | undefined {
  const secret = bearerOf(proof) ?? proof.cookie
  return secret ? hashSecret(secret) : undefined
}

function bearerOf({ authorization }: Proof): string | undefined {
  return /^Bearer +(\S+)$/i.exec(authorization ?? '')?.[1]
}

async function authenticateToken(db: Queryable, secret: string): Promise<Principal | undefined> {
  if (!secret.startsWith(TOKEN_PREFIX)) return undefined
  const hash = hashSecret(secret)
  const token = await useToken(db, hash)
  return (
    token && {
      via: 'bearer',
      name: `token:${token.name}`,
      role: token.role,
      hash,
      expiresAt: token.expiresAt,
    }
  )
}

async function authenticateCookie(db: Queryable, secret: string): Promise<Principal | undefined> {
  const hash = hashSecret(secret)
  const session = await useLoginSession(db, hash)
  return (
    session && {
      via: 'cookie',
      name: session.username,
      role: session.role,
      hash,
      expiresAt: session.expiresAt,
      passwordState: session.passwordState,
    }
  )
}
