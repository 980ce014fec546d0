import type { Queryable } from './pool.ts'

/** A device whose connection went down with its broker. */
export interface LostDevice {
  deviceId: string
  disconnectedAt: Date
}

/** Ends what an earlier life of this broker left open, at the last moment it was known to live. */
export async function startBroker(db: Queryable, brokerId: string): Promise<LostDevice[]> {
  const { rows } = await db.query<{ device_id: string; disconnected_at: Date }>(
    `UPDATE session s
     SET reason = 'broker_lost',
         disconnected_at = greatest(s.connected_at, coalesce((SELECT seen_at FROM broker WHERE id = $1), now()))
     WHERE broker_id = $1 AND disconnected_at IS NULL
     RETURNING device_id, disconnected_at`,
    [brokerId],
  )
  await db.query(
    `INSERT INTO broker (id, started_at, seen_at) VALUES ($1, now(), now())
     ON CONFLICT (id) DO UPDATE SET started_at = excluded.started_at, seen_at = excluded.seen_at`,
    [brokerId],
  )
  return rows.map((row) => ({ deviceId: row.device_id, disconnectedAt: row.disconnected_at }))
}

export async function keepBrokerSeen(db: Queryable, brokerId: string): Promise<void> {
  await db.query('UPDATE broker SET seen_at = now() WHERE id = $1', [brokerId])
}

/** Other brokers that have given no sign of life for so long, the newest day's. */
export async function findLostBrokers(
  db: Queryable,
  self: { brokerId: string; lostAfterMs: number },
): Promise<string[]> {
  const { rows } = await db.query<{ id: string }>(
    `SELECT id FROM broker WHERE id <> $1 AND seen_at < now() - $2 * interval '1 millisecond'
       AND seen_at > now() - interval '1 day'`,
    [self.brokerId, self.lostAfterMs],
  )
  return rows.map(({ id }) => id)
}

/**
 * Ends the sessions a lost broker left open. Of several brokers that see it, each session is ended by one.
 * @returns the devices that have not come back to another broker
 */
export async function endSessionsOf(db: Queryable, brokerId: string): Promise<LostDevice[]> {
  const { rows } = await db.query<{ device_id: string; disconnected_at: Date; is_back: boolean }>(
    `UPDATE session s
     SET reason = 'broker_lost', disconnected_at = greatest(s.connected_at, b.seen_at)
     FROM broker b WHERE b.id = $1 AND s.broker_id = $1 AND s.disconnected_at IS NULL
     RETURNING s.device_id, s.disconnected_at, EXISTS (
       SELECT FROM session n WHERE n.device_id = s.device_id AND n.id > s.id AND n.disconnected_at IS NULL
     ) AS is_back`,
    [brokerId],
  )
  return rows
    .filter((row) => !row.is_back)
    .map((row) => ({ deviceId: row.device_id, disconnectedAt: row.disconnected_at }))
}

/** Of these sessions, the ones that others have ended: this broker was taken for lost, or the device is elsewhere. */
export async function findEnded(
  db: Queryable,
  epochs: number[],
): Promise<Map<number, 'broker_lost' | 'taken_over'>> {
  const { rows } = await db.query<{ id: number; reason: 'broker_lost' | 'taken_over' }>(
    `SELECT id, reason FROM session WHERE id = ANY($1::bigint[]) AND reason IN ('broker_lost', 'taken_over')`,
    [epochs],
  )
  return new Map(rows.map(({ id, reason }) => [id, reason]))
}
