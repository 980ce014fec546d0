import { type AuditEntry, writeAudit, writeAuditOfEach } from '@telltale/infra/storage/audit'
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

/** The same of many: whoever looks for one of them finds it. */
export async function auditEach(
  { pool, log }: Pick<Deps, 'pool' | 'log'>,
  request: Pick<FastifyRequest, 'principal' | 'ip'>,
  { targets, ...entry }: { action: string; detail: Record<string, unknown>; targets: string[] },
): Promise<void> {
  if (targets.length === 0) return
  const { principal, ip: address } = request
  const full = { ...entry, actor: principal?.name ?? '-', result: 'ok', address } as const
  await writeAuditOfEach(pool, full, targets).catch((error: unknown) => {
    log.error({ err: error, audit: full, targets }, 'audit entries not written')
  })
}
