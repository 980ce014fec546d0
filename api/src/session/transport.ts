import type { FastifyRequest } from 'fastify'

/**
 * Whether the browser reached us over TLS, directly or through a proxy. A client that lies here only makes its own
 * cookie stricter.
 */
export function isSecure(request: FastifyRequest): boolean {
  return request.protocol === 'https' || request.headers['x-forwarded-proto'] === 'https'
}
