import { type AuditEntry, writeAudit } from '@telltale/infra/storage/audit'
import type { FastifyRequest } from 'fastify'
import type { Deps } from './deps.ts'

/**
 * Notes who did what. The deed is done when this is called, so a failing audit write is logged in full instead of
 * turning the answer into an error that invites a second deed.
 */
export async function audit(
  { pool, log }: Pick<Deps, 'pool' | 'log'>,
  request: Pick<FastifyRequest, 'principal' | 'ip'>,
  entry: Omit<AuditEntry, 'actor' | 'address'> & { actor?: string },
): Promise<void> {
  const full = { actor: request.principal?.name ?? '-', ...entry, address: request.ip }
  await writeAudit(pool, full).catch((error: unknown) => {
    log.error({ err: error, audit: full }, 'audit entry not written')
  })
}
