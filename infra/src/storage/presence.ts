import type { Queryable } from './pool.ts'

export type PresenceStatus = 'online' | 'silent' | 'offline' | 'never'

export interface PresenceRecord {
  status: PresenceStatus
  since: number | null
  reason: string | null
  seenAt: number | null
}

export interface PresenceColumns {
  status: PresenceStatus
  since: Date | null
  reason: string | null
  seen_at: Date | null
}

/**
 * Presence of every `device d` in a FROM clause, as `p` (status, since, reason) and `a.seen_at`. The newest session
 * decides; `silent` is connected, but nothing heard for three of the device's usual intervals (30 s at least). A
 * device that has just connected is given that time anew.
 */
export const PRESENCE_JOIN = `
  LEFT JOIN device_activity a ON a.device_id = d.id
  LEFT JOIN LATERAL (
    SELECT connected_at, disconnected_at, reason, reported, reported_at
    FROM session WHERE session.device_id = d.id ORDER BY id DESC LIMIT 1
  ) s ON true
  CROSS JOIN LATERAL (
    SELECT CASE
      WHEN s.connected_at IS NULL THEN 'never'
      WHEN s.disconnected_at IS NOT NULL THEN 'closed'
      WHEN s.reported = 'offline' THEN 'said_offline'
      WHEN a.seen_at IS NOT NULL AND greatest(a.seen_at, s.connected_at)
        < now() - greatest(3.0 * a.interval_ms, 30000) * interval '1 millisecond' THEN 'silent'
      ELSE 'open'
    END AS state
  ) c
  CROSS JOIN LATERAL (
    SELECT
      CASE c.state WHEN 'closed' THEN 'offline' WHEN 'said_offline' THEN 'offline' WHEN 'open' THEN 'online'
        ELSE c.state END AS status,
      CASE c.state WHEN 'closed' THEN s.disconnected_at WHEN 'said_offline' THEN s.reported_at
        WHEN 'silent' THEN a.seen_at WHEN 'open' THEN s.connected_at END AS since,
      CASE c.state WHEN 'closed' THEN s.reason WHEN 'open' THEN 'connected' WHEN 'never' THEN NULL
        ELSE c.state END AS reason
  ) p`

export function toPresence(row: PresenceColumns): PresenceRecord {
  return {
    status: row.status,
    since: row.since?.getTime() ?? null,
    reason: row.reason,
    seenAt: row.seen_at?.getTime() ?? null,
  }
}

export type FleetCounts = Record<'total' | PresenceStatus, number>

export async function countPresence(db: Queryable): Promise<FleetCounts> {
  const { rows } = await db.query<{ status: PresenceStatus; n: number }>(
    `SELECT p.status, count(*)::int AS n FROM device d ${PRESENCE_JOIN} GROUP BY p.status`,
  )
  const counts = { total: 0, online: 0, silent: 0, offline: 0, never: 0 }
  for (const { status, n } of rows) {
    counts[status] = n
    counts.total += n
  }
  return counts
}

export interface TimeRange {
  /** Epoch milliseconds; half-open. */
  from: number
  to: number
}

export interface SessionRecord {
  connectedAt: string
  disconnectedAt: string | null
  durationMs: number
  reason: string | null
  address: string | null
}

/** Sessions that touch the range, newest first; open ones last until now. */
export async function listSessions(
  db: Queryable,
  deviceId: string,
  range: TimeRange & { limit: number },
): Promise<SessionRecord[]> {
  const { rows } = await db.query<{
    connected_at: Date
    disconnected_at: Date | null
    until: Date
    reason: string | null
    address: string | null
  }>(
    `SELECT connected_at, disconnected_at, coalesce(disconnected_at, now()) AS until, reason, address
     FROM session
     WHERE device_id = $1 AND connected_at < $3 AND coalesce(disconnected_at, 'infinity') > $2
     ORDER BY id DESC LIMIT $4`,
    [deviceId, new Date(range.from), new Date(range.to), range.limit],
  )
  return rows.map((row) => ({
    connectedAt: row.connected_at.toISOString(),
    disconnectedAt: row.disconnected_at?.toISOString() ?? null,
    durationMs: Math.max(0, row.until.getTime() - row.connected_at.getTime()),
    reason: row.reason,
    address: row.address,
  }))
}

/** Milliseconds of the range with at least one open session: a takeover's overlap counts once. */
export async function connectedMs(db: Queryable, deviceId: string, range: TimeRange): Promise<number> {
  const { rows } = await db.query<{ ms: number | null }>(
    `SELECT (extract(epoch FROM sum(upper(span) - lower(span))) * 1000)::float8 AS ms
     FROM (
       SELECT unnest(range_agg(tstzrange(greatest(connected_at, $2), least(coalesce(disconnected_at, now()), $3))))
         AS span
       FROM session
       WHERE device_id = $1 AND connected_at < least($3, now()) AND coalesce(disconnected_at, now()) > $2
         AND coalesce(disconnected_at, now()) >= connected_at
     ) merged`,
    [deviceId, new Date(range.from), new Date(range.to)],
  )
  return rows[0]?.ms ?? 0
}
