import swagger, { type FastifyDynamicSwaggerOptions } from '@fastify/swagger'
import swaggerUi from '@fastify/swagger-ui'
import { Problem } from '../contract/common.ts'
import type { Api } from '../deps.ts'
import { version } from '../version.ts'

/** swagger-ui styles itself inline and draws with data: images; its scripts are files of its own. */
const DOCS_CSP = {
  'default-src': "'self';",
  'script-src': "'self';",
  'style-src': "'self' 'unsafe-inline';",
  'img-src': "'self' data:;",
  'frame-ancestors': "'none';",
  'base-uri': "'none';",
  'form-action': "'self';",
}

/** OpenAPI 3.1 from the schemas the routes run on; `/docs` shows it. Registered before the routes it describes. */
export async function installDocumentation(app: Api): Promise<void> {
  await app.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: {
        title: 'Telltale',
        version,
        description:
          'Telemetry, live events and commands. Errors are RFC 9457 problems with a stable `code`.',
        license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
      },
      components: {
        schemas: { Problem },
        responses: {
          Problem: {
            description: 'whatever went wrong; `code` says what',
            content: { 'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } } },
          },
        },
        securitySchemes: {
          session: { type: 'apiKey', in: 'cookie', name: 'telltale_session' },
          token: { type: 'http', scheme: 'bearer' },
        },
      },
      security: [{ session: [] }, { token: [] }],
    },
    transformObject: (document) => ('openapiObject' in document ? withProblems(document.openapiObject) : {}),
  })
  await app.register(swaggerUi, { routePrefix: '/docs', staticCSP: DOCS_CSP })
}

type Document = Extract<
  Parameters<NonNullable<FastifyDynamicSwaggerOptions['transformObject']>>[0],
  { openapiObject: unknown }
>['openapiObject']

/** Every operation may fail, and all in the same shape. */
function withProblems(document: Document): Document {
  for (const operations of Object.values(document.paths ?? {}))
    for (const operation of Object.values(operations ?? {}))
      if (typeof operation === 'object' && 'responses' in operation)
        Object.assign(operation.responses ?? {}, { default: { $ref: '#/components/responses/Problem' } })
  return document
}
