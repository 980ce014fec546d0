import type { Role } from '@telltale/infra/storage/users'
import type { FastifyRequest } from 'fastify'
import type { Api, Deps } from '../deps.ts'
import { asProblemError } from '../errors.ts'
import { ProblemError } from '../problems.ts'
import { unavailable } from '../system/database-watch.ts'
import { mayActAs, type Principal, SESSION_COOKIE } from './authenticate.ts'
import { identify } from './identify.ts'
import { checkOrigin } from './origin.ts'

declare module 'fastify' {
  interface FastifyContextConfig {
    /** The least role that may use the route; `public` needs no sign-in. Every route below /api must say. */
    role?: Role | 'public'
    /** Answers from memory: also while the database is away, for those who were known before. */
    isFromMemory?: boolean
  }
  interface FastifyRequest {
    principal: Principal | undefined
  }
}

const SAFE_METHODS = new Set(['GET', 'HEAD', 'OPTIONS'])

/**
 * Enforces each route's `config.role`. A route that forgot to declare one stops the start, so none stays open. What
 * needs the database is refused soon while it is away, instead of waiting for it in a row that only grows.
 */
export function installGuard(app: Api, deps: Pick<Deps, 'pool' | 'sessions' | 'database'>): void {
  app.decorateRequest('principal', undefined)
  app.addHook('onRoute', (route) => {
    if (route.url.startsWith('/api') && route.config?.role === undefined)
      throw new Error(`route ${route.method} ${route.url} declares no role`)
    const { config: { role, isFromMemory, isStream } = {}, handler } = route
    if (role === undefined || isFromMemory || isStream) return
    route.handler = async function (request, reply) {
      try {
        return await deps.database.orAway(() => handler.call(this, request, reply))
      } catch (error) {
        // An answer that is on its way cannot become another one; it ends by itself.
        if (reply.raw.headersSent && asProblemError(error).code === 'database_unavailable') return reply
        throw error
      }
    }
  })
  app.addHook('onRequest', async (request) => {
    const { role, isFromMemory, isStream } = request.routeOptions.config
    if (role === undefined) return
    if (deps.database.isAway && !isFromMemory && !isStream) throw unavailable()
    if (role === 'public') return
    const { authorization } = request.headers
    request.principal = await identify(deps, { authorization, cookie: request.cookies[SESSION_COOKIE] })
    if (!request.principal) throw new ProblemError('not_signed_in')
    if (request.principal.via === 'cookie') refuseForgery(request)
    if (!mayActAs(request.principal.role, role)) throw new ProblemError('forbidden')
  })
}

/** A cookie is sent by the browser whoever asks: a custom header and the Origin show that our own page asked. */
function refuseForgery(request: FastifyRequest): void {
  if (SAFE_METHODS.has(request.method)) return
  if (checkOrigin(request.headers) === 'foreign') throw new ProblemError('bad_origin')
  if (request.headers['x-telltale-csrf'] !== '1') throw new ProblemError('csrf_header_missing')
}

/** The signed-in principal of a guarded route. */
export function principalOf(request: FastifyRequest): Principal {
  if (!request.principal) throw new ProblemError('not_signed_in')
  return request.principal
}
