import { limits } from '../limits.ts'
import type { Queryable } from './pool.ts'
import type { TimeRange } from './presence.ts'
import { epochMs } from './readings.ts'

export interface PresenceDay {
  deviceId: string
  /** Milliseconds connected of each part of the range. */
  connectedMs: number[]
  /**
   * Before this nothing is known: it had never connected, or it connects too often to look at all of it. Null: never
   * connected, which is no absence.
   */
  knownFrom: number | null
}

/**
 * How long each device was connected in each of `parts` equal parts of the range. The overlap of a takeover counts
 * once; an open session lasts until now. Of each device only its newest sessions are looked at.
 */
export async function readDays(
  db: Queryable,
  deviceIds: string[],
  { from, to, parts }: TimeRange & { parts: number },
): Promise<PresenceDay[]> {
  const { rows } = await db.query<PresenceDay>(
    `WITH newest AS (
       SELECT d.id AS device_id, s.connected_at, s.ended_at
       FROM device d LEFT JOIN LATERAL (
         SELECT connected_at, coalesce(disconnected_at, now()) AS ended_at
         FROM session WHERE device_id = d.id ORDER BY id DESC LIMIT $5
       ) s ON true WHERE d.id = ANY($1::text[])
     ), known AS (
       SELECT device_id, min(connected_at) AS since FROM newest GROUP BY device_id
     ), connected AS (
       SELECT device_id, unnest(range_agg(tstzrange(connected_at, ended_at))) AS span FROM newest
       WHERE ended_at > $2 AND connected_at < $3 AND ended_at > connected_at GROUP BY device_id
     ), part AS (
       SELECT n, tstzrange($2 + n * ($3 - $2) / $4, $2 + (n + 1) * ($3 - $2) / $4) AS span
       FROM generate_series(0, $4 - 1) AS n
     ), share AS (
       SELECT c.device_id, p.n, sum(extract(epoch FROM upper(c.span * p.span) - lower(c.span * p.span))) AS seconds
       FROM connected c JOIN part p ON c.span && p.span GROUP BY c.device_id, p.n
     )
     SELECT k.device_id AS "deviceId", ${epochMs('k.since')} AS "knownFrom",
       array_agg((coalesce(s.seconds, 0) * 1000)::float8 ORDER BY p.n) AS "connectedMs"
     FROM known k CROSS JOIN part p LEFT JOIN share s ON s.device_id = k.device_id AND s.n = p.n
     GROUP BY k.device_id, k.since ORDER BY k.device_id`,
    [deviceIds, new Date(from), new Date(to), parts, limits.fleet.daySessionsMax],
  )
  return rows
}
