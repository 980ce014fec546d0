import { Type } from 'typebox'
import { Readiness } from '../contract/index.ts'
import type { Api, Deps } from '../deps.ts'
import { createMetrics } from './metrics.ts'
import { checkReadiness, StorageWatch } from './readiness.ts'

/** Without prefix and sign-in: for probes and Prometheus. */
export function systemRoutes(app: Api, deps: Deps): void {
  const registry = createMetrics(deps, app)
  const storage = new StorageWatch(deps.pool)

  app.get(
    '/livez',
    {
      schema: {
        tags: ['system'],
        summary: 'Alive: the process answers',
        response: { 200: Type.Object({ alive: Type.Boolean() }) },
      },
    },
    () => ({ alive: true }),
  )

  app.get(
    '/readyz',
    {
      schema: {
        tags: ['system'],
        summary: 'Ready: database and broker are connected; ?verbose adds storage and brokers',
        querystring: Type.Object({ verbose: Type.Optional(Type.String({ maxLength: 8 })) }),
        response: { 200: Readiness, 503: Readiness },
      },
    },
    async ({ query: { verbose } }, reply) => {
      const readiness = await checkReadiness(deps, storage, verbose !== undefined)
      return reply
        .code(readiness.ready ? 200 : 503)
        .header('cache-control', 'no-store')
        .send(readiness)
    },
  )

  app.get(
    '/metrics',
    { schema: { tags: ['system'], summary: 'Prometheus metrics', produces: ['text/plain'] } },
    async (_request, reply) => reply.type(registry.contentType).send(await registry.metrics()),
  )

  app.get('/openapi.json', { schema: { hide: true } }, async () => app.swagger())
}
