import { createToken, listTokens, revokeToken } from '@telltale/infra/storage/tokens'
import { Type } from 'typebox'
import { audit } from '../audit.ts'
import { NewToken, Page, PageQuery, Token, TokenCreated } from '../contract/index.ts'
import type { Api, Deps } from '../deps.ts'
import { CursorTime, decodeCursor, toPage } from '../paging.ts'
import { ProblemError } from '../problems.ts'
import { principalOf } from '../session/guard.ts'

const Uuid = Type.String({ format: 'uuid' })
const PageKey = Type.Tuple([CursorTime, Uuid])

export function tokenRoutes(app: Api, deps: Deps): void {
  app.get(
    '/tokens',
    {
      config: { role: 'admin' },
      schema: {
        tags: ['tokens'],
        summary: 'List API tokens',
        querystring: PageQuery,
        response: { 200: Page(Token) },
      },
    },
    async ({ query: { limit = 50, cursor } }) => {
      const [createdAt, id] = decodeCursor<[string, string]>(cursor, PageKey) ?? []
      const before = createdAt && id ? { createdAt, id } : undefined
      const rows = await listTokens(deps.pool, { limit: limit + 1, before })
      return toPage(rows, limit, { item: (token) => token, key: (token) => [token.createdAt, token.id] })
    },
  )

  app.post(
    '/tokens',
    {
      config: { role: 'admin' },
      schema: {
        tags: ['tokens'],
        summary: 'Create an API token; the answer shows it this once only',
        body: NewToken,
        response: { 201: TokenCreated },
      },
    },
    async (request, reply) => {
      const { name, role, expiresAt } = request.body
      if (expiresAt !== undefined && Date.parse(expiresAt) <= Date.now())
        throw new ProblemError('invalid_request', {
          fields: [{ path: 'body/expiresAt', message: 'must be in the future' }],
        })
      const createdBy = principalOf(request).name
      const token = await createToken(deps.pool, { name, role, createdBy, expiresAt })
      const detail = { id: token.id, role: token.role, expiresAt: token.expiresAt }
      await audit(deps, request, { action: 'token.create', target: token.name, detail, result: 'ok' })
      return reply.code(201).header('cache-control', 'no-store').send(token)
    },
  )

  app.delete(
    '/tokens/:id',
    {
      config: { role: 'admin' },
      schema: {
        tags: ['tokens'],
        summary: 'Revoke an API token',
        params: Type.Object({ id: Uuid }),
        response: { 204: Type.Null() },
      },
    },
    async (request, reply) => {
      const { id } = request.params
      const revoked = await revokeToken(deps.pool, { id, heir: principalOf(request).name })
      if (!revoked) throw new ProblemError('token_not_found')
      deps.sessions.end(revoked.hash)
      const { name: target, role } = revoked
      await audit(deps, request, { action: 'token.revoke', target, detail: { id, role }, result: 'ok' })
      return reply.code(204).send(null)
    },
  )
}
