import {
  createIntegration,
  deleteIntegration,
  integrationUsername,
  listIntegrations,
} from '@telltale/infra/storage/integrations'
import { Type } from 'typebox'
import { audit } from '../audit.ts'
import { DeviceId } from '../contract/common.ts'
import { Integration, IntegrationCreated, NewIntegration, Page, PageQuery } from '../contract/index.ts'
import type { Api, Deps } from '../deps.ts'
import { decodeCursor, toPage } from '../paging.ts'
import { ProblemError } from '../problems.ts'
import { principalOf } from '../session/guard.ts'

export function integrationRoutes(app: Api, deps: Deps): void {
  const { pool, link } = deps

  app.get(
    '/integrations',
    {
      config: { role: 'admin' },
      schema: {
        tags: ['integrations'],
        summary: 'List MQTT clients that are not devices, by name',
        querystring: PageQuery,
        response: { 200: Page(Integration) },
      },
    },
    async ({ query: { limit = 50, cursor } }) => {
      const after = decodeCursor<string>(cursor, DeviceId)
      const rows = await listIntegrations(pool, { limit: limit + 1, after })
      return toPage(rows, limit, { item: (integration) => integration, key: ({ name }) => name })
    },
  )

  app.post(
    '/integrations',
    {
      config: { role: 'admin' },
      schema: {
        tags: ['integrations'],
        summary: 'Let an MQTT client in that is not a device; the answer shows its secret this once only',
        body: NewIntegration,
        response: { 201: IntegrationCreated },
      },
    },
    async (request, reply) => {
      const { name, read = false, write = false } = request.body
      if (!read && !write)
        throw new ProblemError('invalid_request', {
          fields: [{ path: 'body', message: 'read or write must be true, or both' }],
        })
      const createdBy = principalOf(request).name
      const integration = await createIntegration(pool, { name, read, write, createdBy })
      if (!integration) throw new ProblemError('integration_exists')
      const detail = { read, write }
      await audit(deps, request, { action: 'integration.create', target: name, detail, result: 'ok' })
      return reply.code(201).header('cache-control', 'no-store').send(integration)
    },
  )

  app.delete(
    '/integrations/:name',
    {
      config: { role: 'admin' },
      schema: {
        tags: ['integrations'],
        summary: 'Revoke an integration; closes its connections',
        params: Type.Object({ name: DeviceId }),
        response: { 204: Type.Null() },
      },
    },
    async (request, reply) => {
      const { name } = request.params
      if (!(await deleteIntegration(pool, name))) throw new ProblemError('integration_not_found')
      link.revoked(integrationUsername(name))
      await audit(deps, request, { action: 'integration.revoke', target: name, result: 'ok' })
      return reply.code(204).send(null)
    },
  )
}
