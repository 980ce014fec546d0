import type { Queryable } from './pool.ts'

/** What a broker runs with, as far as people ask; a secret is only said to be there. */
export interface BrokerSettings {
  enrolment: 'closed' | 'approve' | 'open'
  enrolmentKeySet: boolean
  retentionDays: number
  backfillDays: number
}

/** Each broker tells at its start: settings are its own, and an API may run elsewhere with others. */
export async function noteBrokerSettings(
  db: Queryable,
  brokerId: string,
  settings: BrokerSettings,
): Promise<void> {
  await db.query('UPDATE broker SET settings = $2 WHERE id = $1', [brokerId, JSON.stringify(settings)])
}

/** Of brokers that have given a sign of life lately; null: it has not told. */
export async function listBrokerSettings(
  db: Queryable,
  aliveWithinMs: number,
): Promise<{ brokerId: string; settings: BrokerSettings | null }[]> {
  const { rows } = await db.query<{ brokerId: string; settings: BrokerSettings | null }>(
    `SELECT id AS "brokerId", settings FROM broker WHERE seen_at > now() - $1 * interval '1 millisecond'
     ORDER BY id`,
    [aliveWithinMs],
  )
  return rows
}
