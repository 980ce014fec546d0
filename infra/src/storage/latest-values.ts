import { limits } from '../limits.ts'
import type { Queryable } from './pool.ts'
import { epochMs } from './readings.ts'

/** The newest values of a device as JSON text: `"temperature":{"value":21.5,"time":1764000000000},…`. */
export type LatestValues = [deviceId: string, members: string]

/**
 * The newest reading by event time of every series of these devices, by device; of all devices when null. Devices
 * without readings are left out. The database writes the JSON: for ten thousand devices that is a third of the time.
 */
export async function readLatest(db: Queryable, deviceIds: string[] | null): Promise<LatestValues[]> {
  const since = await exactSince(db, deviceIds)
  const newest = since === undefined ? NEWEST_KEPT : NEWEST_EXACTLY
  const { rows } = await db.query<LatestValues>({
    text: `SELECT device_id, string_agg(to_json(metric)::text || ':{"value":' ||
        CASE WHEN text IS NOT NULL THEN to_json(text)::text WHEN kind <> 'boolean' THEN number::text
          WHEN number = 0 THEN 'false' ELSE 'true' END
        || ',"time":' || ${epochMs('time')} || '}', ',' ORDER BY id)
      FROM (${newest}) AS newest WHERE $1::text[] IS NULL OR device_id = ANY($1)
      GROUP BY device_id ORDER BY device_id`,
    values: since === undefined ? [deviceIds] : [deviceIds, since],
    rowMode: 'array',
  })
  return rows
}

/**
 * From where on the newest readings of all these series are found; undefined when the series are too many to look. As
 * a constant, the planner leaves out all older partitions and chunks.
 */
async function exactSince(db: Queryable, deviceIds: string[] | null): Promise<string | undefined> {
  const { rows } = await db.query<{ n: number; since: string }>(
    `SELECT count(*) AS n, coalesce(min(known), '-infinity')::text AS since FROM (
       SELECT coalesce(l.time, '-infinity') AS known FROM series s LEFT JOIN latest_reading l ON l.series_id = s.id
       WHERE $1::text[] IS NULL OR s.device_id = ANY($1) LIMIT $2
     ) AS first`,
    [deviceIds, limits.history.latestExactSeriesMax + 1],
  )
  const found = rows[0]
  return found && found.n <= limits.history.latestExactSeriesMax ? found.since : undefined
}

/** As the brokers keep them: within about a second. */
const NEWEST_KEPT = `
  SELECT s.id, s.device_id, s.metric, s.kind, l.time, l.number, l.text
  FROM series s JOIN latest_reading l ON l.series_id = s.id`

/**
 * Among the readings, behind what the brokers keep: a look into the newest partition. What is kept stands in where
 * retention has dropped the reading. Of both tables only the one that has rows of the series is asked.
 */
const NEWEST_EXACTLY = `
  SELECT s.id, s.device_id, s.metric, s.kind, r.time, r.number, r.text
  FROM series s LEFT JOIN latest_reading l ON l.series_id = s.id
  CROSS JOIN LATERAL (SELECT coalesce(l.time, '-infinity') AS known) AS k
  CROSS JOIN LATERAL (
    SELECT * FROM (
      (SELECT time, value AS number, NULL::text AS text, 1 AS rank FROM reading
       WHERE (s.kind <> 'string' OR s.mixed) AND series_id = s.id AND time >= k.known AND time >= $2
       ORDER BY time DESC LIMIT 1)
      UNION ALL
      (SELECT time, NULL, value, 1 FROM reading_text
       WHERE (s.kind = 'string' OR s.mixed) AND series_id = s.id AND time >= k.known AND time >= $2
       ORDER BY time DESC LIMIT 1)
      UNION ALL
      SELECT l.time, l.number, l.text, 2 WHERE l.time IS NOT NULL
    ) AS candidates ORDER BY time DESC, rank LIMIT 1
  ) AS r`
