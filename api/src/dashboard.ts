import { existsSync } from 'node:fs'
import { join, sep } from 'node:path'
import fastifyStatic from '@fastify/static'
import type { FastifyReply, FastifyRequest } from 'fastify'
import type { Api, Deps } from './deps.ts'
import { sendProblem } from './errors.ts'
import { ProblemError } from './problems.ts'
import { allowedMethods } from './route-index.ts'

/** What only a document heeds: with two dozen files it would be a tenth of the first load. `nosniff` stays. */
const OF_A_PAGE = [
  'content-security-policy',
  'cross-origin-opener-policy',
  'origin-agent-cluster',
  'referrer-policy',
  'x-dns-prefetch-control',
  'x-download-options',
  'x-frame-options',
  'x-permitted-cross-domain-policies',
  'x-xss-protection',
]
const NOT_BUILT =
  '<!doctype html><title>Telltale</title><p>The API is running. The dashboard is not built yet: ' +
  'run <code>npm run build</code> and start again, or see <a href="/docs">/docs</a>.'

/** Serves the built dashboard. Its addresses are made by its own router, so unknown pages get index.html. */
export async function installDashboard(app: Api, { dashboardDir }: Deps): Promise<void> {
  const isBuilt = existsSync(join(dashboardDir, 'index.html'))
  // Vite puts a content hash into these names, so they never change. All else is asked for, and answered with 304.
  const hashed = join(dashboardDir, 'assets') + sep
  if (isBuilt)
    await app.register(fastifyStatic, {
      root: dashboardDir,
      cacheControl: false,
      // The build writes a .br and a .gz beside each text: nothing is compressed while somebody waits.
      preCompressed: true,
      setHeaders: (reply, path) => {
        const isHashed = path.startsWith(hashed)
        reply.header('cache-control', isHashed ? 'public, max-age=31536000, immutable' : 'no-cache')
        if (isHashed) for (const name of OF_A_PAGE) reply.removeHeader(name)
      },
    })
  app.setNotFoundHandler((request, reply) => {
    if (isPage(request)) return sendPage(reply, isBuilt)
    const path = request.url.split('?')[0] ?? ''
    const allowed = allowedMethods(app.routeIndex, path)
    if (allowed.length === 0 || allowed.includes(request.method))
      return sendProblem(new ProblemError('not_found'), request, reply)
    reply.header('allow', allowed.join(', '))
    return sendProblem(new ProblemError('method_not_allowed'), request, reply)
  })
}

function isPage({ method, url, headers }: FastifyRequest): boolean {
  const isRead = method === 'GET' || method === 'HEAD'
  return isRead && !/^\/(api|assets)(\/|$)/.test(url) && /text\/html/.test(headers.accept ?? '')
}

function sendPage(reply: FastifyReply, isBuilt: boolean): FastifyReply {
  reply.header('cache-control', 'no-cache')
  return isBuilt ? reply.sendFile('index.html') : reply.type('text/html; charset=utf-8').send(NOT_BUILT)
}
