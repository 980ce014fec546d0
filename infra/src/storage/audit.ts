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

/** One entry for each target, so that each is found by its own. */
export async function writeAuditOfEach(
  db: Queryable,
  entry: Required<Omit<AuditEntry, 'target'>>,
  targets: string[],
): Promise<void> {
  await db.query(
    `INSERT INTO audit_entry (actor, action, target, detail, result, address)
     SELECT $1, $2, target, $4, $5, $6 FROM unnest($3::text[]) AS target`,
    [entry.actor, entry.action, targets, JSON.stringify(entry.detail), entry.result, entry.address],
  )
}

export interface AuditRecord extends Required<Omit<AuditEntry, 'target' | 'detail' | 'address'>> {
  id: number
  at: string
  target: string | null
  detail: Record<string, unknown> | null
  address: string | null
}

export interface AuditFilter {
  /** In whatever case. */
  actor?: string | undefined
  /** `device.create`, or `device` for all of that noun. */
  action?: string | undefined
  target?: string | undefined
  result?: AuditEntry['result'] | undefined
  fromMs?: number | undefined
  toMs?: number | undefined
}

/** Newest first; `from` is part of the range, `to` is not. */
export async function listAudit(
  db: Queryable,
  filter: AuditFilter,
  page: { limit: number; before?: number | undefined },
): Promise<AuditRecord[]> {
  const { rows } = await db.query<Omit<AuditRecord, 'at'> & { at: Date }>(
    `SELECT id, at, actor, action, target, detail, result, address FROM audit_entry
     WHERE ($1::bigint IS NULL OR id < $1)
       AND ($2::text IS NULL OR lower(actor) = lower($2))
       AND ($3::text IS NULL OR action = $3 OR starts_with(action, $3 || '.'))
       AND ($4::text IS NULL OR target = $4)
       AND ($5::text IS NULL OR result = $5)
       AND ($6::float8 IS NULL OR at >= to_timestamp($6 / 1000))
       AND ($7::float8 IS NULL OR at < to_timestamp($7 / 1000))
     ORDER BY id DESC LIMIT $8`,
    [
      page.before ?? null,
      filter.actor ?? null,
      filter.action ?? null,
      filter.target ?? null,
      filter.result ?? null,
      filter.fromMs ?? null,
      filter.toMs ?? null,
      page.limit,
    ],
  )
  return rows.map((row) => ({ ...row, at: row.at.toISOString() }))
}
