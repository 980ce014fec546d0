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
  const newest = (await isFew(db, deviceIds)) ? NEWEST_EXACTLY : NEWEST_KEPT
  const { rows } = await db.query<LatestValues>({
    text: `SELECT device_id, string_agg(to_json(metric)::text || ':{"value":' ||
        CASE WHEN text IS NOT NULL THEN to_json(text)::text WHEN kind <> 'boolean' THEN number::text
          WHEN number = 0 THEN 'false' ELSE 'true' END
        || ',"time":' || ${epochMs('time')} || '}', ',' ORDER BY id)
      FROM (${newest}) AS newest WHERE $1::text[] IS NULL OR device_id = ANY($1)
      GROUP BY device_id ORDER BY device_id`,
    values: [deviceIds],
    rowMode: 'array',
  })
  return rows
}

async function isFew(db: Queryable, deviceIds: string[] | null): Promise<boolean> {
  const { rows } = await db.query<{ n: number }>(
    `SELECT count(*) AS n FROM (
       SELECT FROM series WHERE $1::text[] IS NULL OR device_id = ANY($1) LIMIT $2
     ) AS first`,
    [deviceIds, limits.history.latestExactSeriesMax + 1],
  )
  return (rows[0]?.n ?? 0) <= limits.history.latestExactSeriesMax
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
       WHERE (s.kind <> 'string' OR s.mixed) AND series_id = s.id AND time >= k.known ORDER BY time DESC LIMIT 1)
      UNION ALL
      (SELECT time, NULL, value, 1 FROM reading_text
       WHERE (s.kind = 'string' OR s.mixed) AND series_id = s.id AND time >= k.known ORDER BY time DESC LIMIT 1)
      UNION ALL
      SELECT l.time, l.number, l.text, 2 WHERE l.time IS NOT NULL
    ) AS candidates ORDER BY time DESC, rank LIMIT 1
  ) AS r`
