import {
  changeOwnPassword,
  endOwnSession,
  findOwnPassword,
  listOwnSessions,
} from '@telltale/infra/storage/own-account'
import type { FastifyRequest } from 'fastify'
import { Type } from 'typebox'
import { audit } from '../audit.ts'
import { OwnSession, PasswordChange } from '../contract/index.ts'
import type { Api, Deps } from '../deps.ts'
import { ProblemError } from '../problems.ts'
import type { SignInAttempts } from './attempts.ts'
import { type Principal, SESSION_COOKIE } from './authenticate.ts'
import { principalOf } from './guard.ts'
import { passwordProblem } from './password-rules.ts'
import { hashPassword, passwordMatches } from './passwords.ts'

/** What people see and change of themselves, whatever their role. Tokens have neither a password nor sessions. */
export function accountRoutes(app: Api, deps: Deps, attempts: SignInAttempts): void {
  app.put(
    '/session/password',
    {
      config: { role: 'viewer' },
      schema: {
        tags: ['session'],
        summary: 'Set the own password; ends the other sessions',
        body: PasswordChange,
        response: { 204: Type.Null() },
      },
    },
    async (request, reply) => {
      const me = personOf(request)
      refuseWeakPassword(request.body.password, me.name)
      const from = await confirmCurrent(deps, attempts, request)
      const to = await hashPassword(request.body.password)
      const ended = await changeOwnPassword(deps.pool, me.hash, { from, to })
      // Somebody else changed it between the look and the write, or ended this session.
      if (!ended) throw new ProblemError('password_changed')
      for (const hash of ended) deps.sessions.end(hash)
      const detail = { sessionsEnded: ended.length }
      await audit(deps, request, { action: 'password.change', target: me.name, detail, result: 'ok' })
      return reply.code(204).send(null)
    },
  )

  app.get(
    '/sessions',
    {
      config: { role: 'viewer' },
      schema: {
        tags: ['session'],
        summary: 'The own sessions, the one used last first',
        response: { 200: Type.Object({ items: Type.Array(OwnSession) }) },
      },
    },
    async (request) => ({ items: await listOwnSessions(deps.pool, personOf(request).hash) }),
  )

  app.delete(
    '/sessions/:id',
    {
      config: { role: 'viewer' },
      schema: {
        tags: ['session'],
        summary: 'End a session of one’s own, and its streams',
        params: Type.Object({ id: Type.String({ format: 'uuid' }) }),
        response: { 204: Type.Null() },
      },
    },
    async (request, reply) => {
      const me = personOf(request)
      const { id } = request.params
      const ended = await endOwnSession(deps.pool, me.hash, id)
      if (!ended) throw new ProblemError('session_not_found')
      deps.sessions.end(ended)
      await audit(deps, request, { action: 'session.revoke', target: me.name, detail: { id }, result: 'ok' })
      if (ended.equals(me.hash)) reply.clearCookie(SESSION_COOKIE, { path: '/' })
      return reply.code(204).send(null)
    },
  )
}

/** @throws ProblemError weak_password, with the reason at its field */
export function refuseWeakPassword(password: string, username: string): void {
  const message = passwordProblem(password, username)
  if (message) throw new ProblemError('weak_password', { fields: [{ path: 'body/password', message }] })
}

function personOf(request: FastifyRequest): Principal {
  const principal = principalOf(request)
  if (principal.via !== 'cookie') throw new ProblemError('needs_session')
  return principal
}

/** A found browser must not become a found account: the current password is asked for, as slowly as at the door. */
async function confirmCurrent(
  deps: Deps,
  attempts: SignInAttempts,
  request: FastifyRequest<{ Body: PasswordChange }>,
): Promise<string | null> {
  const { name, hash } = personOf(request)
  const own = await findOwnPassword(deps.pool, hash)
  if (!own) throw new ProblemError('not_signed_in')
  if (own.state !== 'set') return own.passwordHash
  const waitMs = attempts.begin(request.ip, name)
  if (waitMs > 0) throw new ProblemError('too_many_attempts', { retryAfterS: Math.ceil(waitMs / 1_000) })
  if (!(await passwordMatches(own.passwordHash ?? undefined, request.body.current ?? ''))) {
    await audit(deps, request, { action: 'password.change', target: name, result: 'failed' })
    throw new ProblemError('wrong_password', {
      fields: [{ path: 'body/current', message: 'is not the current password' }],
    })
  }
  attempts.succeeded(request.ip, name)
  return own.passwordHash
}
