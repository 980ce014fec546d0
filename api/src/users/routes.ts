import { limits } from '@telltale/infra/limits'
import {
  type Account,
  changeAccount,
  deleteAccount,
  findAccount,
  listAccounts,
} from '@telltale/infra/storage/accounts'
import { createSignInLink, createUser } from '@telltale/infra/storage/users'
import type { FastifyRequest } from 'fastify'
import { Type } from 'typebox'
import { audit } from '../audit.ts'
import {
  NewUser,
  Page,
  PageQuery,
  type SignInLink,
  User,
  UserChange,
  UserWithLink,
} from '../contract/index.ts'
import { Username } from '../contract/users.ts'
import type { Api, Deps } from '../deps.ts'
import { decodeCursor, toPage } from '../paging.ts'
import { ProblemError } from '../problems.ts'
import { refuseWeakPassword } from '../session/account.ts'
import { principalOf } from '../session/guard.ts'
import { hashPassword } from '../session/passwords.ts'

const UserParams = Type.Object({ id: Type.String({ format: 'uuid' }) })
const HOUR_MS = 3_600_000

export function userRoutes(app: Api, deps: Deps): void {
  const { pool } = deps

  app.get(
    '/users',
    {
      config: { role: 'admin' },
      schema: {
        tags: ['users'],
        summary: 'List users, by name',
        querystring: PageQuery,
        response: { 200: Page(User) },
      },
    },
    async ({ query: { limit = 50, cursor } }) => {
      const after = decodeCursor<string>(cursor, Username)
      const rows = await listAccounts(pool, { limit: limit + 1, after })
      return toPage(rows, limit, { item: (user) => user, key: ({ username }) => username })
    },
  )

  app.post(
    '/users',
    {
      config: { role: 'admin' },
      schema: {
        tags: ['users'],
        summary: 'Add a user; without a password the answer holds a link that signs in once',
        body: NewUser,
        response: { 201: UserWithLink },
      },
    },
    async (request, reply) => {
      const { username, role, password } = request.body
      if (password !== undefined) refuseWeakPassword(password, username)
      const passwordHash = password === undefined ? null : await hashPassword(password)
      if (!(await createUser(pool, { username, role, passwordHash }))) throw new ProblemError('user_exists')
      const detail = { role, by: password === undefined ? 'link' : 'password' }
      await audit(deps, request, { action: 'user.create', target: username, detail, result: 'ok' })
      const link = password === undefined ? await makeLink(deps, username) : null
      const user = (await findAccount(pool, username)) as Account
      return reply
        .code(201)
        .header('cache-control', 'no-store')
        .send({ ...user, link })
    },
  )

  app.patch(
    '/users/:id',
    {
      config: { role: 'admin' },
      schema: {
        tags: ['users'],
        summary: 'Change the role of a user, disable or enable, or reset the password',
        params: UserParams,
        body: UserChange,
        response: { 200: UserWithLink },
      },
    },
    async (request, reply) => reply.header('cache-control', 'no-store').send(await change(deps, request)),
  )

  app.delete(
    '/users/:id',
    {
      config: { role: 'admin' },
      schema: {
        tags: ['users'],
        summary: 'Delete a user; ends the sessions. Tokens and what else was made stay',
        params: UserParams,
        response: { 204: Type.Null() },
      },
    },
    async (request, reply) => {
      const outcome = await deleteAccount(pool, { id: request.params.id, heir: principalOf(request).name })
      if (outcome === 'no_user') throw new ProblemError('user_not_found')
      if (outcome === 'last_admin') throw new ProblemError('last_admin')
      for (const hash of outcome.ended) deps.sessions.end(hash)
      const { username: target, role } = outcome.account
      await audit(deps, request, { action: 'user.delete', target, detail: { role }, result: 'ok' })
      return reply.code(204).send(null)
    },
  )
}

type ChangeRequest = FastifyRequest<{ Body: UserChange; Params: { id: string } }>

async function change(deps: Deps, request: ChangeRequest): Promise<UserWithLink> {
  const { body, params } = request
  const isOwn = (user: Account) => user.username === principalOf(request).name
  const outcome = await changeAccount(deps.pool, params.id, body, (user) => {
    // The answer with the link would reach a session that is over.
    if (body.reset && isOwn(user)) throw new ProblemError('own_account')
    if (body.reset && (body.disabled ?? user.disabledAt !== null)) throw new ProblemError('user_disabled')
  })
  if (outcome === 'no_user') throw new ProblemError('user_not_found')
  if (outcome === 'last_admin') throw new ProblemError('last_admin')
  // A role is asked for when a stream opens: with another one its client starts over, and the session goes on.
  for (const hash of outcome.ended) deps.sessions.end(hash)
  const { account } = outcome
  await audit(deps, request, {
    action: body.reset ? 'user.reset' : 'user.change',
    target: account.username,
    detail: differences(outcome),
    result: 'ok',
  })
  if (!body.reset) return { ...account, link: null }
  const link = await makeLink(deps, account.username)
  return { ...account, linkUntil: link.expiresAt, link }
}

function differences({ account, before }: { account: Account; before: Account }): Record<string, unknown> {
  const disabled = account.disabledAt !== null
  return {
    ...(account.role !== before.role && { role: account.role, roleBefore: before.role }),
    ...(disabled !== (before.disabledAt !== null) && { disabled }),
  }
}

async function makeLink({ pool }: Deps, username: string): Promise<SignInLink> {
  const ttlMs = limits.people.linkHours * HOUR_MS
  const token = await createSignInLink(pool, username, ttlMs)
  return { path: `/sign-in#link=${token}`, expiresAt: new Date(Date.now() + ttlMs).toISOString() }
}
