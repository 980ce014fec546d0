import type { Queryable } from './pool.ts'

export interface AuditEntry {
  /** A username, `token:{name}`, or `-` when nobody is signed in. */
  actor: string
  /** `noun.verb`, such as `device.create`. */
  action: string
  target?: string
  /** Never a secret. */
  detail?: Record<string, unknown>
  result: 'ok' | 'failed'
  address?: string
}

/** Append-only: there is no update and no delete. */
export async function writeAudit(db: Queryable, entry: AuditEntry): Promise<void> {
  await db.query(
    `INSERT INTO audit_entry (actor, action, target, detail, result, address) VALUES ($1, $2, $3, $4, $5, $6)`,
    [
      entry.actor,
      entry.action,
      entry.target ?? null,
      entry.detail === undefined ? null : JSON.stringify(entry.detail),
      entry.result,
      entry.address ?? null,
    ],
  )
}
