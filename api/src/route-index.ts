import type { Role } from '@telltale/infra/storage/users'
import type { Api } from './deps.ts'

export interface RouteEntry {
  method: string
  url: string
  role: Role | 'public' | undefined
}

declare module 'fastify' {
  interface FastifyInstance {
    /** Every route with the role it needs. */
    routeIndex: RouteEntry[]
  }
}

/** Must be installed before the routes it lists. */
export function installRouteIndex(app: Api): void {
  app.decorate('routeIndex', [])
  app.addHook('onRoute', ({ url, method, config }) => {
    for (const name of [method].flat()) app.routeIndex.push({ method: name, url, role: config?.role })
  })
}

/** The methods a path answers to; none when no route fits it. */
export function allowedMethods(routes: RouteEntry[], path: string): string[] {
  return routes.filter(({ url }) => url !== '/*' && matches(url, path)).map(({ method }) => method)
}

/** Whether a route's pattern (`/devices/:id`) fits a path. */
function matches(pattern: string, path: string): boolean {
  const want = pattern.split('/')
  const have = path.split('/')
  return want.length === have.length && want.every((level, i) => level.startsWith(':') || level === have[i])
}
