import { hashSecret } from '@telltale/infra/secrets'
import {
  createLoginSession,
  deleteLoginSession,
  findUser,
  type StartedSession,
  signInByLink,
  type UserRecord,
} from '@telltale/infra/storage/users'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { Type } from 'typebox'
import { audit } from '../audit.ts'
import { Session, SignIn } from '../contract/index.ts'
import type { Api, Deps } from '../deps.ts'
import { ProblemError } from '../problems.ts'
import { version } from '../version.ts'
import { accountRoutes } from './account.ts'
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
  accountRoutes(app, deps, attempts)

  app.post(
    '/session',
    {
      config: { role: 'public' },
      schema: { tags: ['session'], summary: 'Sign in', body: SignIn, response: { 200: Session } },
    },
    async (request, reply) => {
      if (checkOrigin(request.headers) === 'foreign') throw new ProblemError('bad_origin')
      const session = await enter(deps, attempts, { request, reply })
      const detail = { by: 'link' in request.body ? 'link' : 'password' }
      await audit(deps, request, { actor: session.name, action: 'session.start', detail, result: 'ok' })
      return toSession(deps, request, session)
    },
  )

  app.get(
    '/session',
    {
      config: { role: 'viewer', isFromMemory: true },
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

type Exchange = { request: FastifyRequest<{ Body: SignIn }>; reply: FastifyReply }
type Entered = Pick<Principal, 'name' | 'role' | 'expiresAt' | 'passwordState'>

/** @throws ProblemError with the same answer for an unknown user and a wrong password */
async function enter(deps: Deps, attempts: SignInAttempts, exchange: Exchange): Promise<Entered> {
  const { body, ip } = exchange.request
  const username = 'link' in body ? undefined : body.username
  const waitMs = attempts.begin(ip, username)
  if (waitMs > 0) throw new ProblemError('too_many_attempts', { retryAfterS: Math.ceil(waitMs / 1_000) })
  const entered = await startSession(deps, exchange.request)
  if (!entered) {
    const target = username ?? '(link)'
    await audit(deps, exchange.request, { action: 'session.start', target, result: 'failed' })
    throw new ProblemError('link' in body ? 'link_used' : 'wrong_credentials')
  }
  attempts.succeeded(ip, username)
  const { user, started } = entered
  await handOver(deps, exchange, started.token)
  const { expiresAt, passwordState } = started
  return { name: user.username, role: user.role, expiresAt, passwordState }
}

async function startSession(
  { pool }: Deps,
  { body, ip: address, headers }: Exchange['request'],
): Promise<{ user: UserRecord; started: StartedSession } | undefined> {
  const from = { address, userAgent: headers['user-agent'] }
  if ('link' in body) return signInByLink(pool, body.link, from)
  const user = await findUser(pool, body.username)
  // One without a password takes as long to be refused as one with another.
  const passwordHash = user?.passwordHash ?? undefined
  const matches = await passwordMatches(passwordHash, body.password)
  if (!user || !passwordHash || !matches) return undefined
  const started = await createLoginSession(pool, { ...from, userId: user.id, proof: { passwordHash } })
  return started && { user, started }
}

/** Always a new session, and an end to the one this browser came with: nobody can plant one beforehand. */
async function handOver(
  { pool, sessions }: Deps,
  { request, reply }: Exchange,
  token: string,
): Promise<void> {
  const previous = request.cookies[SESSION_COOKIE]
  if (previous) {
    await deleteLoginSession(pool, hashSecret(previous))
    sessions.end(hashSecret(previous))
  }
  reply.setCookie(SESSION_COOKIE, token, {
    path: '/',
    httpOnly: true,
    sameSite: 'lax',
    secure: isSecure(request),
    maxAge: COOKIE_MAX_AGE_S,
  })
}

function toSession(
  { mqtt }: Deps,
  request: FastifyRequest,
  { name, role, expiresAt, passwordState }: Entered,
): Session {
  const until = (expiresAt ?? NEVER).toISOString()
  // A broker that listens everywhere is reached where this request came in.
  const host = mqtt.host ?? request.hostname
  return {
    user: { username: name, role },
    expiresAt: until,
    ...(passwordState && { passwordState }),
    mqtt: { host, port: mqtt.port },
    version,
  }
}
