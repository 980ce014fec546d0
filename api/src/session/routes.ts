import { hashSecret } from '@telltale/infra/secrets'
import {
  createLoginSession,
  deleteLoginSession,
  findUser,
  redeemSignInLink,
  type UserRecord,
} from '@telltale/infra/storage/users'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { Type } from 'typebox'
import { audit } from '../audit.ts'
import { Session, SignIn } from '../contract/index.ts'
import type { Api, Deps } from '../deps.ts'
import { ProblemError } from '../problems.ts'
import { version } from '../version.ts'
import { SignInAttempts } from './attempts.ts'
import { type Principal, SESSION_COOKIE } from './authenticate.ts'
import { principalOf } from './guard.ts'
import { checkOrigin } from './origin.ts'
import { passwordMatches } from './passwords.ts'
import { isSecure } from './transport.ts'

/** RFC 3339 has no "never"; tokens without an end get the last instant it can write. */
const NEVER = new Date('9999-12-31T23:59:59Z')
const COOKIE_MAX_AGE_S = 30 * 24 * 3_600

export function sessionRoutes(app: Api, deps: Deps): void {
  const attempts = new SignInAttempts()

  app.post(
    '/session',
    {
      config: { role: 'public' },
      schema: { tags: ['session'], summary: 'Sign in', body: SignIn, response: { 200: Session } },
    },
    async (request, reply) => {
      if (checkOrigin(request.headers) === 'foreign') throw new ProblemError('bad_origin')
      const user = await identify(deps, attempts, request)
      await audit(deps, request, { actor: user.username, action: 'session.start', result: 'ok' })
      return toSession(deps, request, await startSession(deps, user, { request, reply }))
    },
  )

  app.get(
    '/session',
    {
      config: { role: 'viewer' },
      schema: { tags: ['session'], summary: 'Who am I', response: { 200: Session } },
    },
    async (request) => toSession(deps, request, principalOf(request)),
  )

  app.delete(
    '/session',
    {
      config: { role: 'viewer' },
      schema: { tags: ['session'], summary: 'Sign out', response: { 204: Type.Null() } },
    },
    async (request, reply) => {
      const { via, hash } = principalOf(request)
      // A token has no session to end; revoking it is a decision of its own.
      if (via === 'cookie') {
        await deleteLoginSession(deps.pool, hash)
        deps.sessions.end(hash)
        await audit(deps, request, { action: 'session.end', result: 'ok' })
      }
      return reply.clearCookie(SESSION_COOKIE, { path: '/' }).code(204).send(null)
    },
  )
}

/** @throws ProblemError with the same answer for an unknown user and a wrong password */
async function identify(
  deps: Deps,
  attempts: SignInAttempts,
  request: FastifyRequest<{ Body: SignIn }>,
): Promise<UserRecord> {
  const { body, ip } = request
  // A link is a 256-bit secret; it shares the address's count, and nobody's name.
  const username = 'link' in body ? '(link)' : body.username
  const waitMs = attempts.begin(ip, username)
  if (waitMs > 0) throw new ProblemError('too_many_attempts', { retryAfterS: Math.ceil(waitMs / 1_000) })
  const user = 'link' in body ? await redeemSignInLink(deps.pool, body.link) : await checkPassword(deps, body)
  if (!user) {
    await audit(deps, request, { action: 'session.start', target: username, result: 'failed' })
    throw new ProblemError('link' in body ? 'link_used' : 'wrong_credentials')
  }
  attempts.succeeded(ip, username)
  return user
}

async function checkPassword(
  { pool }: Deps,
  { username, password }: { username: string; password: string },
): Promise<UserRecord | undefined> {
  const user = await findUser(pool, username)
  return (await passwordMatches(user?.passwordHash, password)) ? user : undefined
}

/** Always a new session, and an end to the one this browser came with: nobody can plant one beforehand. */
async function startSession(
  { pool, sessions }: Deps,
  user: UserRecord,
  { request, reply }: { request: FastifyRequest; reply: FastifyReply },
): Promise<Pick<Principal, 'name' | 'role' | 'expiresAt'>> {
  const previous = request.cookies[SESSION_COOKIE]
  if (previous) {
    await deleteLoginSession(pool, hashSecret(previous))
    sessions.end(hashSecret(previous))
  }
  const { ip: address, headers } = request
  const started = await createLoginSession(pool, {
    userId: user.id,
    address,
    userAgent: headers['user-agent'],
  })
  reply.setCookie(SESSION_COOKIE, started.token, {
    path: '/',
    httpOnly: true,
    sameSite: 'lax',
    secure: isSecure(request),
    maxAge: COOKIE_MAX_AGE_S,
  })
  return { name: user.username, role: user.role, expiresAt: started.expiresAt }
}

function toSession(
  { mqtt }: Deps,
  request: FastifyRequest,
  { name, role, expiresAt }: Pick<Principal, 'name' | 'role' | 'expiresAt'>,
): Session {
  const until = (expiresAt ?? NEVER).toISOString()
  // A broker that listens everywhere is reached where this request came in.
  const host = mqtt.host ?? request.hostname
  return { user: { username: name, role }, expiresAt: until, mqtt: { host, port: mqtt.port }, version }
}
