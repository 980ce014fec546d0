import { limits } from '../limits.ts'
import type { Queryable } from './pool.ts'
import { epochMs } from './readings.ts'

/** A device whose newest value is beyond a threshold of its type that is called an alarm. */
export interface AlarmRecord {
  deviceId: string
  name: string
  type: string
  metric: string
  value: number
  time: number
  /** The first of the readings beyond it, without one in between that is not; null when we looked no further back. */
  since: number | null
}

/**
 * By the newest values as the brokers keep them, of devices that are in use and connected: a value of last week is no
 * alarm. Nothing is read where no type has such a threshold.
 */
export async function readAlarms(db: Queryable): Promise<{ count: number; items: AlarmRecord[] }> {
  const beyond = (value: string) =>
    `coalesce(${value} > a.above, false) OR coalesce(${value} < a.below, false)`
  const { rows } = await db.query<AlarmRecord & { count: number }>(
    `WITH a AS MATERIALIZED (
       -- Beyond any of several is beyond the one that is reached first.
       SELECT t.name AS type, m.metric, min((h.threshold ->> 'above')::float8) AS above,
         max((h.threshold ->> 'below')::float8) AS below
       FROM device_type t CROSS JOIN LATERAL json_each(t.metrics::json) AS m (metric, said)
       CROSS JOIN LATERAL json_array_elements(coalesce(m.said -> 'thresholds', '[]')) AS h (threshold)
       WHERE h.threshold ->> 'level' = 'alarm' GROUP BY t.name, m.metric
     ), found AS (
       SELECT s.id, d.id AS "deviceId", d.name, d.type, s.metric, l.number, l.time, a.above, a.below
       FROM a JOIN device d ON d.type = a.type AND d.disabled_at IS NULL
       JOIN series s ON s.device_id = d.id AND s.metric = a.metric AND s.kind = 'number'
       JOIN latest_reading l ON l.series_id = s.id AND (${beyond('l.number')})
       WHERE EXISTS (SELECT FROM session WHERE device_id = d.id AND disconnected_at IS NULL)
     ), shown AS (
       SELECT *, count(*) OVER () AS count FROM found ORDER BY time DESC, id LIMIT $1
     )
     SELECT a."deviceId", a.name, a.type, a.metric, a.number AS value, ${epochMs('a.time')} AS time,
       ${epochMs('h.since')} AS since, a.count
     FROM shown a CROSS JOIN LATERAL (
       SELECT CASE WHEN bool_and(all_beyond) AND count(*) = $2
         THEN NULL ELSE min(time) FILTER (WHERE all_beyond) END AS since
       FROM (
         SELECT time, bool_and(${beyond('value')}) OVER (ORDER BY time DESC) AS all_beyond FROM (
           SELECT time, value FROM reading WHERE series_id = a.id AND time >= now() - interval '1 day'
           ORDER BY time DESC LIMIT $2
         ) AS newest
       ) AS judged
     ) AS h ORDER BY h.since DESC NULLS LAST, a.id`,
    [limits.fleet.alarmsMax, limits.fleet.alarmReadingsMax],
  )
  return { count: rows[0]?.count ?? 0, items: rows.map(({ count: _, ...alarm }) => alarm) }
}
