import type { Queryable } from './pool.ts'

/**
 * One row per connection of a device. Its id is the epoch: rows are written in the order connections were accepted,
 * so whatever a late Last Will says, the newest row decides who is online.
 */
export interface NewSession {
  deviceId: string
  brokerId: string
  clientId: string
  address: string | null
  connectedAt: Date
  /** It waited for the database: the device may have connected to another broker since, and is there. */
  isLate: boolean
}

/**
 * Opens sessions, in the order given; an older open session of the same device ends as taken over. Doing it again,
 * when nobody knows whether it was done, is harmless.
 * @returns the epochs, in the order given; null for a device deleted meanwhile, or newer at another broker
 */
export async function openSessions(db: Queryable, sessions: NewSession[]): Promise<(number | null)[]> {
  const { rows } = await db.query<{ n: number; id: number | null }>(
    `WITH given AS (
       -- Several of a device may begin in one millisecond: they are told apart by their order.
       SELECT *, row_number() OVER (PARTITION BY device_id, broker_id, client_id, connected_at ORDER BY n) AS nth
       FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::timestamptz[], $6::boolean[])
         WITH ORDINALITY AS g (device_id, broker_id, client_id, address, connected_at, late, n)
     ), known AS (
       SELECT s.id, device_id, broker_id, client_id, connected_at FROM session s
       JOIN given USING (device_id, broker_id, client_id, connected_at) WHERE disconnected_at IS NULL AND nth = 1
     ), due AS (
       SELECT * FROM given g
       WHERE EXISTS (SELECT FROM device d WHERE d.id = g.device_id)
         AND nth > (SELECT count(*) FROM known k
           WHERE (k.device_id, k.broker_id, k.client_id, k.connected_at)
             = (g.device_id, g.broker_id, g.client_id, g.connected_at))
         AND NOT (late AND EXISTS (SELECT FROM session s
           WHERE s.device_id = g.device_id AND s.broker_id <> g.broker_id AND s.connected_at > g.connected_at))
     ), superseded AS (
       UPDATE session s SET disconnected_at = greatest(s.connected_at, g.connected_at), reason = 'taken_over'
       FROM due g WHERE s.device_id = g.device_id AND s.disconnected_at IS NULL
     ), opened AS (
       INSERT INTO session (device_id, broker_id, client_id, address, connected_at)
       SELECT device_id, broker_id, client_id, address, connected_at FROM due ORDER BY n
       RETURNING id, device_id, broker_id, client_id, connected_at
     ), on_record AS (
       SELECT *, row_number() OVER (PARTITION BY device_id, broker_id, client_id, connected_at ORDER BY id) AS nth
       FROM (TABLE known UNION ALL TABLE opened) o
     )
     SELECT g.n, o.id FROM given g
     LEFT JOIN on_record o USING (device_id, broker_id, client_id, connected_at, nth) ORDER BY g.n`,
    [
      sessions.map((session) => session.deviceId),
      sessions.map((session) => session.brokerId),
      sessions.map((session) => session.clientId),
      sessions.map((session) => session.address),
      sessions.map((session) => session.connectedAt),
      sessions.map((session) => session.isLate),
    ],
  )
  return rows.map((row) => row.id)
}

export interface SessionEnd {
  epoch: number
  disconnectedAt: Date
  reason: string
}

/**
 * Ends sessions that are still open; one that was taken over meanwhile keeps that reason.
 * @returns those taken over: their devices are connected anew
 */
export async function closeSessions(db: Queryable, ends: SessionEnd[]): Promise<Set<number>> {
  await db.query(
    `UPDATE session s SET disconnected_at = e.at, reason = e.reason
     FROM unnest($1::bigint[], $2::timestamptz[], $3::text[]) AS e (id, at, reason)
     WHERE s.id = e.id AND s.disconnected_at IS NULL`,
    [ends.map((end) => end.epoch), ends.map((end) => end.disconnectedAt), ends.map((end) => end.reason)],
  )
  const { rows } = await db.query<{ id: number }>(
    `SELECT id FROM session WHERE id = ANY($1::bigint[]) AND reason = 'taken_over'`,
    [ends.map((end) => end.epoch)],
  )
  return new Set(rows.map(({ id }) => id))
}

export interface StatusReport {
  epoch: number
  status: 'online' | 'offline'
  at: Date
}

/**
 * What devices themselves said in their sessions, at most one word a session.
 * @param isLate they waited elsewhere: a newer one that is there stays
 */
export async function reportStatuses(
  db: Queryable,
  reports: StatusReport[],
  { isLate = false } = {},
): Promise<void> {
  await db.query(
    `UPDATE session s SET reported = r.status, reported_at = r.at
     FROM unnest($1::bigint[], $2::text[], $3::timestamptz[]) AS r (id, status, at)
     WHERE s.id = r.id AND (NOT $4 OR s.reported_at IS NULL OR s.reported_at <= r.at)`,
    [
      reports.map((report) => report.epoch),
      reports.map((report) => report.status),
      reports.map((report) => report.at),
      isLate,
    ],
  )
}

/** The newest moment each device was heard and its usual interval, all devices in one statement. */
export async function recordActivity(
  db: Queryable,
  activity: { deviceId: string; seenAt: Date; intervalMs: number | null }[],
): Promise<void> {
  await db.query(
    `INSERT INTO device_activity (device_id, seen_at, interval_ms)
     SELECT a.device_id, a.seen_at, a.interval_ms
     FROM unnest($1::text[], $2::timestamptz[], $3::int[]) AS a (device_id, seen_at, interval_ms)
     JOIN device d ON d.id = a.device_id ORDER BY a.device_id
     ON CONFLICT (device_id) DO UPDATE
       SET seen_at = greatest(device_activity.seen_at, excluded.seen_at),
           interval_ms = coalesce(excluded.interval_ms, device_activity.interval_ms)`,
    [
      activity.map((row) => row.deviceId),
      activity.map((row) => row.seenAt),
      activity.map((row) => row.intervalMs),
    ],
  )
}

/** Which of them are connected, to whichever broker. */
export async function onlineDevices(db: Queryable, deviceIds: string[]): Promise<Set<string>> {
  const { rows } = await db.query<{ device_id: string }>(
    'SELECT DISTINCT device_id FROM session WHERE device_id = ANY($1) AND disconnected_at IS NULL',
    [deviceIds],
  )
  return new Set(rows.map(({ device_id }) => device_id))
}
